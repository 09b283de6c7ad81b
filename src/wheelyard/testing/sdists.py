"""Small real sdists for tests, of every kind that a builder meets, and a local index of them.

Everything is written from values, with the same bytes each time, and needs neither network nor a
running back end. An sdist with ``Backend.IN_TREE`` (the default) builds without any requirement.
"""

import dataclasses
import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelyard.testing import in_tree

FAIL = "raise SystemExit('fatal error: openssl/ssl.h: No such file or directory')"
HANG = "import threading; threading.Event().wait()"
PRINT_WITHOUT_END = "while True: print('all work and no play ' * 50, flush=True)"
LEAVE_A_DAEMON = """
import subprocess, sys
subprocess.Popen(
    [sys.executable, "-c", "import threading; threading.Event().wait()"], start_new_session=True
)
"""
"""Texts for ``SdistSpec.during_build``."""

NATIVE_SOURCE = """\
#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *unused) { return PyLong_FromLong(42); }

static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, methods};

PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }
"""


class Backend(StrEnum):
    """What builds an sdist."""

    IN_TREE = "in-tree"
    SETUPTOOLS = "setuptools"
    LEGACY = "legacy"
    """A ``setup.py`` and no ``pyproject.toml``."""
    FLIT = "flit"
    HATCHLING = "hatchling"


class Extension(StrEnum):
    """The compiled module that a package has."""

    NONE = ""
    OWN_ABI = "own-abi"
    ABI3 = "abi3"


_BUILD_SYSTEM = {
    Backend.IN_TREE: ((), 'build-backend = "in_tree"\nbackend-path = ["_backend"]'),
    Backend.SETUPTOOLS: (("setuptools>=61",), 'build-backend = "setuptools.build_meta"'),
    Backend.FLIT: (("flit_core>=3.4",), 'build-backend = "flit_core.buildapi"'),
    Backend.HATCHLING: (("hatchling",), 'build-backend = "hatchling.build"'),
}
_RUNS_SETUP_PY = (Backend.SETUPTOOLS, Backend.LEGACY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SdistSpec:
    """A package to be written as an sdist.

    ``requires`` are PEP 508 lines. ``build_requires`` replaces the back end's own; ``dynamic_requires``
    are what an in-tree back end asks for when it is run. ``during_build`` is Python text that is run
    when the wheel is built (in-tree or ``setup.py`` only). ``files`` are more files of the sdist.
    """

    name: str
    version: str = "1.0"
    backend: Backend = Backend.IN_TREE
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    requires_python: str = ">=3.6"
    build_requires: tuple[str, ...] | None = None
    dynamic_requires: tuple[str, ...] = ()
    extension: Extension = Extension.NONE
    during_build: str = ""
    body: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no such sdist could do."""
        in_tree_only = self.dynamic_requires or self.extras or self.extension is Extension.ABI3
        if in_tree_only and self.backend is not Backend.IN_TREE:
            raise ValueError(f"{self.name}: only the in-tree back end can do this")
        runs_code = self.during_build or self.extension
        if runs_code and self.backend in {Backend.FLIT, Backend.HATCHLING}:
            raise ValueError(f"{self.name}: {self.backend} runs no code of ours")

    @property
    def module(self) -> str:
        """The name to import."""
        return canonicalize_name(self.name).replace("-", "_")

    @property
    def stem(self) -> str:
        """The sdist's file name without its suffix (PEP 625)."""
        return f"{self.module}-{self.version}"


def write_sdist(spec: SdistSpec, folder: Path) -> Path:
    """Write ``name-version.tar.gz`` into a folder, which is created, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{spec.stem}.tar.gz"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in sorted(sdist_files(spec).items()):
            content = text.encode()
            entry = tarfile.TarInfo(f"{spec.stem}/{name}")
            entry.size = len(content)
            entry.mode = 0o644
            entry.mtime = in_tree.EARLIEST_IN_A_ZIP
            archive.addfile(entry, io.BytesIO(content))
    path.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    return path


def write_tree(spec: SdistSpec, folder: Path) -> Path:
    """Write the same files as a source folder and return it."""
    for name, text in sdist_files(spec).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write_wheel(spec: SdistSpec, folder: Path) -> Path:
    """Write a pure package's wheel, as upstream would ship it, without building anything."""
    if spec.extension:
        raise ValueError(f"{spec.name}: a wheel with a compiled module has to be built")
    folder.mkdir(parents=True, exist_ok=True)
    content = _package_init(spec).encode()
    files = [(f"{spec.module}/__init__.py", content)]
    return folder / in_tree.write_wheel(folder, _carried_spec(spec), files, "py3-none-any")


def cycle(first: str, second: str) -> tuple[SdistSpec, SdistSpec]:
    """Return two packages that each need the other for building, and look that it is there."""
    specs = (SdistSpec(name=first), SdistSpec(name=second))
    return (_needing(specs[0], specs[1]), _needing(specs[1], specs[0]))


def _needing(spec: SdistSpec, other: SdistSpec) -> SdistSpec:
    return dataclasses.replace(
        spec, build_requires=(other.name,), during_build=f"import {other.module}"
    )


def sdist_files(spec: SdistSpec) -> dict[str, str]:
    """Return the files of an sdist by their paths below its root folder."""
    package = f"src/{spec.module}"
    files = {
        "PKG-INFO": metadata(spec),
        f"{package}/__init__.py": _package_init(spec),
    }
    if spec.extension:
        files[f"{package}/_native.c"] = NATIVE_SOURCE
    if spec.backend in _RUNS_SETUP_PY:
        files["setup.py"] = _setup_py(spec)
    if spec.backend is Backend.LEGACY:
        requires = "".join(f"{line}\n" for line in spec.requires)
        files[f"src/{spec.module}.egg-info/requires.txt"] = requires
    else:
        files["pyproject.toml"] = _pyproject(spec)
    if spec.backend is Backend.IN_TREE:
        files["_backend/in_tree.py"] = Path(in_tree.__file__).read_text(encoding="utf-8")
        files["_backend/spec.json"] = json.dumps(_carried_spec(spec), indent=1)
    return files | dict(spec.files)


def metadata(spec: SdistSpec) -> str:
    """Return PKG-INFO: complete, or as old setuptools wrote it for a legacy package."""
    legacy = spec.backend is Backend.LEGACY
    lines = [
        f"Metadata-Version: {'1.2' if legacy else '2.2'}",
        f"Name: {spec.name}",
        f"Version: {spec.version}",
        "Summary: A package that a test wrote",
    ]
    if spec.requires_python:
        lines.append(f"Requires-Python: {spec.requires_python}")
    if not legacy:
        lines += [f"Provides-Extra: {extra}" for extra in spec.extras]
        lines += [f"Requires-Dist: {requirement}" for requirement in spec.requires]
    return "\n".join(lines) + "\n"


def _carried_spec(spec: SdistSpec) -> dict[str, object]:
    return {
        "module": spec.module,
        "version": spec.version,
        "metadata": metadata(spec),
        "dynamic_requires": list(spec.dynamic_requires),
        "extension": str(spec.extension),
        "during_build": spec.during_build,
    }


def _package_init(spec: SdistSpec) -> str:
    native = f"from {spec.module}._native import answer\n" if spec.extension else ""
    docstring = f'"""{spec.name}, a package that a test wrote."""\n'
    return f"{docstring}{native}__version__ = {spec.version!r}\n{spec.body}"


def _pyproject(spec: SdistSpec) -> str:
    own_requires, backend = _BUILD_SYSTEM[spec.backend]
    requires = own_requires if spec.build_requires is None else spec.build_requires
    lines = [
        "[build-system]",
        f"requires = {_toml(requires)}",
        backend,
        "",
        "[project]",
        f"name = {json.dumps(spec.name)}",
        f"version = {json.dumps(spec.version)}",
        'description = "A package that a test wrote"',
    ]
    if spec.requires_python:
        lines.append(f"requires-python = {json.dumps(spec.requires_python)}")
    if spec.extras:
        # Each extra's requirements carry their marker already, which [project] has no place for.
        lines.append('dynamic = ["dependencies", "optional-dependencies"]')
    elif spec.requires:
        lines.append(f"dependencies = {_toml(spec.requires)}")
    if spec.backend is Backend.HATCHLING:
        lines += ["", "[tool.hatch.build.targets.wheel]", f'packages = ["src/{spec.module}"]']
    return "\n".join(lines) + "\n"


def _toml(values: Sequence[str]) -> str:
    return json.dumps(list(values))


def _setup_py(spec: SdistSpec) -> str:
    arguments: list[str] = []
    if spec.backend is Backend.LEGACY:
        arguments += [
            f"name={spec.name!r}",
            f"version={spec.version!r}",
            f"install_requires={list(spec.requires)!r}",
            f"python_requires={spec.requires_python!r}" if spec.requires_python else "",
        ]
    if spec.extension:
        source = f"src/{spec.module}/_native.c"
        arguments.append(f"ext_modules=[Extension('{spec.module}._native', ['{source}'])]")
    arguments += [f"packages=[{spec.module!r}]", "package_dir={'': 'src'}"]
    steps = f"if 'bdist_wheel' in sys.argv:\n    exec({spec.during_build!r})\n"
    call = ", ".join(argument for argument in arguments if argument)
    return f"import sys\n\nfrom setuptools import Extension, setup\n\n{steps}\nsetup({call})\n"
