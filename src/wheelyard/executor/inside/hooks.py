"""Calls a build back end's hooks as PEP 517 says.

The back end sees what it would see in a process of its own: the project's folder is the current one
and is not on ``sys.path``, unless ``backend-path`` puts it there.
"""

import importlib
import os
import sys
import traceback

from . import across

_OPTIONAL = {
    "get_requires_for_build_wheel": [],
    "prepare_metadata_for_build_wheel": None,
}  # type: dict[str, list[str] | None]


class _UnusableError(Exception):
    """The back end cannot be loaded."""


def call(request):  # type: (dict[str, object]) -> dict[str, object]
    """Call a hook and say how it went; what it prints goes where standard output goes.

    Where another is to be called ``first`` and that returns something, this is the answer, and all of it.
    """
    try:
        if request.get("across"):
            across.apply(request["across"])  # type: ignore[arg-type]
        backend = _load(str(request["backend"]), list(request["backend_path"]))  # type: ignore[call-overload]
        first = str(request.get("first") or "")
        wanted = _run(backend, request, first) if first else None
        if wanted:
            return {"returned": wanted}
        return {"returned": _run(backend, request, str(request["hook"]))}
    except _UnusableError as error:
        traceback.print_exc()
        return {"failed": "backend", "message": str(error)}
    except MemoryError:
        traceback.print_exc()
        return {"failed": "memory", "message": "MemoryError"}
    except SystemExit as error:
        print("The back end left with", repr(error.code), file=sys.stderr)
        return {"failed": "hook", "message": "SystemExit: {}".format(error.code)[:2000]}
    except BaseException as error:
        traceback.print_exc()
        message = "".join(traceback.format_exception_only(type(error), error)).strip()
        return {"failed": "hook", "message": message[:2000]}


def _load(path, folders):  # type: (str, list[str]) -> object
    places = [os.path.abspath(folder) for folder in folders]
    sys.path[:0] = places
    module, _, attributes = path.partition(":")
    try:
        backend = importlib.import_module(module)  # type: object
    except ImportError as error:
        raise _UnusableError(
            "Cannot import the build back end {!r}: {}".format(module, error)
        ) from error
    if places and not _inside(getattr(backend, "__file__", None), places):
        raise _UnusableError("The build back end {!r} does not lie in backend-path".format(module))
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    return backend


def _inside(file, folders):  # type: (str | None, list[str]) -> bool
    if file is None:
        return False
    real = os.path.realpath(file)
    return any(
        os.path.commonpath([real, os.path.realpath(folder)]) == os.path.realpath(folder)
        for folder in folders
    )


def _run(backend, request, name):  # type: (object, dict[str, object], str) -> object
    hook = getattr(backend, name, None)
    if hook is None:
        if name in _OPTIONAL:
            return _OPTIONAL[name]
        raise _UnusableError("The build back end has no {}".format(name))
    settings = request["config_settings"] or None
    if name == "get_requires_for_build_wheel":
        return [str(line) for line in hook(settings)]
    return str(hook(request["output"], settings))
