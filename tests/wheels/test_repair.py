"""Repaired wheels: what they are tagged, what is bundled, and that they load."""

import base64
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from wheels.compiled import (
    INTERPRETER,
    SUFFIX,
    compile_library,
    compile_module,
    make_wheel,
)
from wheelyard.errors import InvalidArchiveError, ToolError
from wheelyard.executor.repair import RepairResult, repair_wheel
from wheelyard.executor.wheelfile import inspect_wheel
from wheelyard.targets.target import Target

OLD, LATE, ANY = "manylinux_2_17_x86_64", "manylinux_2_35_x86_64", "linux_x86_64"


def repair(wheel: Path, platform: str) -> RepairResult:
    out = wheel.parent / "repaired"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return repair_wheel(wheel, out, target=Target.parse(f"{INTERPRETER}-{platform}"))


def answer_of(wheel: Path, module: str, folder: Path) -> str:
    """Install a wheel and call its module in a process that knows nothing else."""
    command = [find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*command, "--python", sys.executable, "--target", folder, wheel], check=True)
    code = f"import sys; sys.path.insert(0, sys.argv[1]); import {module}; print({module}.answer())"
    run = [sys.executable, "-I", "-c", code, str(folder)]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()


def linked_module(folder: Path) -> bytes:
    """Compile a module that needs a library which lies in ``folder`` and nowhere else."""
    library = compile_library(folder, "int own(void) { return 7; }", ["-Wl,-soname,libown.so.1"])
    (folder / "libown.so.1").write_bytes(library)
    options = [str(folder / "libown.so.1"), f"-Wl,-rpath,{folder}"]
    return compile_module(folder, "linked", top="int own(void);", value="own()", options=options)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compile_module(tmp_path_factory.mktemp("plain"), "plain")


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    # pthread_create moved into libc with glibc 2.34, and has that version since.
    folder, call = tmp_path_factory.mktemp("newest"), "pthread_create(0, 0, 0, 0)"
    return compile_module(folder, "newest", top="#include <pthread.h>", value=call)


def test_pure_wheel_is_returned_as_it_is(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pure.py": ""}, tags="py3-none-any", purelib=True)

    result = repair(wheel, OLD)

    assert (result.path, result.platform_tag) == (wheel, "any")


def test_pure_wheel_never_loads_auditwheel(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pure.py": ""}, tags="py3-none-any", purelib=True)
    code = (
        "import sys, pathlib; from wheelyard.executor.repair import repair_wheel;"
        "from wheelyard.targets.target import Target; wheel = pathlib.Path(sys.argv[1]);"
        "repair_wheel(wheel, wheel.parent, target=Target.parse('cp311-linux_x86_64'));"
        "print([name for name in sys.modules if name.startswith(('auditwheel', 'elftools'))])"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", code, str(wheel)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=path)

    assert done.stdout.strip() == "[]"


def test_compiled_wheel_gets_the_oldest_platform_that_it_runs_on(
    tmp_path: Path, plain: bytes
) -> None:
    wheel = make_wheel(tmp_path, {f"plain{SUFFIX}": plain})

    result = repair(wheel, ANY)

    assert result.platform_tag == "manylinux_2_5_x86_64"
    assert result.path.name.endswith("-manylinux1_x86_64.manylinux_2_5_x86_64.whl")
    assert result.bundled == ()
    assert inspect_wheel(result.path, target=Target.parse(f"{INTERPRETER}-{OLD}")).compiled
    assert answer_of(result.path, "plain", tmp_path / "site") == "42"


def test_new_tags_change_nothing_else_and_always_the_same_way(tmp_path: Path, plain: bytes) -> None:
    wheel = make_wheel(tmp_path, {f"plain{SUFFIX}": plain, "more.py": "x = 1\n"})

    first = repair(wheel, ANY).path.read_bytes()
    second = repair(wheel, ANY).path.read_bytes()

    assert first == second
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(io.BytesIO(first)) as after:
        assert after.namelist() == before.namelist()
        changed = {name for name in before.namelist() if before.read(name) != after.read(name)}
        record = list(csv.reader(io.StringIO(after.read("sample-1.0.dist-info/RECORD").decode())))
        digests = {row[0]: row[1] for row in record}
        content = after.read("sample-1.0.dist-info/WHEEL")
    assert changed == {"sample-1.0.dist-info/WHEEL", "sample-1.0.dist-info/RECORD"}
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    assert digests["sample-1.0.dist-info/WHEEL"] == f"sha256={digest}"


def test_abi3_and_several_pythons_stay(tmp_path: Path, plain: bytes) -> None:
    wheel = make_wheel(tmp_path, {"plain.abi3.so": plain}, tags=f"cp38.cp39-abi3-{ANY}")

    tags = inspect_wheel(repair(wheel, ANY).path).tags

    assert {tag.interpreter for tag in tags} == {"cp38", "cp39"}
    assert {tag.abi for tag in tags} == {"abi3"}
    assert {tag.platform for tag in tags} == {"manylinux_2_5_x86_64", "manylinux1_x86_64"}


def test_wheel_that_claims_too_much_is_told_the_truth(tmp_path: Path, newest: bytes) -> None:
    tags = f"{INTERPRETER}-{INTERPRETER}-manylinux_2_17_x86_64"
    wheel = make_wheel(tmp_path, {f"newest{SUFFIX}": newest}, tags=tags)

    result = repair(wheel, ANY)

    assert result.path.name.endswith(f"-{INTERPRETER}-manylinux_2_34_x86_64.whl")
    assert "libc.so.6" in result.external


def test_wheel_above_the_floor_is_refused_with_the_symbol_and_the_file(
    tmp_path: Path, newest: bytes
) -> None:
    wheel = make_wheel(tmp_path, {f"pkg/newest{SUFFIX}": newest})

    with pytest.raises(InvalidArchiveError) as refused:
        repair(wheel, OLD)

    said = f"needs GLIBC_2.34 (in pkg/newest{SUFFIX}), the target promises 2.17"
    assert said in refused.value.message
    assert not list((tmp_path / "repaired").iterdir())


def test_wheel_at_the_floor_is_accepted(tmp_path: Path, newest: bytes) -> None:
    wheel = make_wheel(tmp_path, {f"newest{SUFFIX}": newest})

    assert repair(wheel, LATE).platform_tag == "manylinux_2_34_x86_64"


def test_library_from_elsewhere_is_bundled_and_found(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {f"linked{SUFFIX}": linked_module(tmp_path / "lib")})

    result = repair(wheel, OLD)
    shutil.rmtree(tmp_path / "lib")

    assert result.bundled == ("libown.so.1",)
    assert "libown.so.1" not in result.external
    assert result.platform_tag == "manylinux_2_5_x86_64"
    facts = inspect_wheel(result.path, target=Target.parse(f"{INTERPRETER}-{OLD}"))
    assert len([name for name in facts.compiled if name.startswith("sample.libs/libown-")]) == 1
    assert answer_of(result.path, "linked", tmp_path / "site") == "7"


def test_library_of_the_system_is_bundled(tmp_path: Path) -> None:
    module = compile_module(
        tmp_path / "c",
        "packed",
        top="#include <lzma.h>",
        value="lzma_version_number()",
        options=["-llzma"],
    )
    wheel = make_wheel(tmp_path, {f"packed{SUFFIX}": module})

    result = repair(wheel, ANY)

    assert result.bundled == ("liblzma.so.5",)
    assert int(answer_of(result.path, "packed", tmp_path / "site")) > 0


def test_bundling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {f"linked{SUFFIX}": linked_module(tmp_path / "lib")})

    assert repair(wheel, OLD).path.read_bytes() == repair(wheel, OLD).path.read_bytes()


def test_bundled_library_that_is_too_new_is_named(tmp_path: Path) -> None:
    newest = "#include <pthread.h>\nint own(void) { return pthread_create(0, 0, 0, 0); }"
    module = linked_module(tmp_path / "lib")
    library = compile_library(tmp_path / "lib", newest, ["-Wl,-soname,libown.so.1"])
    (tmp_path / "lib/libown.so.1").write_bytes(library)
    wheel = make_wheel(tmp_path, {f"linked{SUFFIX}": module})

    with pytest.raises(InvalidArchiveError, match=r"GLIBC_2\.34 \(in libown\.so\.1\)"):
        repair(wheel, OLD)


def test_lost_library_is_refused_for_a_floor_and_kept_without(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {f"linked{SUFFIX}": linked_module(tmp_path / "lib")})
    shutil.rmtree(tmp_path / "lib")

    with pytest.raises(InvalidArchiveError, match=r"libown\.so\.1, which is nowhere"):
        repair(wheel, OLD)
    kept = repair(wheel, ANY)

    assert (kept.path, kept.platform_tag) == (wheel, ANY)
    assert "libown.so.1" in kept.note


def test_wheel_for_another_c_library_is_refused(tmp_path: Path, newest: bytes) -> None:
    wheel = make_wheel(tmp_path, {f"newest{SUFFIX}": newest})

    with pytest.raises(InvalidArchiveError, match="musl"):
        repair(wheel, "musllinux_1_2_x86_64")


def test_platform_wheel_without_anything_compiled_is_left_to_the_checks(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pure.py": "", "fake.so": "no library"})

    result = repair(wheel, OLD)

    facts = inspect_wheel(result.path, target=Target.parse(f"{INTERPRETER}-{OLD}"))
    assert {tag.platform for tag in facts.tags} == {OLD}
    assert (result.platform_tag, facts.compiled) == (OLD, ())
    assert repair(wheel, ANY).path == wheel


def test_library_in_a_wheel_that_is_called_pure_makes_it_a_platform_wheel(
    tmp_path: Path, plain: bytes
) -> None:
    wheel = make_wheel(tmp_path, {"plain.so": plain}, tags="py3-none-any", purelib=True)

    facts = inspect_wheel(repair(wheel, OLD).path)

    assert {tag.platform for tag in facts.tags} == {"manylinux_2_5_x86_64", "manylinux1_x86_64"}
    assert not facts.purelib


def test_test_data_leaves_a_wheel_pure(tmp_path: Path, plain: bytes) -> None:
    wheel = make_wheel(tmp_path, {"tests/sample.elf": plain}, tags="py3-none-any", purelib=True)

    assert repair(wheel, OLD).path == wheel


def rewrite_record(wheel: Path, text: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["sample-1.0.dist-info/RECORD"] = text.encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def test_file_that_record_hides_counts(tmp_path: Path, plain: bytes, newest: bytes) -> None:
    wheel = make_wheel(tmp_path, {f"plain{SUFFIX}": plain, f"newest{SUFFIX}": newest})
    rewrite_record(wheel, f"plain{SUFFIX},,\nsample-1.0.dist-info/RECORD,,\n")

    with pytest.raises(InvalidArchiveError, match=r"GLIBC_2\.34"):
        repair(wheel, OLD)


def test_record_of_files_elsewhere_changes_none_of_them(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {f"linked{SUFFIX}": linked_module(tmp_path / "lib")})
    other = tmp_path / "elsewhere.so"
    other.write_bytes(linked_module(tmp_path / "lib"))
    before = other.read_bytes()
    rewrite_record(wheel, f"linked{SUFFIX},,\n{other},,\nsample-1.0.dist-info/RECORD,,\n")

    repair(wheel, OLD)

    assert other.read_bytes() == before


def test_damaged_wheel_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / f"sample-1.0-{INTERPRETER}-{INTERPRETER}-{ANY}.whl"
    wheel.write_bytes(b"no archive")

    with pytest.raises(InvalidArchiveError, match="cannot be repaired"):
        repair(wheel, OLD)


def test_patchelf_that_is_nowhere_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path, {f"linked{SUFFIX}": linked_module(tmp_path / "lib")})
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(ToolError) as error:
        repair(wheel, OLD)

    assert "patchelf is not there" in error.value.message
    assert "Install patchelf" in error.value.hint
