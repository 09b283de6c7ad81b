"""Lets the process of one hook answer for the machine that its wheel is for.

``sysconfig``, the tags and the markers of every copy of ``packaging`` speak of the target from here on, in
this process alone: what it starts is the build machine's and is told so by nothing. ``platform`` and
``os.uname`` stay true unless a recipe asks, because Meson and others ask them what the build machine is.
"""

import importlib
import os
import platform
import sys
import sysconfig
import types  # noqa: F401 - in type comments


def apply(target):  # type: (dict[str, object]) -> None
    """Speak for a target: its ``platform`` as sysconfig writes it, ``tags``, ``markers``, and its data."""
    _answer_sysconfig(target)
    watcher = _Watcher(list(target["tags"]), dict(target["markers"]))  # type: ignore[call-overload]
    for name, module in list(sys.modules.items()):
        watcher.amend(name, module)
    sys.meta_path.insert(0, watcher)  # type: ignore[arg-type]
    if target["pretend"]:
        _pretend(target)


def _answer_sysconfig(target):  # type: (dict[str, object]) -> None
    folder = str(target["folder"])
    answers = {
        "_PYTHON_HOST_PLATFORM": str(target["platform"]),
        "_PYTHON_SYSCONFIGDATA_NAME": str(target["sysconfigdata"]),
    }
    kept = {name: os.environ.pop(name, None) for name in answers}
    os.environ.update(answers)
    sys.path.insert(0, folder)
    sysconfig._CONFIG_VARS = None  # type: ignore[attr-defined]
    sysconfig._CONFIG_VARS_INITIALIZED = False  # type: ignore[attr-defined]
    try:
        variables = sysconfig.get_config_vars()
    finally:
        sys.path.remove(folder)
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    # An older Python remembers one of the two names of this only.
    if variables.get("EXT_SUFFIX"):
        variables["SO"] = variables["EXT_SUFFIX"]
    wanted = answers["_PYTHON_HOST_PLATFORM"]
    sysconfig.get_platform = lambda: wanted


class _Watcher(object):
    """Amends each copy of ``packaging`` and of distutils as it is imported."""

    def __init__(self, tags, markers):  # type: (list[str], dict[str, str]) -> None
        self._tags = tags
        self._markers = markers
        self._inside = False

    def find_spec(self, name, path=None, target=None):  # type: (str, object, object) -> object
        """Find a module as the others would, and amend it once it is loaded."""
        if self._inside or not _answers_for_a_machine(name):
            return None
        self._inside = True
        try:
            spec = next(
                (
                    found
                    for finder in sys.meta_path
                    if hasattr(finder, "find_spec")
                    for found in [finder.find_spec(name, path, target)]  # type: ignore[arg-type]
                    if found is not None
                ),
                None,
            )
        finally:
            self._inside = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]
        return spec

    def amend(self, name, module):  # type: (str, types.ModuleType) -> None
        """Let what answers for a machine answer for the target."""
        if not _answers_for_a_machine(name):
            return
        if name.endswith("markers") and hasattr(module, "default_environment"):
            asked, markers = module.default_environment, self._markers

            def default_environment():  # type: () -> dict[str, str]
                environment = dict(asked())
                environment.update(markers)
                return environment

            module.default_environment = default_environment  # type: ignore[attr-defined]
        elif name.endswith("tags"):
            tags = self._tags
            for function in ("platform_tags", "_platform_tags"):
                if hasattr(module, function):
                    setattr(module, function, lambda *_, **__: iter(tags))
        elif name.endswith("distutils.sysconfig"):
            module._config_vars = dict(sysconfig.get_config_vars())  # type: ignore[attr-defined]
        elif name.endswith("distutils.util"):
            module.get_platform = module.get_host_platform = sysconfig.get_platform  # type: ignore[attr-defined]


class _Loader(object):
    """Loads as another loader does, and amends what it loaded."""

    def __init__(self, loader, watcher):  # type: (object, _Watcher) -> None
        self._loader = loader
        self._watcher = watcher

    def __getattr__(self, name):  # type: (str) -> object
        return getattr(self._loader, name)

    def create_module(self, spec):  # type: (object) -> object
        """Make the module."""
        return self._loader.create_module(spec)  # type: ignore[attr-defined]

    def exec_module(self, module):  # type: (types.ModuleType) -> None
        """Fill it, and amend it."""
        self._loader.exec_module(module)  # type: ignore[attr-defined]
        self._watcher.amend(module.__name__, module)


def _answers_for_a_machine(name):  # type: (str) -> bool
    if name.endswith((".sysconfig", ".util")):
        return name.rpartition(".")[0] in ("distutils", "setuptools._distutils")
    return ("." + name).endswith((".packaging.markers", ".packaging.tags"))


def _pretend(target):  # type: (dict[str, object]) -> None
    """Let ``os.uname``, ``platform`` and, for another system, ``sys.platform`` speak for the target."""
    markers = dict(target["markers"])  # type: ignore[call-overload]
    here = os.uname()
    system, machine = markers["platform_system"], markers["platform_machine"]
    answer = os.uname_result((system, here[1], here[2], here[3], machine))
    os.uname = lambda: answer
    sys.platform = markers["sys_platform"]
    importlib.reload(platform)
