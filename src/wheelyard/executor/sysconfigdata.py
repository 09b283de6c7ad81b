"""Values in the data of a Python's ``sysconfig``, without running it.

The file is a table that ``pprint`` wrote. It is not parsed as Python: CPython 3.11 does that wrong in threads.
"""

import re
from pathlib import Path

from wheelyard.errors import ToolError


def text_in(sysconfigdata: Path, name: str) -> str:
    """Return a text by its name; nothing where there is none. Raises ToolError."""
    try:
        content = sysconfigdata.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(
            f"'{sysconfigdata}' cannot be read: {error}",
            hint="Make the platform anew: wheelyard platform check says what is wrong.",
        ) from error
    found = re.search(rf"""['"]{re.escape(name)}['"]:\s*(['"])(?P<value>[^'"\n]*)\1""", content)
    return found["value"] if found else ""
