"""Which projects compile their extensions side by side, and how they are told to.

setuptools does so where its ``build_ext`` is asked to, in threads of one process. Not every ``setup.py``
bears that, so it is asked of those alone that are made for it.
"""

import os
from pathlib import Path

# Cython sorts its extensions for it. Compiling itself takes it longer than most trees take for all the rest,
# and whatever needs Cython waits for that.
_MADE_FOR_IT = frozenset({"cython"})
_FILE = ".pydistutils.cfg"


def compile_in_parallel(project: str, home: Path) -> None:
    """Have the build of a project use every processor, through what setuptools reads in its home.

    More than its share: jobs that run beside it are not what others wait for, and are few.
    """
    processors = os.cpu_count() or 1
    if project in _MADE_FOR_IT and processors > 1:
        (home / _FILE).write_text(f"[build_ext]\nparallel = {processors}\n")
