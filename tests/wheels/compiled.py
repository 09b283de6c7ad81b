"""Wheels with real libraries and extension modules in them, compiled where the tests run."""

import base64
import csv
import hashlib
import io
import subprocess
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

INTERPRETER = f"cp{sysconfig.get_config_var('py_version_nodot')}"
ARCH = "x86_64"
NATIVE = f"{INTERPRETER}-{INTERPRETER}-linux_{ARCH}"
SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))

MODULE = """
#include <Python.h>
%(top)s
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(%(value)s); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "%(name)s", NULL, -1, methods};
PyMODINIT_FUNC PyInit_%(name)s(void) { return PyModule_Create(&module); }
"""


def compile_module(
    folder: Path, name: str, *, value: str = "42", top: str = "", options: Sequence[str] = ()
) -> bytes:
    """Compile an extension module whose ``answer()`` is ``value``."""
    source = MODULE % {"name": name, "value": value, "top": top}
    include = f"-I{sysconfig.get_path('include')}"
    return compile_library(folder, source, [include, *options])


def compile_library(folder: Path, source: str, options: Sequence[str] = ()) -> bytes:
    """Compile a shared library; ``-l`` options come last, where the linker wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    out, code = folder / "out.so", folder / "source.c"
    code.write_text(source)
    command = ["gcc", "-shared", "-fPIC", "-O1", str(code), "-o", str(out), *options]
    subprocess.run(command, check=True, capture_output=True)
    return out.read_bytes()


def make_wheel(
    folder: Path,
    files: Mapping[str, bytes | str],
    *,
    tags: str = NATIVE,
    project: str = "sample",
    purelib: bool = False,
) -> Path:
    """Write a wheel of these files, as a back end does."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{project}-1.0.dist-info"
    interpreters, abis, platforms = (part.split(".") for part in tags.split("-"))
    lines = [f"Tag: {a}-{b}-{c}" for a in interpreters for b in abis for c in platforms]
    contents = {
        name: text.encode() if isinstance(text, str) else text for name, text in files.items()
    }
    contents[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n".encode()
    )
    head = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {str(purelib).lower()}\n"
    contents[f"{info}/WHEEL"] = (head + "\n".join([*lines, ""])).encode()
    record = io.StringIO()
    writer = csv.writer(record, lineterminator="\n")
    for name, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow((name, f"sha256={digest}", len(content)))
    writer.writerow((f"{info}/RECORD", "", ""))
    path = folder / f"{project}-1.0-{tags}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**contents, f"{info}/RECORD": record.getvalue().encode()}.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 2, 2, 0, 0, 0)), content)
    return path
