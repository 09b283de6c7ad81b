"""The environment variables of builds: fixed ones, so that they are the same everywhere."""

import re
from collections.abc import Mapping
from pathlib import Path

from wheelyard.executor.compiler_cache import CACHE, STATISTICS
from wheelyard.executor.hosts import View
from wheelyard.executor.isolation import Isolation
from wheelyard.executor.settings import ExecutorSettings
from wheelyard.model.job import Offer
from wheelyard.model.recipe import Recipe

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# Pythons hand their own -g on to every extension. Debugging information is most of a compiled file and a
# quarter of the time that it takes; nothing reads it where a wheel runs. Not in CFLAGS: who sets these
# takes the -O2 of a configure script away.
OF_WHEELS = {"CPPFLAGS": "-g0"}
_FLAGS = ("CFLAGS", "CXXFLAGS", "LDFLAGS")
_NAMED = re.compile(r"\$\((\w+)\)|\$\{(\w+)\}")
_MASQUERADES = ("/usr/lib/ccache", "/usr/lib64/ccache", "/usr/local/libexec/ccache")


def base_environment(
    view: View, settings: ExecutorSettings, isolation: Isolation
) -> dict[str, str]:
    """Return what an interpreter starts with."""
    path = [f"{view.environment}/bin"]
    if isolation.compiler_cache is not None:
        path += [place for place in _MASQUERADES if Path(place).is_dir()]
    path += [str(folder / "bin") for folder in settings.readable]
    return {
        "PATH": ":".join((*path, *SYSTEM_PATH)),
        "VIRTUAL_ENV": view.environment,
        "LC_ALL": "C.UTF-8",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        # What a build says is seen at once, and its silence is its own.
        "PYTHONUNBUFFERED": "1",
        "HOME": f"{view.build}/home" if view.build else "/nonexistent",
    }


def build_environment(
    view: View, settings: ExecutorSettings, isolation: Isolation, offer: Offer
) -> dict[str, str]:
    """Return what a hook or a command of a job is given; the recipe's own come last."""
    parallel = str(settings.parallel)
    chosen = base_environment(view, settings, isolation) | {
        "TMPDIR": f"{view.build}/tmp",  # noqa: S108 - the job's own, which counts as its disk
        "SOURCE_DATE_EPOCH": str(offer.source_date_epoch),
        "MAKEFLAGS": f"-j{parallel}",
        "CMAKE_BUILD_PARALLEL_LEVEL": parallel,
        "CARGO_BUILD_JOBS": parallel,
        "NPY_NUM_BUILD_JOBS": parallel,
    }
    if offer.command is None:
        chosen |= OF_WHEELS
    if view.contained:
        # There is no network: to try again is to wait for nothing.
        chosen["CARGO_NET_RETRY"] = "0"
    if isolation.compiler_cache is not None:
        chosen |= {
            "CCACHE_DIR": f"{view.build}/{CACHE}",
            "CCACHE_STATSLOG": f"{view.build}/{STATISTICS}",
            "CCACHE_BASEDIR": view.build,
            "CCACHE_NOHASHDIR": "1",
            "CCACHE_COMPILERCHECK": "content",
            "CCACHE_SLOPPINESS": "time_macros,include_file_mtime,include_file_ctime",
        }
    return _with_flags(chosen | dict(offer.recipe.environment), offer.recipe)


def _with_flags(variables: dict[str, str], recipe: Recipe) -> dict[str, str]:
    """Add the flags of a recipe to those that its variables set."""
    given = {"CFLAGS": recipe.cflags, "CXXFLAGS": recipe.cxxflags, "LDFLAGS": recipe.ldflags}
    for name, flags in given.items():
        if flags:
            variables[name] = " ".join(filter(None, (variables.get(name, ""), *flags)))
    return variables


def expanded(variables: Mapping[str, str]) -> dict[str, str]:
    """Put the values of variables where flags name them: ``$(NAME)`` or ``${NAME}``."""
    return {
        name: _NAMED.sub(lambda match: variables.get(match[1] or match[2], ""), value)
        if name in _FLAGS
        else value
        for name, value in variables.items()
    }
