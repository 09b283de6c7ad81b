"""The marker environment of a target (PEP 508), without looking at this machine."""

from typing import assert_never

from wheelyard.targets.interpreter import Interpreter
from wheelyard.targets.platform import Platform, PlatformKind
from wheelyard.targets.target import Target

_WINDOWS_MACHINES = {"amd64": "AMD64", "arm64": "ARM64", "x86": "x86"}
_PYPY_VERSION = "7.3.99"


def marker_environment(target: Target, *, full_version: str = "") -> dict[str, str]:
    """Return what markers see on a target.

    ``full_version`` is that of the interpreter that will be used (``3.11.7``); without it, a version
    that counts as the newest patch. The kernel's release and version are not a target's and stay empty.
    """
    return {
        **_python_markers(target.interpreter, full_version or target.interpreter.newest_version),
        **_platform_markers(Platform.parse(target.platform)),
        "platform_release": "",
        "platform_version": "",
    }


def _python_markers(interpreter: Interpreter, full_version: str) -> dict[str, str]:
    pypy = interpreter.implementation == "pp"
    return {
        "implementation_name": "pypy" if pypy else "cpython",
        "implementation_version": _PYPY_VERSION if pypy else full_version,
        "platform_python_implementation": "PyPy" if pypy else "CPython",
        "python_full_version": full_version,
        "python_version": interpreter.python_version,
    }


def _platform_markers(platform: Platform) -> dict[str, str]:
    match platform.kind:
        case PlatformKind.LINUX | PlatformKind.MANYLINUX | PlatformKind.MUSLLINUX:
            return _markers("posix", "linux", "Linux", platform.arch)
        case PlatformKind.MACOS:
            # Universal results are made on Apple's own processors today.
            machine = "arm64" if platform.arch == "universal2" else platform.arch
            return _markers("posix", "darwin", "Darwin", machine)
        case PlatformKind.WINDOWS:
            return _markers("nt", "win32", "Windows", _WINDOWS_MACHINES[platform.arch])
        case PlatformKind.PYODIDE | PlatformKind.PYEMSCRIPTEN | PlatformKind.EMSCRIPTEN:
            return _markers("posix", "emscripten", "Emscripten", platform.arch)
        case _:
            assert_never(platform.kind)


def _markers(os_name: str, sys_platform: str, system: str, machine: str) -> dict[str, str]:
    return {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
    }
