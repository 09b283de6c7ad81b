"""Loads this folder as a package under a private name and runs the warm interpreter.

A private name, because the folder must not stand on ``sys.path``: back ends would see its modules.
"""

import importlib
import importlib.util
import os
import sys


def main():  # type: () -> None
    """Load the package and hand over."""
    del sys.path[0]
    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "_wheelyard", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["_wheelyard"] = package
    spec.loader.exec_module(package)
    importlib.import_module("_wheelyard.warm").main(sys.argv[1:])


main()
