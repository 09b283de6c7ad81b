"""Imports what a wheel brought, as its first user would.

The wheel is unpacked here, in the sandbox, because what is in it was made by a stranger.
"""

import importlib
import os
import shutil
import site
import sys
import traceback
import zipfile

_MOST_TOLD = 100


def unpack(wheel, place):  # type: (str, str) -> None
    """Lay a wheel's files where an installer would, as far as imports and data see it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    for name in os.listdir(place):
        if name.endswith(".data"):
            for scheme in ("purelib", "platlib"):
                folder = os.path.join(place, name, scheme)
                if os.path.isdir(folder):
                    _merge(folder, place)


def unpack_all(request):  # type: (dict[str, object]) -> None
    """Lay several wheels out at one place."""
    for wheel in list(request["wheels"]):  # type: ignore[call-overload]
        unpack(str(wheel), str(request["place"]))


def _merge(source, place):  # type: (str, str) -> None
    for parent, _, files in os.walk(source):
        target = os.path.join(place, os.path.relpath(parent, source))
        os.makedirs(target, exist_ok=True)
        for name in files:
            shutil.move(os.path.join(parent, name), os.path.join(target, name))


def call(request):  # type: (dict[str, object]) -> dict[str, object]
    """Import module after module, and tell which failed."""
    place = str(request["place"])
    wheel = str(request["wheel"])
    if wheel:
        unpack(wheel, place)
    for folder in [place] + list(request["folders"]):  # type: ignore[call-overload]
        site.addsitedir(folder)
    sys.dont_write_bytecode = True
    failures = []  # type: list[dict[str, str]]
    for module in list(request["modules"]):  # type: ignore[call-overload]
        failure = _import(str(module))
        if failure is not None and len(failures) < _MOST_TOLD:
            failures.append(failure)
    return {"returned": failures}


def _import(module):  # type: (str) -> dict[str, str] | None
    print("import", module, flush=True)
    try:
        importlib.import_module(module)
    except SystemExit as error:
        message, missing = "SystemExit: {}".format(error.code), ""
    except BaseException as error:
        traceback.print_exc()
        message = "".join(traceback.format_exception_only(type(error), error)).strip()
        missing = str(error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    else:
        return None
    return {
        "module": module,
        "message": message.splitlines()[-1][:500] if message else "",
        "missing": missing,
    }
