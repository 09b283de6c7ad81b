"""The rows of the system libraries: each with libraries that gcc made."""

from pathlib import Path

import pytest

from wheels.compiled import SUFFIX, compile_library, compile_module, make_wheel
from wheelyard.executor.elf import read_elf
from wheelyard.executor.system_libraries import SystemLibraries, dpkg_owner, system_libraries

CALL = "int own(void); int call(void) { return own(); }"
OWN = "int own(void) { return 7; }"


def make_library(folder: Path, name: str = "libown.so.1") -> Path:
    content = compile_library(folder, OWN, [f"-Wl,-soname,{name}"])
    (folder / name).write_bytes(content)
    return folder / name


def linked(folder: Path, library: Path, rpath: str) -> bytes:
    return compile_library(folder, CALL, [str(library), f"-Wl,-rpath,{rpath}"])


def no_owner(path: Path) -> tuple[str, ...]:
    return ()


def wheel_of(folder: Path, files: dict[str, bytes | str]) -> Path:
    return make_wheel(folder / "dist", files)


@pytest.mark.parametrize(
    ("place", "rpath"),
    [("sample.libs/libown.so.1", "$ORIGIN/../sample.libs"), ("pkg/libown.so.1", "$ORIGIN")],
)
def test_bundled_library_is_no_dependency(tmp_path: Path, place: str, rpath: str) -> None:
    library = make_library(tmp_path)
    module = linked(tmp_path / "c", library, rpath)
    wheel = wheel_of(tmp_path, {"pkg/module.so": module, place: library.read_bytes()})

    assert system_libraries(wheel, owner_of=no_owner) == SystemLibraries()


def test_bundled_library_is_found_from_the_data_folder(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    files = {
        "sample-1.0.data/platlib/pkg/module.so": linked(tmp_path / "c", library, "${ORIGIN}"),
        "pkg/libown.so.1": library.read_bytes(),
    }

    assert system_libraries(wheel_of(tmp_path, {**files}), owner_of=no_owner) == SystemLibraries()


def test_library_that_a_package_loads_itself_is_no_dependency(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    module = linked(tmp_path / "c", library, "/nowhere")
    wheel = wheel_of(tmp_path, {"module.so": module, "pkg/own.so": library.read_bytes()})

    assert system_libraries(wheel, owner_of=no_owner).missing == ()


def test_loader_and_vdso_are_ignored(tmp_path: Path) -> None:
    make_library(tmp_path, "linux-vdso.so.1")
    loader = make_library(tmp_path / "l", "ld-linux-x86-64.so.2")
    options = [str(tmp_path / "linux-vdso.so.1"), str(loader), "-Wl,--no-as-needed"]
    module = compile_library(tmp_path / "c", CALL, ["-Wl,--no-as-needed", *options])
    elf = read_elf(module)

    found = system_libraries(wheel_of(tmp_path, {"module.so": module}))

    assert elf is not None
    assert {"linux-vdso.so.1", "ld-linux-x86-64.so.2"} <= set(elf.needed)
    assert {library.name for library in found.libraries} <= {"libc.so.6"}


def test_library_that_is_not_found_is_missing(tmp_path: Path) -> None:
    library = make_library(tmp_path / "gone")
    module = linked(tmp_path / "c", library, str(tmp_path / "gone"))
    library.unlink()

    found = system_libraries(wheel_of(tmp_path, {"module.so": module}), owner_of=no_owner)

    assert (found.missing, found.packages, found.install_line) == (("libown.so.1",), (), "")


def test_library_for_another_processor_is_not_found(tmp_path: Path) -> None:
    library = make_library(tmp_path / "other")
    module = linked(tmp_path / "c", library, str(tmp_path / "other"))
    content = bytearray(library.read_bytes())
    content[18] = 183  # aarch64
    library.write_bytes(content)

    found = system_libraries(wheel_of(tmp_path, {"module.so": module}), owner_of=no_owner)

    assert found.missing == ("libown.so.1",)


def test_library_is_reported_as_its_package(tmp_path: Path) -> None:
    module = compile_module(
        tmp_path, "z", top="#include <zlib.h>", value="zlibCompileFlags()", options=["-lz"]
    )
    wheel = wheel_of(tmp_path, {f"z{SUFFIX}": module})

    found = system_libraries(wheel, base=frozenset())

    assert "zlib1g" in found.packages
    assert "zlib1g" in found.install_line.removeprefix("apt install ").split()
    [zlib] = [library for library in found.libraries if library.name == "libz.so.1"]
    assert zlib.needed_by == (f"z{SUFFIX}",)


def test_install_line_leaves_out_what_the_base_image_has(tmp_path: Path) -> None:
    module = compile_module(
        tmp_path, "z", top="#include <zlib.h>", value="zlibCompileFlags()", options=["-lz"]
    )
    wheel = wheel_of(tmp_path, {f"z{SUFFIX}": module})

    assert system_libraries(wheel).install_line == ""
    assert "zlib1g" in system_libraries(wheel).packages


def test_two_owners_are_both_listed(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    module = linked(tmp_path / "c", library, str(tmp_path))

    found = system_libraries(
        wheel_of(tmp_path, {"module.so": module}), owner_of=lambda path: ("liba1", "libb2")
    )

    assert found.packages == ("liba1", "libb2")
    assert found.install_line == "apt install liba1 libb2"


def test_library_needed_twice_is_asked_for_once(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    module = linked(tmp_path / "c", library, str(tmp_path))
    asked = []

    def owner(path: Path) -> tuple[str, ...]:
        asked.append(path)
        return ("libown1",)

    found = system_libraries(wheel_of(tmp_path, {"a.so": module, "b.so": module}), owner_of=owner)

    assert asked == [library]
    assert found.libraries[0].needed_by == ("a.so", "b.so")


def test_lib_and_usr_lib_are_one() -> None:
    short = Path("/lib/x86_64-linux-gnu/libc.so.6")
    long = Path("/usr/lib/x86_64-linux-gnu/libc.so.6")

    assert dpkg_owner(short) == dpkg_owner(long) == ("libc6",)


def test_file_of_nobody_has_no_owner(tmp_path: Path) -> None:
    assert dpkg_owner(tmp_path / "own[1]*.so") == ()


@pytest.mark.parametrize(
    "content", [b"INPUT(-lother)\n", b"", b"\x7fELF", b"\x7fELF\2\1\1" + b"\xff" * 99]
)
def test_so_that_is_no_elf_is_ignored(tmp_path: Path, content: bytes) -> None:
    assert system_libraries(wheel_of(tmp_path, {"fake.so": content})) == SystemLibraries()


def test_pure_wheel_needs_nothing(tmp_path: Path) -> None:
    assert system_libraries(wheel_of(tmp_path, {"a.py": ""})) == SystemLibraries()
