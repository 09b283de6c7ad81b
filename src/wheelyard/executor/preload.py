"""Which modules a warm interpreter loads for a back end.

A back end imports most of its code only when a hook is called; naming that code here moves the cost from
each build to the start of the interpreter. A name that is not there ends the list, and does no harm.
"""

_LATE_IMPORTS = {
    "setuptools.build_meta": (
        "setuptools.command.egg_info",
        "setuptools.command.build_py",
        "setuptools.command.install",
        "setuptools.command.install_lib",
        "setuptools.command.install_egg_info",
        "setuptools.command.install_scripts",
        "setuptools.command.dist_info",
        "setuptools.command.build",
        "setuptools.command.build_ext",
        "distutils.command.build_scripts",
        "setuptools.config.pyprojecttoml",
        "setuptools.config.setupcfg",
        "setuptools.config._validate_pyproject",
        "setuptools.command.bdist_wheel",
    ),
    "flit_core.buildapi": ("flit_core.wheel",),
    "hatchling.build": (
        "hatchling.builders.wheel",
        "hatchling.metadata.core",
        "hatchling.plugin.manager",
        "hatchling.builders.hooks.version",
        "hatchling.version.source.regex",
        "hatchling.metadata.spec",
        "packaging.requirements",
        "packaging.licenses",
        "trove_classifiers",
        "hatchling.bridge.app",
        "hatchling.metadata.custom",
        "hatchling.plugin.utils",
        "email.message",
    ),
    "poetry.core.masonry.api": (
        "poetry.core.factory",
        "poetry.core.masonry.builders.wheel",
        "poetry.core.masonry.metadata",
        "poetry.core.masonry.utils.module",
        "poetry.core.packages.project_package",
        "poetry.core.packages.vcs_dependency",
        "poetry.core.poetry",
        "poetry.core.pyproject.toml",
        "poetry.core.json",
        "poetry.core.spdx.helpers",
        "poetry.core.vcs.git",
        "poetry.core._vendor.fastjsonschema",
    ),
}
# What the import of a wheel needs in its clean interpreter.
FOR_IMPORTS = ("zipfile", "shutil", "site", "traceback", "importlib.util")


def modules_of(backend: str) -> tuple[str, ...]:
    """Return what to load for a back end, itself first."""
    module = backend.partition(":")[0]
    return (module, *_LATE_IMPORTS.get(module, ()))
