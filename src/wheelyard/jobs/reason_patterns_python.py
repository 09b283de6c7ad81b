"""The patterns of what is wrong with the package itself, or with it and this Python."""

from wheelyard.jobs.reason_names import of_module
from wheelyard.jobs.reason_pattern import Pattern, Rank

_NEWER = "Build a newer version of it."
_PATCH = "Build a newer version, or patch it in a recipe."

_C_API = r"_?Py[A-Z]\w{1,80}"

_PYTHON_VERSION = (
    Pattern(
        needles=("newer than PyO3's maximum",),
        regex=r"interpreter version \((?P<name>[\d.]{1,10})\) is newer than PyO3's maximum supported version \((?P<most>[\d.]{1,10})\)",
        phrase="its PyO3 does not know Python {name}",
        hint="Build a newer version; with a stable ABI, PYO3_USE_ABI3_FORWARD_COMPATIBILITY=1 may do.",
    ),
    Pattern(
        needles=("ython version", "different Python", "requires Python", "Python versions"),
        regex=r"Cannot install on Python version [\d.]{1,10}|requires a different Python"
        r"|[Uu]nsupported [Pp]ython version|[Pp]ython version (?:>=?|<=?|==)? ?[\d.]{1,10} (?:is )?not supported"
        r"|(?:This package|package|[\w-]{1,40}) requires Python (?:version )?['\"]?[<>=!~ ]{0,4}\d[\d.]{0,8}"
        r"|only (?:supports|versions) .{0,20}[Pp]ython versions",
        phrase="does not support this Python version",
        hint="Leave that target out, or build a version that supports it.",
    ),
    Pattern(
        needles=(
            "Missing parentheses in call to",
            "multiple exception types must be",
            "inconsistent use of tabs",
        ),
        regex=r"Missing parentheses in call to '(?:print|exec)'"
        r"|multiple exception types must be parenthesized|TabError: inconsistent use of tabs",
        phrase="written for Python 2",
        hint=_NEWER,
    ),
    Pattern(
        needles=("NameError: name '",),
        regex=r"NameError: name '(?P<name>unicode|execfile|file|raw_input|xrange|basestring|reload|unichr|long)' is not defined",
        phrase="written for Python 2",
        hint="It uses {name}, which is not in Python 3; build a newer version.",
    ),
    Pattern(
        needles=("use_2to3 is invalid",),
        regex=r"use_2to3 is invalid",
        phrase="use_2to3 is gone from setuptools",
        hint="Constrain its build to setuptools<58 (build-constraints), or build a newer version.",
    ),
)

_MODULES = (
    Pattern(
        needles=("BackendUnavailable", "Cannot import '"),
        regex=r"BackendUnavailable: (?:Cannot import )?'?(?P<name>[A-Za-z_][\w.]{0,80})",
        explain=of_module,
    ),
    Pattern(
        needles=("No module named",),
        regex=r"(?:ModuleNotFoundError|ImportError): No module named '?(?P<name>[A-Za-z_][\w.]{0,100})",
        explain=of_module,
    ),
    Pattern(
        needles=(
            "ImpImporter",
            "SafeConfigParser",
            "getargspec",
            "from 'collections'",
            "has no attribute '",
        ),
        regex=r"(?P<name>module 'pkgutil' has no attribute 'ImpImporter'"
        r"|module 'configparser' has no attribute '(?:SafeConfigParser|RawConfigParser\.readfp)'"
        r"|module 'inspect' has no attribute 'getargspec'"
        r"|cannot import name '\w{1,40}' from 'collections'"
        r"|module 'ast' has no attribute '(?:Str|Num|NameConstant|Bytes)'"
        r"|module 'asyncio' has no attribute 'coroutine'"
        r"|module '(?:collections|fractions|math|platform|time|cgi|locale)' has no attribute '\w{1,40}')",
        phrase="too old for this Python ({name})",
        hint=_NEWER,
    ),
    Pattern(
        needles=("cannot import name '",),
        regex=r"cannot import name '(?P<what>\w{1,60})' from '(?P<name>(?:setuptools|pkg_resources|wheel|distutils)[\w.]{0,80})'",
        phrase="{what} is gone from {name}",
        hint="Constrain its build to an older setuptools (build-constraints), or build a newer version.",
    ),
    Pattern(
        needles=(
            "AttributeError: cython_sources",
            "AttributeError: 'build_ext' object has no attribute",
        ),
        regex=r"AttributeError: cython_sources|'build_ext' object has no attribute 'cython_sources'",
        phrase="too old for Cython 3",
        hint="Constrain its build to cython<3 (build-constraints), or build a newer version.",
    ),
)

_METADATA = (
    Pattern(
        needles=(
            "unable to detect version",
            "Versioning for this project requires",
            "not a git repository",
            "Error getting the version from source `vcs`",
        ),
        regex=r"(?:setuptools[-_]scm|vcs[-_]versioning|[\w-]{1,30}) was unable to detect version"
        r"|Versioning for this project requires either an sdist|fatal: not a git repository"
        r"|Error getting the version from source `vcs`",
        phrase="its version comes from git, which is not there",
        hint="Set SETUPTOOLS_SCM_PRETEND_VERSION (or PBR_VERSION) in its environment, or build from its sdist or git.",
    ),
    Pattern(
        needles=("license", "License"),
        regex=r"configuration error: .project\.license|Error: License classifiers have been superseded"
        r"|Error\b.{0,120}(?:project\.license|license field|license expression|Unrecogni[sz]ed license)",
        phrase="its license field is not valid",
        hint="Constrain its build to another version of its back end (setuptools<77), or patch its pyproject.toml.",
    ),
    Pattern(
        needles=(
            "invalid pyproject.toml config",
            "Failed to validate",
            "configuration error: `",
            "configuration is invalid",
            "TOMLDecodeError",
            "Failed to parse",
            "ConfigurationError:",
        ),
        regex=r"invalid pyproject\.toml config: (?P<name>.{1,80})|configuration error: (?P<second>.{1,80})"
        r"|The Poetry configuration is invalid|TOMLDecodeError: (?P<third>.{1,80})"
        r"|Failed to (?:validate|parse) .{0,60}pyproject\.toml"
        r"|pyproject_metadata\.errors\.ConfigurationError: (?P<fourth>.{1,80})",
        phrase="its pyproject.toml is not valid",
        hint="Constrain its build to an older back end, or patch its pyproject.toml.",
    ),
    Pattern(
        needles=("setup command: ", "Invalid dash-separated key", "InvalidSetupKeywordError"),
        regex=r"error in [\w.-]{1,80} setup command: (?P<name>.{1,80})|(?P<second>Invalid dash-separated key '[\w-]{1,40}')",
        phrase="setuptools refuses its setup ({name}{second})",
        hint="Constrain its build to an older setuptools (build-constraints), or patch it.",
    ),
    Pattern(
        needles=("Invalid version: '", "InvalidVersion"),
        regex=r"InvalidVersion: Invalid version: '(?P<name>[^']{1,60})'",
        phrase="its version is not valid ({name})",
        hint="Constrain its build to setuptools<66 (build-constraints), or patch its version.",
    ),
    Pattern(
        needles=("top-level packages discovered", "Unable to determine which files to ship"),
        regex=r"Multiple top-level (?:packages|modules) discovered|Unable to determine which files to ship",
        phrase="its back end cannot tell which packages it holds",
        hint="Name them in its pyproject.toml with a patch.",
    ),
    Pattern(
        needles=("codec can't decode byte",),
        regex=r"UnicodeDecodeError: '(?P<name>[\w-]{1,20})' codec can't decode byte",
        phrase="reads its files in the wrong encoding ({name})",
        hint="Set PYTHONUTF8=1 in its environment.",
    ),
)

_CODE = (
    Pattern(
        needles=("Cython.Compiler.Errors.CompileError", "Error compiling Cython file"),
        regex=r"Cython\.Compiler\.Errors\.CompileError: (?P<name>[\w./-]{1,120})|Error compiling Cython file",
        phrase="Cython cannot compile it",
        hint="Constrain its build to cython<3 (build-constraints), or build a newer version.",
    ),
    Pattern(
        needles=(
            "error: implicit declaration of function",
            "undeclared",
            "error: unknown type name",
            "was not declared",
            "arguments to function",
            "undefined symbol: ",
            "no member named",
        ),
        regex=rf"error: implicit declaration of function '(?P<name>{_C_API})'"
        rf"|error: (?:call to undeclared function|use of undeclared identifier|unknown type name) '(?P<second>{_C_API})'"
        rf"|error: '(?P<third>{_C_API})' (?:undeclared|was not declared)"
        rf"|error: too (?:few|many) arguments to function (?:call )?'(?P<fourth>{_C_API})"
        rf"|undefined symbol: (?P<fifth>{_C_API})"
        rf"|error: '(?P<sixth>Py\w{{1,60}})'(?: \{{aka '[^']{{1,60}}'\}})? has no member named"
        rf"|error: no member named '\w{{1,40}}' in '(?P<seventh>(?:struct )?_?(?:Py|ts)\w{{0,60}})'",
        phrase="too old for this Python ({name}{second}{third}{fourth}{fifth}{sixth}{seventh})",
        hint="Its C code uses what this Python changed: build a newer version, or with a newer Cython.",
    ),
    Pattern(
        needles=("error: implicit declaration of function", "call to undeclared function"),
        regex=r"error: implicit declaration of function '(?P<name>\w{1,80})'"
        r"|error: call to undeclared function '(?P<second>\w{1,80})'",
        phrase="calls {name}{second} without declaring it",
        hint="An error since GCC 14 and clang 16: set CFLAGS=-Wno-error=implicit-function-declaration in its environment.",
    ),
    Pattern(
        needles=("unrecognized command", "unsupported option", "unknown target CPU", "bad value"),
        regex=r"unrecognized command[- ]line option '(?P<name>-[\w=+.-]{1,60})'"
        r"|unsupported option '(?P<second>-[\w=+.-]{1,60})'|unknown target CPU '(?P<third>[\w.-]{1,40})'"
        r"|bad value \('?(?P<fourth>[\w.-]{1,40})'?\) for '-m",
        phrase="its compiler options are for another compiler or processor ({name}{second}{third}{fourth})",
        hint=_PATCH,
    ),
    Pattern(
        needles=("#error",),
        regex=r"error: #error \"?(?P<name>[^\"]{1,100})",
        phrase="its code refuses: {name}",
        hint=_PATCH,
    ),
    Pattern(
        needles=("internal compiler error",),
        regex=r"internal compiler error: (?!Killed)(?P<name>.{1,60})",
        phrase="the compiler crashed ({name})",
        hint="Try another version of the compiler, or less optimisation (CFLAGS=-O1).",
    ),
    Pattern(
        needles=("undefined reference to", "undefined symbol: "),
        regex=r"undefined reference to [`'](?P<name>[^']{1,100})'|undefined symbol: (?P<second>[\w.@]{1,100})",
        phrase="undefined reference to {name}{second}",
        hint="A library is missing from its link, or is of another version.",
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("error[E",),
        regex=r"error\[(?P<name>E\d{4})\]: (?P<what>.{1,100})",
        phrase="its Rust code does not compile ({name}: {what})",
        hint=_PATCH,
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=(": error: ", ": fatal error: "),
        regex=r"\.(?:c|cc|cpp|cxx|h|hpp|pyx|m|mm|cu):\d{1,7}:\d{1,5}: (?:fatal )?error: (?P<name>.{1,120})",
        phrase="does not compile: {name}",
        hint=_PATCH,
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("SyntaxError: ",),
        regex=r"^SyntaxError: (?P<name>.{1,100})",
        phrase="its code is not valid for this Python ({name})",
        hint="Build a version that supports this Python.",
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("ERROR: ", "CMake Error"),
        regex=r"meson\.build:\d{1,6}:\d{1,5}: ERROR: (?P<name>.{1,120})|^CMake Error: (?P<second>.{1,120})",
        phrase="its configuration failed: {name}{second}",
        rank=Rank.SYMPTOM,
    ),
)

_LAST_WORDS = (
    Pattern(
        needles=("Error: ", "Exception: "),
        regex=r"^(?P<name>(?:\w{1,40}\.){0,8}\w{0,60}(?:Error|Exception)): (?P<what>.{1,160})",
        phrase="{name}: {what}",
        rank=Rank.LAST_WORDS,
    ),
    Pattern(
        needles=("failed with exit", "build stopped: subcommand failed", "make: *** "),
        regex=r"error: command '(?P<name>[^']{1,200})' failed with exit|ninja: build stopped: subcommand failed"
        r"|make: \*\*\* ",
        phrase="the compiler failed",
        hint="Its log says why.",
        rank=Rank.LAST_WORDS,
    ),
)

PACKAGE_PATTERNS = (*_PYTHON_VERSION, *_MODULES, *_METADATA, *_CODE, *_LAST_WORDS)
"""What the package itself has to do with it."""
