"""Pyodide's Python: its headers are made from another machine's, and Node runs it as any Python is run."""

import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from wheelyard.cross.description import Kind
from wheelyard.cross.rewrite import Command, Refused, Rewritten, rewrite
from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.platforms.description import shipped
from wheelyard.executor.platforms.emscripten import Emscripten
from wheelyard.executor.platforms.node import Node
from wheelyard.executor.platforms.pyodide import RUNNER, Pyodide, pyconfig
from wheelyard.executor.platforms.wasm import WebAssembly, crossing
from wheelyard.executor.sysconfigdata import text_in

_DONOR = """\
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H
#define SIZEOF_LONG 8
#define HAVE_EPOLL 1
/* #undef HAVE_STROPTS_H */
#define HAVE_DECL_TZNAME 1
#define PLATLIBDIR "lib64"
#define ONLY_THERE 1
#if defined(__cplusplus)
#endif
#endif /*Py_PYCONFIG_H*/
"""
_DATA = """
import os
PYODIDE_ROOT = os.environ.get("PYODIDE_ROOT", "/builder")
build_time_vars = {
    "EXT_SUFFIX": ".cpython-313-wasm32-emscripten.so", "INCLUDEPY": f"{PYODIDE_ROOT}/include",
    "SIZEOF_LONG": 4, "HAVE_EPOLL": 0, "RANLIB": None,
}
"""
_INFO = {"info": {"platform": "emscripten_4_0_9", "arch": "wasm32", "python": "3.13.2"}}


def test_headers_have_the_values_of_the_target() -> None:
    values = {"SIZEOF_LONG": 4, "HAVE_EPOLL": 0, "HAVE_STROPTS_H": 1, "HAVE_DECL_TZNAME": 0}
    written = pyconfig(_DONOR, {**values, "PLATLIBDIR": "lib"}).splitlines()
    assert "#define SIZEOF_LONG 4" in written
    assert "/* #undef HAVE_EPOLL */" in written
    assert "#define HAVE_STROPTS_H 1" in written
    # It is asked with #if: 0 is an answer, and none is none.
    assert "#define HAVE_DECL_TZNAME 0" in written
    assert '#define PLATLIBDIR "lib"' in written


def test_what_is_no_answer_stays_in_the_headers() -> None:
    written = pyconfig(_DONOR, {}).splitlines()
    assert written == _DONOR.splitlines()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A package as npm has it, with as much of Pyodide as is read."""
    library = io.BytesIO()
    with zipfile.ZipFile(library, "w") as opened:
        opened.writestr("_sysconfigdata__emscripten_wasm32-emscripten.py", _DATA)
    files = {
        "package/python_stdlib.zip": library.getvalue(),
        "package/pyodide-lock.json": json.dumps(_INFO).encode(),
        "package/pyodide.asm.wasm": b"\0asm\1\0\0\0",
    }
    with tarfile.open(tmp_path / "pyodide-0.tgz", "w:gz") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return tmp_path / "pyodide-0.tgz"


@pytest.fixture
def donor(tmp_path: Path) -> Path:
    headers = tmp_path / "donor" / "python3.13"
    headers.mkdir(parents=True)
    (headers / "Python.h").write_text('#include "pyconfig.h"\n')
    (headers / "pyconfig.h").write_text(_DONOR)
    (headers / "patchlevel.h").write_text(
        '#define PY_MICRO_VERSION 5\n#define PY_VERSION "3.13.5"\n'
    )
    return headers


def test_a_package_of_pyodide_is_laid_out_with_headers_of_its_own(
    archive: Path, donor: Path, tmp_path: Path
) -> None:
    pyodide = Pyodide(folder=tmp_path / "laid" / "pyodide-0")
    pyodide.install(str(archive), Node(folder=tmp_path / "node"), donor)
    assert pyodide.host_platform() == "emscripten-4.0.9-wasm32"
    assert text_in(pyodide.sysconfigdata, "EXT_SUFFIX") == ".cpython-313-wasm32-emscripten.so"
    assert text_in(pyodide.sysconfigdata, "INCLUDEPY") == "/pyodide/include"
    assert "#define SIZEOF_LONG 4" in (pyodide.headers / "pyconfig.h").read_text()
    assert (pyodide.headers / "Python.h").is_file()
    level = (pyodide.headers / "patchlevel.h").read_text()
    assert level == '#define PY_MICRO_VERSION 2\n#define PY_VERSION "3.13.2"\n'


def test_what_is_no_package_of_pyodide_is_refused_and_not_kept(donor: Path, tmp_path: Path) -> None:
    (tmp_path / "other.tgz").write_bytes(b"nothing")
    pyodide = Pyodide(folder=tmp_path / "pyodide-0")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="is no package of Pyodide"):
            pyodide.install(str(tmp_path / "other.tgz"), Node(folder=tmp_path / "node"), donor)


def test_libraries_of_debian_are_refused_for_webassembly(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="libyaml-dev"):
        WebAssembly(tmp_path).ready(shipped()["pyodide"], "3.13", ("libyaml-dev",))


def _root(folder: Path) -> Emscripten:
    emscripten = Emscripten(
        folder=folder, suite="trixie", python="3.13", node=Path("/nowhere/node")
    )
    for name in ("usr/bin/python3.13", "usr/lib/llvm-19/bin/clang"):
        (emscripten.root / name).parent.mkdir(parents=True)
        (emscripten.root / name).touch()
    return emscripten


def _rewritten(folder: Path, *argv: str, symbols: tuple[str, ...] = ()) -> Rewritten | Refused:
    found = crossing(shipped()["pyodide"], _root(folder), "3.13")
    assert found.kind is Kind.EMSCRIPTEN
    return rewrite(Command(argv=argv, folder="/build", symbols=symbols), found)


def test_an_extension_is_linked_as_a_module_with_its_one_export(tmp_path: Path) -> None:
    words = ("gcc", "-shared", "fast.o", "-o", "fast.cpython-313-wasm32-emscripten.so")
    found = _rewritten(tmp_path, *words, symbols=("PyInit_fast", "own"))
    assert isinstance(found, Rewritten)
    assert found.argv[3].endswith("/emcc.py")
    assert {"-sSIDE_MODULE=2", "-sEXPORTED_FUNCTIONS=_PyInit_fast"} <= set(found.argv)
    assert found.environment["EM_CONFIG"].endswith("/emscripten/.emscripten")


def test_a_module_that_is_compiled_and_linked_at_once_exports_what_its_name_says(
    tmp_path: Path,
) -> None:
    words = ("gcc", "-shared", "fast.c", "-o", "fast.cpython-313-wasm32-emscripten.so")
    found = _rewritten(tmp_path, *words)
    assert isinstance(found, Rewritten)
    assert "-sEXPORTED_FUNCTIONS=_PyInit_fast" in found.argv


def test_exceptions_and_jumps_are_compiled_as_pyodide_has_them(tmp_path: Path) -> None:
    found = _rewritten(tmp_path, "g++", "-c", "fast.cpp", "-o", "fast.o")
    assert isinstance(found, Rewritten)
    assert found.argv[3].endswith("/em++.py")
    assert {"-fwasm-exceptions", "-sSUPPORT_LONGJMP=wasm", "-fPIC"} <= set(found.argv)
    assert "-Werror=return-type" in found.argv


def test_there_is_no_fortran(tmp_path: Path) -> None:
    found = _rewritten(tmp_path, "gfortran", "-c", "fast.f90")
    assert isinstance(found, Refused)
    assert "Fortran" in found.reason


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The command that runs Pyodide's Python, fetched from the registries."""
    folder = tmp_path_factory.mktemp("platforms")
    node = Node(folder=folder / "node")
    try:
        node.install()
        archive = node.pack(f"pyodide@{shipped()['pyodide'].pythons['3.13']}", folder)
    except ToolError as error:
        pytest.skip(f"Node and Pyodide cannot be fetched: {error.message}")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")

    return (str(node.program), str(RUNNER), str(folder / "package"))


@pytest.mark.upstream
@pytest.mark.slow
def test_python_in_node_sees_folders_and_variables_and_ends_as_any_python(
    python: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "there.py").write_text("VALUE = 5\n")
    (tmp_path / "main.py").write_text(
        "import os, sys, there\n"
        "open('answer', 'w').write(f'{there.VALUE} {sys.platform} {sys.argv[1:]} {os.getcwd()}')\n"
        "sys.exit(3)\n"
    )
    ran = subprocess.run(
        (*python, "main.py", "a b"),
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PYTHONHOME": "/nowhere"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr.decode()
    assert (tmp_path / "answer").read_text() == f"5 emscripten ['a b'] {tmp_path}"
    failed = subprocess.run((*python, "-c", "1/0"), cwd=tmp_path, capture_output=True, check=False)
    assert failed.returncode == 1
    assert b"ZeroDivisionError" in failed.stderr
