"""A wheel for another machine is proved by reading it."""

import base64
import hashlib
import io
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from wheelyard.executor.emulated import extension_modules
from wheelyard.executor.target_proof import Promise, faults_of
from wheelyard.executor.webassembly import mismatches, read_wasm
from wheelyard.executor.wheelfile import inspect_wheel
from wheelyard.targets.platform import Platform

_SUFFIX = ".cpython-311-x86_64-linux-gnu.so"
_HERE = Promise(platform=Platform.parse("linux_x86_64"), suffix=_SUFFIX)
_TAG = "cp311-cp311-linux_x86_64"
_MODULE = "void *PyInit_fast(void) { return 0; }\n"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """A module and an object of this machine, and one that needs the newest C library."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not there")
    folder = tmp_path_factory.mktemp("compiled")
    newer = '__asm__(".symver f,f@GLIBC_2.99"); extern void f(void); void *PyInit_fast(void) { f(); return 0; }'
    sources = {
        "module": _MODULE,
        "other": "int other(void) { return 1; }",
        "newer": newer,
        "empty": "static int hidden;",
    }
    found = {}
    for name, text in sources.items():
        (folder / f"{name}.c").write_text(text)
        command = ["gcc", "-shared", "-fPIC", "-g0", f"{name}.c", "-o", f"{name}.so"]
        if name == "newer":
            (folder / "f.c").write_text("void f(void) {}")
            (folder / "f.map").write_text("GLIBC_2.99 { f; };")
            library = ["gcc", "-shared", "-fPIC", "f.c", "-Wl,--version-script=f.map"]
            subprocess.run(
                [*library, "-Wl,-soname,libc.so.99", "-o", "libf.so"], cwd=folder, check=True
            )
            command = [*command, "-L.", "-lf"]
        subprocess.run(command, cwd=folder, check=True)
        found[name] = (folder / f"{name}.so").read_bytes()
    subprocess.run(["gcc", "-c", "other.c", "-o", "other.o"], cwd=folder, check=True)
    subprocess.run(["ar", "rc", "libother.a", "other.o"], cwd=folder, check=True)
    found["archive"] = (folder / "libother.a").read_bytes()
    return found


def _wheel(folder: Path, files: Mapping[str, bytes], tag: str = _TAG) -> Path:
    path = folder / f"fast-1-{tag}.whl"
    own = {
        "fast-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: fast\nVersion: 1\n",
        "fast-1.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = io.StringIO()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, **own}.items():
            digest = (
                base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            )
            record.write(f"{name},sha256={digest},{len(content)}\n")
            archive.writestr(name, content)
        record.write("fast-1.dist-info/RECORD,,\n")
        archive.writestr("fast-1.dist-info/RECORD", record.getvalue())
    return path


def _faults(path: Path, promise: Promise) -> str:
    return "\n".join(faults_of(path, inspect_wheel(path), promise))


def test_a_wheel_of_its_own_machine_has_no_fault(
    tmp_path: Path, compiled: Mapping[str, bytes]
) -> None:
    files = {f"fast{_SUFFIX}": compiled["module"], "lib/libother.a": compiled["archive"]}
    assert _faults(_wheel(tmp_path, files), _HERE) == ""


def test_an_object_of_another_machine_is_named_in_an_archive_too(
    tmp_path: Path, compiled: Mapping[str, bytes]
) -> None:
    tag = "cp311-cp311-linux_aarch64"
    promise = replace(
        _HERE, platform=Platform.parse("linux_aarch64"), suffix=".cpython-311-aarch64-linux-gnu.so"
    )
    files = {"fast.abi3.so": compiled["module"], "lib/libother.a": compiled["archive"]}
    said = _faults(_wheel(tmp_path, files, tag), promise)
    assert "not for aarch64: fast.abi3.so (x86_64), lib/libother.a(other.o) (x86_64)" in said


def test_a_module_is_named_for_the_targets_python_and_starts(
    tmp_path: Path, compiled: Mapping[str, bytes]
) -> None:
    files = {
        "fast.cpython-312-x86_64-linux-gnu.so": compiled["module"],
        f"slow{_SUFFIX}": compiled["module"],
    }
    said = _faults(_wheel(tmp_path, files), _HERE)
    assert f"named for another Python than {_SUFFIX}: fast.cpython-312" in said
    assert f"has no function that starts the module: slow{_SUFFIX}" in said


def test_what_is_called_and_never_imported_needs_no_start(
    tmp_path: Path, compiled: Mapping[str, bytes]
) -> None:
    files = {"_called.abi3.so": compiled["other"], "fast.abi3.so": compiled["module"]}
    wheel = _wheel(tmp_path, files)
    assert _faults(wheel, _HERE) == ""
    assert extension_modules(wheel, inspect_wheel(wheel)) == ("fast",)


def test_what_nobody_can_call_is_no_module(tmp_path: Path, compiled: Mapping[str, bytes]) -> None:
    said = _faults(_wheel(tmp_path, {"fast.abi3.so": compiled["empty"]}), _HERE)
    assert said == "has no function that starts the module: fast.abi3.so"


def test_what_needs_a_newer_c_library_than_its_tag_promises_is_refused(
    tmp_path: Path, compiled: Mapping[str, bytes]
) -> None:
    files = {f"fast{_SUFFIX}": compiled["newer"]}
    promise = replace(_HERE, platform=Platform.parse("manylinux_2_28_x86_64"))
    tag = "cp311-cp311-manylinux_2_28_x86_64"
    assert "newer C library than 2.28" in _faults(_wheel(tmp_path, files, tag), promise)
    assert "newer C library than 2.36" in _faults(
        _wheel(tmp_path, files), replace(_HERE, glibc=(2, 36))
    )


def test_a_library_that_the_target_lacks_is_named(
    tmp_path: Path, compiled: Mapping[str, bytes]
) -> None:
    promise = replace(_HERE, libraries=frozenset({"libc.so.6"}))
    said = _faults(_wheel(tmp_path, {f"fast{_SUFFIX}": compiled["newer"]}), promise)
    assert "libc.so.99" in said


def test_an_extension_that_was_left_out_in_silence_is_seen(tmp_path: Path) -> None:
    pure = _wheel(tmp_path, {"fast.py": b""}, "py3-none-any")
    assert "compilers ran for it" in _faults(pure, replace(_HERE, compiled=True))
    assert _faults(pure, _HERE) == ""
    assert "holds nothing compiled" in _faults(_wheel(tmp_path, {"fast.py": b""}), _HERE)


def test_a_path_of_the_build_machine_is_seen_where_it_would_be_loaded(
    tmp_path: Path, compiled: Mapping[str, bytes]
) -> None:
    own = compiled["module"]
    place = own.index(b"PyInit_fast")
    leaking = own[:place] + b"/x/farm_own" + own[place + 11 :]
    said = _faults(_wheel(tmp_path, {"libfast.so": leaking}), replace(_HERE, foreign=("/x/farm",)))
    assert "names /x/farm" in said


def _section(kind: int, *entries: bytes) -> bytes:
    body = bytes([len(entries)]) + b"".join(entries)
    return bytes([kind, len(body)]) + body


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


_I32, _I64 = b"\x7f", b"\x7e"
_TAKES = {"old": b"\x60\x01" + _I32 + b"\x00", "new": b"\x60\x01" + _I64 + b"\x01" + _I32}


def _wasm(*, imports: str = "", exports: str = "", kind: str = "old") -> bytes:
    found = b"\0asm\1\0\0\0" + _section(1, _TAKES[kind])
    if imports:
        found += _section(2, _text("env") + _text(imports) + b"\x00\x00")
    if exports:
        number = bytes([1 if imports else 0])
        found += _section(3, b"\x00") + _section(7, _text(exports) + b"\x00" + number)
    return found


def test_a_call_through_a_wrong_signature_is_found_before_it_is_made(tmp_path: Path) -> None:
    main = read_wasm(_wasm(exports="time", kind="new"))
    assert main is not None
    assert main.exports == {"time": "(i64) -> i32"}
    content = _wasm(imports="time", exports="PyInit_fast")
    module = read_wasm(content)
    assert module is not None
    assert mismatches(module, main) == ("time is called as (i32) -> nothing and is (i64) -> i32",)
    tag = "cp313-cp313-pyodide_2025_0_wasm32"
    suffix = ".cpython-313-wasm32-emscripten.so"
    promise = Promise(platform=Platform.parse("pyodide_2025_0_wasm32"), suffix=suffix, main=main)
    said = _faults(_wheel(tmp_path, {f"fast{suffix}": content}, tag), promise)
    assert said.startswith("would end with an error where it is called")


def test_a_webassembly_module_without_its_start_is_refused(tmp_path: Path) -> None:
    tag, suffix = "cp313-cp313-pyodide_2025_0_wasm32", ".cpython-313-wasm32-emscripten.so"
    promise = Promise(platform=Platform.parse("pyodide_2025_0_wasm32"), suffix=suffix)
    said = _faults(_wheel(tmp_path, {f"fast{suffix}": _wasm(exports="other")}, tag), promise)
    assert "has no function that starts the module" in said


@pytest.mark.parametrize(
    "content",
    [
        b"\0asm\1\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\0asm\1\0\0\0\x01\x05\x09",
        b"",
    ],
)
def test_what_is_no_whole_module_has_nothing_to_say(content: bytes) -> None:
    assert read_wasm(content) is None
