"""What templates may call, without a machine behind it.

Compilers and the standard library give the package that a variant names, else a stub that the field's
own tools use; pins give the package alone; whatever would read a source that isn't there is missing.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from jinja2.utils import Namespace

from wheelyard.recipes.evaluated import Variant
from wheelyard.recipes.templates.missing import Missing

_ENVIRONMENT = (
    "PREFIX", "BUILD_PREFIX", "SRC_DIR", "RECIPE_DIR", "SP_DIR", "STDLIB_DIR", "LIBRARY_PREFIX", "LIBRARY_LIB",
    "LIBRARY_BIN", "LIBRARY_INC", "SCRIPTS", "R", "PERL", "ROOT", "CONDA_PREFIX",
)  # fmt: skip

_CDT_MACHINES = {"64": "x86_64", "32": "i686"}


class Environ(dict[str, str]):
    """The environment of a build: what a recipe asks for and is not there is empty."""

    def __missing__(self, key: str) -> Missing:
        return Missing(key)


class _Time:
    """Stands for Python's time and datetime: a value that never changes."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: Missing(name)


def stubs(variant: Variant) -> dict[str, object]:
    """Give the functions and the environment that a meta.yaml's templates know."""
    environ = Environ({name: f"${name}" for name in _ENVIRONMENT})
    environ["CPU_COUNT"] = "1"
    functions: dict[str, object] = dict(environ)
    functions.pop("R")  # a recipe's own name more often than a path
    return functions | {
        "PYTHON": "python", "PIP": "pip", "PKG_HASH": "0000000", "CPU_COUNT": "1",
        "environ": environ,
        "os": {"environ": environ, "sep": "/"},
        "compiler": lambda language, *_, **__: compiler(str(language), variant),
        "stdlib": lambda language, *_, **__: stdlib(str(language), variant),
        "pin_subpackage": pin, "pin_compatible": pin,
        "cdt": lambda name, *_, **__: cdt(str(name), variant),
        "ccache": lambda *_, **__: "",
        "load_setup_py_data": nothing, "load_setuptools": nothing, "load_npm": nothing, "load_file_data": nothing,
        "load_str_data": nothing, "load_file_regex": nothing, "resolved_packages": lambda *_, **__: [],
        "installed": {}, "time": _Time(), "datetime": _Time(), "range": range, "dict": dict, "namespace": Namespace,
    }  # fmt: skip


def with_functions(
    names: Mapping[str, object], functions: Mapping[str, object]
) -> dict[str, object]:
    """Join a variant's names with stubs; what is called stays what it is, whatever a key is named."""
    called = {name: held for name, held in functions.items() if callable(held)}
    return {**functions, **names, **called}


def nothing(*_given: object, **_named: object) -> Missing:
    """Stand for what a source would say."""
    return Missing()


def pin(name: object = "", *_given: object, **_named: object) -> str:
    """Give the package that is pinned."""
    return str(name)


def compiler(language: str, variant: Variant) -> str:
    """Give the compiler of a language: ``gcc_linux-64``, or ``c_compiler_stub`` where the variant has none."""
    name = variant.values.get(f"{language}_compiler")
    if name is None:
        return f"{language}_compiler_stub"
    return _tool(name, variant.values.get(f"{language}_compiler_version"), variant)


def stdlib(language: str, variant: Variant) -> str:
    """Give the standard library of a language: ``sysroot_linux-64``, or ``c_stdlib_stub``."""
    name = variant.values.get(f"{language}_stdlib")
    if name is None:
        return f"{language}_stdlib_stub"
    return _tool(name, variant.values.get(f"{language}_stdlib_version"), variant)


def _tool(name: str, version: str | None, variant: Variant) -> str:
    return f"{name}_{variant.platform}" + (f" {version}.*" if version else "")


def cdt(name: str, variant: Variant) -> str:
    """Give a package of the base system's tree: ``mesa-libgl-devel-cos7-x86_64``."""
    machine = variant.platform.partition("-")[2]
    base, _, rest = name.partition(" ")
    distribution = variant.values.get("cdt_name", "cos7")
    machine = variant.values.get("cdt_arch", _CDT_MACHINES.get(machine, machine))
    return f"{base}-{distribution}-{machine}" + (f" {rest}" if rest else "")


class RecipeStubs:
    """What the templates of a recipe.yaml may call beside those of meta.yaml."""

    kinds: ClassVar[tuple[str, ...]] = ("env", "git", "match", "cmp", "is_linux")

    @staticmethod
    def of(variant: Variant, matches: Callable[[object, object], bool]) -> Mapping[str, object]:
        """Give the functions that rattler-build's templates know."""
        system = variant.platform.partition("-")[0]
        return {
            "compiler": lambda language, *_, **__: compiler(str(language), variant),
            "stdlib": lambda language, *_, **__: stdlib(str(language), variant),
            "pin_subpackage": pin, "pin_compatible": pin,
            "cdt": lambda name, *_, **__: cdt(str(name), variant),
            "match": matches, "cmp": matches,
            "hash": "0000000", "range": range, "dict": dict, "load_from_file": nothing,
            "env": {"get": lambda _name="", default="", **__: default, "exists": lambda *_: False,
                    "get_default": lambda _name="", default="", **__: default},
            "git": {"latest_tag": nothing, "latest_tag_rev": nothing, "head_rev": nothing},
            "is_linux": lambda *_: system == "linux", "is_osx": lambda *_: system == "osx",
            "is_windows": lambda *_: system == "win", "is_unix": lambda *_: system != "win",
            "PYTHON": "python", "PREFIX": "$PREFIX", "SRC_DIR": "$SRC_DIR", "RECIPE_DIR": "$RECIPE_DIR",
            "BUILD_PREFIX": "$BUILD_PREFIX", "R": "R", "PKG_HASH": "0000000",
        }  # fmt: skip
