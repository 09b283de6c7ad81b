"""What a warm interpreter loads for a back end.

A back end imports most of its code only when a hook is called; naming that code here moves the cost from
each build to the start of the interpreter. Plug-ins stand with the back end that loads them. What is not
in an environment is passed over; nothing here is a project's own.

``module:function:text`` calls a function that keeps what it returns for later callers.
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
        "setuptools.command.bdist_wheel",
        "setuptools.compat.py310",
        "tomllib",
        "setuptools_scm._integration.setuptools",
        "setuptools_scm._integration.build_py",
        "setuptools_scm._integration.egg_info",
        "setuptools_scm._integration.bdist_wheel",
        "setuptools_scm._integration.file_finders",
        "vcs_versioning._backends._git",
        "vcs_versioning._fallback_workdir",
        "vcs_versioning._version_schemes._towncrier",
    ),
    "flit_core.buildapi": ("flit_core.wheel", "ast", "inspect"),
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
        "hatchling.metadata.plugin.hooks",
        "hatchling.plugin.specs",
        "hatchling.plugin.utils",
        "hatchling.utils.context",
        "email.headerregistry",
        "email.message",
        "email.parser",
        "glob",
        "importlib.metadata",
        "hatch_vcs.hooks",
        "hatch_vcs.build_hook",
        "hatch_vcs.metadata_hook",
        "hatch_vcs.version_source",
        "hatch_fancy_pypi_readme.hooks",
        "hatch_fancy_pypi_readme._builder",
    ),
    "poetry.core.masonry.api": (
        "poetry.core.factory",
        "poetry.core.masonry.builders.wheel",
        "poetry.core.masonry.metadata",
        "poetry.core.masonry.utils.module",
        "poetry.core.packages.project_package",
        "poetry.core.packages.url_dependency",
        "poetry.core.packages.vcs_dependency",
        "poetry.core.poetry",
        "poetry.core.pyproject.toml",
        "poetry.core.constraints.version.patterns",
        "poetry.core.version.helpers",
        "poetry.core.version.pep440.parser",
        "poetry.core.json",
        "poetry.core.spdx.helpers",
        "poetry.core.vcs.git",
        "importlib.readers",
        # It compiles the schema to Python, which takes longer than the rest of a small build.
        "poetry.core.json:_get_validator:poetry-schema",
    ),
    "pdm.backend": (
        "pdm.backend.wheel",
        "pdm.backend.hooks.setuptools",
        "pdm.backend.hooks.version",
        "email.headerregistry",
        "email.parser",
        "importlib.resources",
        "zipfile",
    ),
    "scikit_build_core.build": (
        "scikit_build_core.build.wheel",
        "scikit_build_core.builder.get_requires",
        "scikit_build_core.build.metadata",
        "scikit_build_core.settings.skbuild_read_settings",
        "pathspec",
        "email.generator",
        "email.headerregistry",
        "importlib.metadata",
        "importlib.readers",
        "sysconfig",
    ),
    "mesonpy": ("email.generator",),
}
# What they import only for projects that declare their metadata in a [project] table.
_FOR_PROJECT_TABLES = {
    "setuptools.build_meta": ("setuptools.config._validate_pyproject",),
    "poetry.core.masonry.api": ("poetry.core.json:_get_validator:project-schema",),
}
# What the import of a wheel needs in its clean interpreter, and what most packages import first. Of
# the latter only modules that are no package: a package's module that is there already would hide that
# a wheel forgot to import it.
FOR_IMPORTS = (
    *("zipfile", "shutil", "site", "traceback", "importlib.util"),
    *("__future__", "ast", "copy", "dataclasses", "datetime", "gettext", "inspect", "platform"),
    *("string", "textwrap", "typing", "unicodedata", "uuid"),
)
# What nearly all back ends import from the standard library, loaded once for each Python.
FOR_BACK_ENDS = (
    *("__future__", "argparse", "ast", "base64", "configparser", "copy", "csv", "dataclasses"),
    *("datetime", "difflib", "email.generator", "email.headerregistry", "email.message"),
    *("email.parser", "enum", "fnmatch", "functools", "glob", "gzip", "hashlib"),
    *(
        "importlib.metadata",
        "importlib.readers",
        "importlib.resources",
        "importlib.util",
        "inspect",
    ),
    *("itertools", "json", "logging", "numbers", "operator", "pathlib", "platform", "re", "shlex"),
    *("shutil", "subprocess", "sysconfig", "tarfile", "tempfile", "textwrap", "tokenize"),
    *("tomllib", "traceback", "typing", "unicodedata", "urllib.request", "warnings", "zipfile"),
)


def modules_of(backend: str, *, project_table: bool = False) -> tuple[str, ...]:
    """Return what to load for a back end, itself first."""
    module = backend.partition(":")[0]
    more = _FOR_PROJECT_TABLES.get(module, ()) if project_table else ()
    return (module, *_LATE_IMPORTS.get(module, ()), *more)


# PEP 517 has front ends call each hook in a process of its own, so that a back end may change what is global.
# These do nothing of the kind when they are asked what they require: they read the project's settings.
_KEEPS_ITS_PROCESS = frozenset(
    {"flit_core.buildapi", "hatchling.build", "poetry.core.masonry.api", "pdm.backend"}
)


def may_build_where_it_was_asked(backend: str) -> bool:
    """Whether a back end may build in the process in which it was asked what it requires."""
    return backend in _KEEPS_ITS_PROCESS
