"""Makes a call in a Python that no session runs in: ``apart.py QUESTION ANSWER``.

Both are files of JSON. It is what an emulator runs, or another implementation of Python.
"""

import importlib
import importlib.util
import json
import os
import sys


def main(question, answer):  # type: (str, str) -> None
    """Read the question, make the call, and write the answer."""
    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "_wheelyard", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["_wheelyard"] = package
    del sys.path[0]
    with open(question) as stream:
        asked = json.load(stream)
    kind = {"hook": "hooks", "import": "smoke"}[asked["call"]]
    found = importlib.import_module("_wheelyard." + kind).call(asked)
    with open(answer, "w") as stream:
        json.dump(found, stream)


main(sys.argv[1], sys.argv[2])
