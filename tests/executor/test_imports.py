"""Which failed imports a wheel is refused for."""

import pytest

from wheelyard.executor.imports import ImportFailure, judge_imports, own_modules
from wheelyard.model.release import project_name

MISSING = "ModuleNotFoundError: No module named 'extra'"


def fatal(project: str, modules: tuple[str, ...], *failures: ImportFailure) -> list[str]:
    own = own_modules(project_name(project), modules)
    return [failure.module for failure in judge_imports(failures, modules=modules, own=own).fatal]


def failing(module: str, message: str = MISSING, missing: str = "extra") -> ImportFailure:
    return ImportFailure(module=module, message=message, missing=missing)


@pytest.mark.parametrize(
    ("project", "modules", "own"),
    [
        ("attrs", ("attr", "attrs"), {"attrs"}),
        ("PyYAML", ("_yaml", "yaml"), {"yaml"}),
        ("python-dateutil", ("dateutil",), {"dateutil"}),
        ("zope.interface", ("zope.interface",), {"zope.interface"}),
        ("Flask-SQLAlchemy", ("flask_sqlalchemy",), {"flask_sqlalchemy"}),
        ("setuptools", ("_distutils_hack", "pkg_resources", "setuptools"), {"setuptools"}),
        ("librt", ("librt.base64", "librt.vecs"), set()),
        ("py", ("py",), {"py"}),
    ],
)
def test_the_project_says_which_modules_are_its_own(
    project: str, modules: tuple[str, ...], own: set[str]
) -> None:
    assert own_modules(project_name(project), modules) == own


def test_a_package_that_misses_something_is_refused() -> None:
    assert fatal("app", ("app", "app_extra"), failing("app")) == ["app"]


def test_a_package_that_misses_what_upstreams_own_wheel_misses_too_is_told_only() -> None:
    own, modules = frozenset({"app"}), ("app",)
    other, part = failing("app"), failing("app", missing="app.speed")

    verdict = judge_imports([other], modules=modules, own=own, as_upstream=True)
    assert (verdict.fatal, verdict.told) == ((), (other,))
    assert judge_imports([part], modules=modules, own=own, as_upstream=True).fatal == (part,)


def test_a_second_module_may_miss_something_optional() -> None:
    assert fatal("app", ("app", "app_extra"), failing("app_extra")) == []
    assert fatal("librt", ("librt.base64", "librt.vecs"), failing("librt.vecs")) == []


def test_nothing_that_can_be_imported_is_refused_whatever_it_is_called() -> None:
    modules = ("one", "two")
    assert fatal("app", modules, failing("one"), failing("two")) == ["one", "two"]


def test_a_part_of_the_wheel_that_is_not_there_is_refused() -> None:
    missing = failing("helper", "ModuleNotFoundError: No module named 'app._fast'", "app._fast")
    assert fatal("app", ("app", "helper"), missing) == ["helper"]


def test_a_binary_that_does_not_load_is_refused() -> None:
    message = "ImportError: /tmp/site/_app.so: undefined symbol: PyUnicode_AS_DATA"
    assert fatal("app", ("_app", "app"), failing("_app", message, "")) == ["_app"]


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        ("ModuleNotFoundError: No module named 'winreg'", "winreg"),
        ("ModuleNotFoundError: No module named '_tkinter'", "_tkinter"),
        ("ImportError: cannot import name 'WinDLL' from 'ctypes' (ctypes/__init__.py)", ""),
        ("KeyError: 'DISPLAY'", ""),
        ('Xlib.error.DisplayNameError: Bad display name ""', ""),
        ("_tkinter.TclError: no display name and no $DISPLAY environment variable", ""),
        ("ImportError: this module works only on Windows", ""),
        ("NotImplementedError: It currently does not support Linux.", ""),
    ],
)
def test_what_needs_another_system_or_a_display_is_told_only(message: str, missing: str) -> None:
    assert fatal("app", ("app",), failing("app", message, missing)) == []


def test_where_no_module_is_the_projects_own_an_error_counts() -> None:
    modules = ("one", "two")
    assert fatal("app", modules, failing("one", "AttributeError: nothing", "")) == ["one"]
    assert fatal("app", modules, failing("one", "SystemExit: 2", "")) == []


def test_a_refusal_names_what_is_missing_in_its_hint() -> None:
    assert "extra" in failing("app").hint
    assert failing("app", "ValueError: no", "").hint == ""


@pytest.mark.parametrize(
    "message",
    [
        "OSError: PortAudio library not found",
        "ImportError: failed to find libmagic.  Check your installation",
        'OSError: no library called "cairo-2" was found',
        "OSError: cannot load library 'libpango-1.0-0': libpango-1.0-0: cannot open shared object file",
        "OSError: libusb-1.0.so.0: cannot open shared object file: No such file or directory",
        "ImportError: Unable to find zbar shared library",
        "ImportError: The 'enchant' C library was not found and maybe needs to be installed",
    ],
)
def test_a_pure_package_may_look_for_a_library_that_is_not_here(message: str) -> None:
    failure, own = failing("app", message, ""), frozenset({"app"})

    verdict = judge_imports([failure], modules=("app",), own=own, pure=True)
    assert (verdict.fatal, verdict.told) == ((), (failure,))
    assert judge_imports([failure], modules=("app",), own=own).fatal == (failure,)


@pytest.mark.parametrize(
    "message",
    [
        "ImportError: libfoo.so.3: cannot open shared object file: No such file or directory",
        "OSError: /site/app/libown.so: cannot open shared object file: No such file or directory",
        "ImportError: cannot import name 'library' from 'app'",
    ],
)
def test_what_a_package_has_to_bring_itself_is_not_excused(message: str) -> None:
    failure = failing("app", message, "")

    assert judge_imports([failure], modules=("app",), own=frozenset({"app"}), pure=True).fatal


@pytest.mark.parametrize(
    ("message", "missing", "hint"),
    [
        ("SyntaxError: Missing parentheses in call to 'print'", "", "for another Python"),
        ("app.Error: (-1, 'libxml2 library version mismatch')", "", "--from-source all"),
        (MISSING, "extra", "imports; an empty list"),
        ("OSError: Could not load libspatialindex_c library", "", "install libspatialindex-dev"),
        ("OSError: PortAudio library not found", "", "Install it and build again"),
        ("ImportError: cannot import name 'Markup' from 'jinja2' (/x.py)", "", "version of jinja2"),
        ("ImportError: cannot import name 'inner' from 'app' (/x.py)", "", ""),
        ("ValueError: no", "", ""),
    ],
)
def test_a_failed_import_says_what_can_be_done(message: str, missing: str, hint: str) -> None:
    said = failing("app", message, missing).hint

    assert hint in said
    assert bool(said) is bool(hint)
