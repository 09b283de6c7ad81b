"""Imports what a wheel brought, in a Python that no session runs in: ``apart.py QUESTION ANSWER``.

Both are files of JSON. It is what an emulator runs, or another implementation of Python.
"""

import importlib.util
import json
import os
import sys


def main(question, answer):  # type: (str, str) -> None
    """Read the question and write the answer."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "smoke.py")
    spec = importlib.util.spec_from_file_location("_wheelyard_smoke", path)
    assert spec is not None
    assert spec.loader is not None
    smoke = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(smoke)
    with open(question) as stream:
        asked = json.load(stream)
    found = smoke.call(asked)
    with open(answer, "w") as stream:
        json.dump(found, stream)


main(sys.argv[1], sys.argv[2])
