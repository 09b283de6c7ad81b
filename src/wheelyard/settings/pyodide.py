"""Pyodide's recipes (``meta.yaml``), read as what they change about a release on WebAssembly.

Keys that a newer or an older Pyodide knows are passed over: what they say is not needed here, or is
said once more elsewhere. What is there in another shape than it can have is an error with its place.
"""

import io
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from wheelyard.errors import ConfigurationError
from wheelyard.model.recipe import Change, Patch

PATTERNS = ("pyodide_*", "pyemscripten_*", "emscripten_*")
"""The platforms that such a recipe is for."""

_TOP = frozenset({"package", "source", "build", "requirements", "test", "about", "extra"})
_EXPORTS = {"pyinit": "pyinit", "requested": "requested", "whole_archive": "all", "all": "all"}
_LIBRARIES = frozenset({"static_library", "shared_library", "cpython_module"})
_TYPES = _LIBRARIES | {"package"}
_HINT = "Pyodide's documentation of meta.yaml says what may be there."


@dataclass(frozen=True, slots=True, kw_only=True)
class PyodideRecipe:
    """One recipe as it is written.

    ``kind`` is ``package``, or what of a library it builds. ``requires_host`` may be Python packages and libraries
    alike. ``cross_build_files`` are those of a package that others are compiled against. ``unread`` are keys that
    say nothing here.
    """

    name: str
    version: str
    kind: str = "package"
    disabled: bool = False
    url: str = ""
    sha256: str = ""
    patches: tuple[str, ...] = ()
    script: str = ""
    cross_script: str = ""
    post: str = ""
    cflags: str = ""
    cxxflags: str = ""
    ldflags: str = ""
    backend_flags: tuple[str, ...] = ()
    exports: tuple[str, ...] = ("pyinit",)
    unvendor_tests: bool = True
    retain_test_patterns: tuple[str, ...] = ()
    vendor_sharedlib: bool = False
    cross_build_files: tuple[str, ...] = ()
    requires_host: tuple[str, ...] = ()
    requires_run: tuple[str, ...] = ()
    requires_executable: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """The release that it is for, as a requirement; all releases where its version is none of Python's."""
        try:
            return f"{self.name}=={Version(self.version)}"
        except InvalidVersion:
            return self.name


def is_pyodides(text: str) -> bool:
    """Whether a ``meta.yaml`` is Pyodide's and not conda's, which has templates and build numbers."""
    if "{%" in text or "{{" in text or "# [" in text:
        return False
    try:
        tree = _load(text)
    except YAMLError:
        # Whoever reads it says what is wrong with it.
        return True
    if not isinstance(tree, dict) or not set(tree) <= _TOP:
        return False
    build = tree.get("build")
    return not isinstance(build, dict) or not {"number", "noarch", "string"} & set(build)


def parse_pyodide(text: str, where: str) -> PyodideRecipe:
    """Read a recipe. Raises ConfigurationError, which names ``where`` and the key."""
    try:
        tree = _load(text)
    except YAMLError as error:
        raise ConfigurationError(
            f"{where} is not YAML: {error}", hint="Mend the line that is named."
        ) from error
    if not isinstance(tree, dict):
        raise ConfigurationError(f"{where} is no recipe of Pyodide", hint=_HINT)
    sections = {name: _Section(where, str(name), value) for name, value in tree.items()}
    empty = _Section(where, "", None)
    package, source = sections.get("package", empty), sections.get("source", empty)
    build, requires = sections.get("build", empty), sections.get("requirements", empty)
    recipe = PyodideRecipe(
        name=package.required("name"),
        version=package.text("version"),
        kind=_kind(build),
        disabled=package.flag("_disabled", default=False),
        url=source.text("url"),
        sha256=source.text("sha256"),
        patches=source.texts("patches"),
        script=build.text("script"),
        cross_script=build.text("cross-script"),
        post=build.text("post"),
        cflags=build.text("cflags"),
        cxxflags=build.text("cxxflags"),
        ldflags=build.text("ldflags"),
        backend_flags=build.words("backend-flags"),
        exports=_exports(build),
        unvendor_tests=build.flag("unvendor-tests", default=True),
        retain_test_patterns=build.texts("_retain-test-patterns"),
        vendor_sharedlib=build.flag("vendor-sharedlib", default=False),
        cross_build_files=build.texts("cross-build-files"),
        requires_host=requires.texts("host"),
        requires_run=requires.texts("run"),
        requires_executable=requires.texts("executable"),
        imports=sections.get("test", empty).texts("imports"),
    )
    unread = [f"{name}/{key}" for name, section in sections.items() for key in section.unread()]
    unread = [key for key in unread if key.partition("/")[0] not in {"about", "extra"}]
    return _with_unread(recipe, (*unread, *(name for name in sections if name not in _TOP)))


def _load(text: str) -> object:
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True
    return yaml.load(io.StringIO(text))


def _with_unread(recipe: PyodideRecipe, unread: Sequence[str]) -> PyodideRecipe:
    return replace(recipe, unread=tuple(sorted(unread)))


class _Section:
    """A table of a recipe; each value is read as what it should be, or an error names it."""

    def __init__(self, where: str, name: str, value: object) -> None:
        if value is not None and not isinstance(value, dict):
            raise ConfigurationError(f"{where}: {name} is no table", hint=_HINT)
        self._where, self._name = where, name
        self._values: dict[str, object] = {str(k): v for k, v in (value or {}).items()}
        self._read: set[str] = set()

    def value(self, key: str) -> object:
        self._read.add(key)
        return self._values.get(key)

    def unread(self) -> tuple[str, ...]:
        return tuple(key for key in self._values if key not in self._read)

    def required(self, key: str) -> str:
        found = self.text(key)
        if not found:
            raise ConfigurationError(
                f"{self._where}: {self._name or 'package'}/{key} is not there", hint=_HINT
            )
        return found

    def text(self, key: str) -> str:
        value = self.value(key)
        if isinstance(value, dict | list):
            raise self.wrong(key, "a text")
        return "" if value is None else str(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.value(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.value(key)
        if isinstance(value, dict):
            raise self.wrong(key, "a list of texts")
        values = [] if value is None else value if isinstance(value, list) else [value]
        if any(isinstance(one, dict | list) for one in values):
            raise self.wrong(key, "a list of texts")
        return tuple(str(one) for one in values if one is not None)

    def words(self, key: str) -> tuple[str, ...]:
        value = self.value(key)
        if isinstance(value, dict):
            return tuple(f"{name}={one}" for name, one in value.items())
        try:
            return tuple(word for text in self.texts(key) for word in shlex.split(text))
        except ValueError as error:
            raise self.wrong(key, f"words as in a shell ({error})") from error

    def wrong(self, key: str, wanted: str) -> ConfigurationError:
        value = str(self._values.get(key))[:60]
        return ConfigurationError(
            f"{self._where}: {self._name}/{key} is {value!r}, not {wanted}", hint=_HINT
        )


def _kind(build: _Section) -> str:
    """Return what is built; older recipes said it with a key for each kind."""
    kind = build.text("type") or "package"
    older = {"library": "static_library", "sharedlibrary": "shared_library"}
    for key, meant in older.items():
        if build.flag(key, default=False):
            kind = meant
    if kind not in _TYPES:
        raise build.wrong("type", f"one of {', '.join(sorted(_TYPES))}")
    return kind


def _exports(build: _Section) -> tuple[str, ...]:
    value = build.value("exports")
    if isinstance(value, str):
        if value not in _EXPORTS:
            raise build.wrong(
                "exports", f"one of {', '.join(sorted(_EXPORTS))}, or a list of names"
            )
        return (_EXPORTS[value],)
    return build.texts("exports") or ("pyinit",)


def changes(recipe: PyodideRecipe, folder: Path, libraries: frozenset[str]) -> tuple[Change, ...]:
    """Return what a recipe changes on WebAssembly. Raises ConfigurationError for a patch that is not there.

    ``libraries`` are the names of recipes that build no Python package.
    """
    fields: dict[str, object] = {
        "patches": tuple(_patch(folder / name, recipe) for name in recipe.patches),
        "before": "\n".join(filter(None, (recipe.script, recipe.cross_script))),
        "after": recipe.post,
        "cflags": tuple(recipe.cflags.split()),
        "cxxflags": tuple(recipe.cxxflags.split()),
        "ldflags": tuple(recipe.ldflags.split()),
        "config_settings": _settings(recipe.backend_flags),
        "exports": recipe.exports,
        "drop_tests": recipe.unvendor_tests,
        "keep": recipe.retain_test_patterns,
        "host_requires": tuple(
            name for name in recipe.requires_host if canonicalize_name(name) not in libraries
        ),
        "system_packages": tuple(
            name for name in recipe.requires_host if canonicalize_name(name) in libraries
        ),
    }
    if recipe.imports:
        fields["imports"] = recipe.imports
    if recipe.disabled:
        fields["skip"] = "Pyodide's recipe says that it does not build"
    elif recipe.kind != "package":
        fields["skip"] = f"Pyodide's recipe builds a {recipe.kind.replace('_', ' ')}, not a wheel"
    kept = {name: value for name, value in fields.items() if value not in ("", (), {}, ("pyinit",))}
    return tuple(Change(pattern=pattern, fields=kept) for pattern in PATTERNS)


def _settings(flags: Sequence[str]) -> Mapping[str, str | tuple[str, ...]]:
    """Read flags of a back end: those with the same name are a list."""
    found: dict[str, list[str]] = {}
    for flag in flags:
        name, _, value = flag.partition("=")
        found.setdefault(name, []).append(value)
    return {
        name: values[0] if len(values) == 1 else tuple(values) for name, values in found.items()
    }


def _patch(path: Path, recipe: PyodideRecipe) -> Patch:
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfigurationError(
            f"the patch '{path}' of Pyodide's recipe of {recipe.name} cannot be read: {error.strerror}",
            hint="Paths of patches are relative to the recipe.",
        ) from error
    return Patch(name=path.name, text=text)


def library_names(recipes: Sequence[PyodideRecipe]) -> frozenset[str]:
    """Return the names of those recipes that build no Python package."""
    return frozenset(canonicalize_name(one.name) for one in recipes if one.kind in _LIBRARIES)
