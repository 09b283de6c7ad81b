import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from wheelyard.errors import InvalidArchiveError
from wheelyard.executor.archive_entries import UnpackLimits
from wheelyard.executor.normalise import normalise_wheel
from wheelyard.executor.wheelfile import import_names, inspect_wheel
from wheelyard.model.release import Release
from wheelyard.targets.target import Target

Write = Callable[..., Path]

DEMO = Release.parse("demo==1.0")


def refused(wheel: Path, pattern: str, **expected: object) -> str:
    """Return the hint of the refusal."""
    with pytest.raises(InvalidArchiveError, match=pattern) as caught:
        inspect_wheel(wheel, **expected)  # type: ignore[arg-type]
    assert caught.value.hint
    assert wheel.name[:20] in caught.value.message
    return caught.value.hint


def entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo("placeholder")
    made.filename = made.orig_filename = name
    made.external_attr = mode << 16
    return made


def test_good_wheel_is_what_it_says(write_wheel: Write) -> None:
    wheel = write_wheel(
        metadata="Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\nRequires-Python: >=3.8\n"
        "Requires-Dist: six\nRequires-Dist: idna; extra == 'x'\n"
    )
    facts = inspect_wheel(wheel, release=DEMO, target=Target.parse("cp312-manylinux_2_28_x86_64"))
    assert (facts.project, str(facts.version), facts.build) == ("demo", "1.0", "")
    assert {str(tag) for tag in facts.tags} == {"py3-none-any"}
    assert (facts.requires_python, facts.requires_dist) == (">=3.8", ("six", "idna; extra == 'x'"))
    assert facts.metadata.startswith(b"Metadata-Version")
    assert facts.purelib
    assert facts.compiled == ()
    assert "demo/__init__.py" in facts.files


def test_what_its_writer_knows_of_a_wheel_is_believed_and_the_rest_is_read(
    write_wheel: Write,
) -> None:
    wheel = write_wheel()
    written = normalise_wheel(wheel, epoch=0)
    wrong = replace(written["demo/__init__.py"], record="sha256=AAAA")

    facts = inspect_wheel(wheel, contents=written)

    assert facts == inspect_wheel(wheel)
    refused(wheel, "not as its RECORD says", contents={**written, "demo/__init__.py": wrong})


def test_dist_info_may_be_spelled_otherwise_than_the_file(write_wheel: Write) -> None:
    wheel = write_wheel("Foo_Bar-1.0-py3-none-any.whl", info="foo_bar-1.0.dist-info")
    assert inspect_wheel(wheel, release=Release.parse("foo.bar==1.0")).project == "foo-bar"


def test_version_may_be_spelled_otherwise_than_the_release(write_wheel: Write) -> None:
    wheel = write_wheel("demo-1.0.0+ubuntu_1-py3-none-any.whl")
    facts = inspect_wheel(wheel, release=Release.parse("demo==1.0+Ubuntu.1"))
    assert str(facts.version) == "1.0.0+ubuntu.1"


def test_compressed_tags_expand_to_their_whole_set(write_wheel: Write) -> None:
    wheel = write_wheel("demo-1.0-cp37.cp38-abi3-manylinux1_x86_64.manylinux2014_x86_64.whl")
    assert len(inspect_wheel(wheel).tags) == 4


def test_build_number_is_read(write_wheel: Write) -> None:
    assert inspect_wheel(write_wheel("demo-1.0-3-py3-none-any.whl")).build == "3"


def test_wheel_of_another_project_or_version_is_refused(write_wheel: Write) -> None:
    evil = write_wheel("evil-1.0-py3-none-any.whl")
    hint = refused(evil, "name is not that of demo==1.0", release=DEMO)
    assert "calls itself evil" in hint
    hint = refused(write_wheel("demo-1.1-py3-none-any.whl"), "name is not that", release=DEMO)
    assert "version 1.1" in hint
    refused(write_wheel("demo-1.0+local-py3-none-any.whl"), "name is not that", release=DEMO)


@pytest.mark.parametrize(
    ("tags", "target", "fits"),
    [
        ("py3-none-any", "cp39-linux_x86_64", True),
        ("py2.py3-none-any", "pp310-linux_x86_64", True),
        ("py2-none-any", "cp39-linux_x86_64", False),
        ("cp312-cp312-linux_x86_64", "cp312-linux_x86_64", True),
        ("cp312-cp312-manylinux2014_x86_64", "cp312-manylinux_2_28_x86_64", True),
        ("cp312-cp312-manylinux_2_34_x86_64", "cp312-manylinux_2_28_x86_64", False),
        ("cp312-cp312-musllinux_1_2_x86_64", "cp312-manylinux_2_28_x86_64", False),
        ("cp312-cp312-linux_aarch64", "cp312-manylinux_2_28_x86_64", False),
        ("cp311-cp311-linux_x86_64", "cp312-linux_x86_64", False),
        ("cp311-abi3-linux_x86_64", "cp312-linux_x86_64", True),
        ("cp311-abi3-linux_x86_64", "cp313t-linux_x86_64", False),
        ("cp313-cp313-linux_x86_64", "cp313t-linux_x86_64", False),
        ("cp313-cp313t-linux_x86_64", "cp313t-linux_x86_64", True),
        ("py311-none-any", "cp310-linux_x86_64", False),
        ("cp37-cp37m-linux_x86_64", "cp37m-linux_x86_64", True),
    ],
)
def test_tags_must_serve_the_target(write_wheel: Write, tags: str, target: str, fits: bool) -> None:
    wheel = write_wheel(f"demo-1.0-{tags}.whl")
    if fits:
        inspect_wheel(wheel, target=Target.parse(target))
    else:
        refused(wheel, "do not serve cp", target=Target.parse(target))


def test_wheel_without_one_of_its_own_files_is_refused(write_wheel: Write) -> None:
    refused(write_wheel(metadata="absent"), "it has no METADATA")
    refused(write_wheel(wheel="absent"), "no WHEEL")
    refused(write_wheel(record=lambda _: ""), "no RECORD")


def test_wheel_needs_exactly_one_dist_info(write_wheel: Write) -> None:
    refused(write_wheel(info="demo"), r"needs one .dist-info folder of its own, but has \[\]")
    other = {"demo.py": b"", "other-1.0.dist-info/x": b""}
    refused(write_wheel(files=other), "needs one .dist-info folder")
    refused(write_wheel(info="evil-1.0.dist-info"), "is of another release")
    refused(write_wheel(info="demo-2.0.dist-info"), "is of another release")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Name: evil\nVersion: 1.0\n", "METADATA is of evil 1.0"),
        ("Name: demo\nVersion: 2.0\n", "METADATA is of demo 2.0"),
        ("Name: demo\n", "METADATA is of demo"),
        ("\0\xff nonsense", "METADATA is of nothing"),
    ],
)
def test_metadata_of_another_release_is_refused(
    write_wheel: Write, text: str, pattern: str
) -> None:
    refused(write_wheel(metadata=text), pattern)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (
            "Wheel-Version: 2.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "Wheel-Version is '2.0'",
        ),
        ("Root-Is-Purelib: true\nTag: py3-none-any\n", "Wheel-Version is ''"),
        ("Wheel-Version: 1.0\nTag: py3-none-any\n", "Root-Is-Purelib is ''"),
        ("Wheel-Version: 1.0\nRoot-Is-Purelib: true\n", "differ in tags: py3-none-any"),
        ("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\n", "py2-none-any"),
        ("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: nonsense\n", "'nonsense' .* is no tag"),
        (
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\nBuild: 7\n",
            "build number: '7'",
        ),
    ],
)
def test_wheel_file_that_disagrees_with_the_name_is_refused(
    write_wheel: Write, text: str, pattern: str
) -> None:
    refused(write_wheel(wheel=text), pattern)


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (
            lambda text: text.replace("demo/__init__.py,sha256=", "demo/__init__.py,sha256=A"),
            "not as its RECORD says",
        ),
        (
            lambda text: re.sub(r"(demo/__init__.py,[^,]+),\d+", r"\1,99", text),
            "not as its RECORD says",
        ),
        (lambda text: re.sub(r"demo/__init__.py,[^,]+", "demo/__init__.py,", text), "no hash"),
        (lambda text: re.sub(r"demo/__init__.py,sha256", "demo/__init__.py,md5", text), "no hash"),
        (lambda text: re.sub(r"demo/__init__.py.*\n", "", text), "is not in its RECORD"),
        (
            lambda text: text + "demo/absent.py,sha256=abc,3\n",
            "'demo/absent.py', which is not in it",
        ),
        (lambda text: text + "demo/__init__.py,sha256=abc,3\n", "'demo/__init__.py' twice"),
    ],
)
def test_record_that_does_not_match_is_refused(
    write_wheel: Write, change: Callable[[str], str], pattern: str
) -> None:
    refused(write_wheel(record=change), pattern)


def test_file_beside_record_is_refused_unless_it_signs_it(write_wheel: Write) -> None:
    info = "demo-1.0.dist-info"
    signed = write_wheel(extra=[(zipfile.ZipInfo(f"{info}/RECORD.jws"), b"{}")])
    assert f"{info}/RECORD.jws" in inspect_wheel(signed).files
    refused(write_wheel(extra=[(zipfile.ZipInfo("demo/evil.py"), b"")]), "is not in its RECORD")


@pytest.mark.parametrize(
    "name",
    ["/etc/cron.d/x", "../evil.py", "demo/../../evil", "..\\evil", "C:\\evil", "demo//x.py",
     "./demo.py", "demo/" + "x" * 300],
)  # fmt: skip
def test_path_that_leaves_its_place_is_refused(write_wheel: Write, name: str) -> None:
    refused(write_wheel(extra=[(entry(name), b"")]), "path|name that is too long")


def test_name_with_nul_is_refused(write_wheel: Write) -> None:
    wheel = write_wheel(extra=[(zipfile.ZipInfo("demo/aXb.py"), b"")])
    wheel.write_bytes(wheel.read_bytes().replace(b"aXb.py", b"a\0b.py"))
    refused(wheel, "NUL")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_name_that_is_there_twice_is_refused(write_wheel: Write) -> None:
    refused(write_wheel(extra=[(zipfile.ZipInfo("demo/__init__.py"), b"evil")]), "is in it twice")


def test_link_is_refused(write_wheel: Write) -> None:
    link = entry("demo/l", stat.S_IFLNK | 0o777)
    refused(write_wheel(extra=[(link, b"/etc/passwd")]), "is a link or a device")


def test_bomb_is_refused_before_it_is_read(write_wheel: Write) -> None:
    wheel = write_wheel(files={"demo/zeros": b"\0" * 3_000_000})
    limits = UnpackLimits(ratio=10, ratio_free_bytes=1_000_000)
    refused(wheel, "decompression bomb|more than 1000000 bytes", limits=limits)
    refused(wheel, "more than 2 entries", limits=UnpackLimits(entries=2))


def test_flipped_bit_and_cut_file_are_refused(write_wheel: Write) -> None:
    wheel = write_wheel(files={"demo/__init__.py": b"x = 'abcdefgh'\n"})
    content = bytearray(wheel.read_bytes())
    content[60] ^= 1
    wheel.write_bytes(content)
    refused(wheel, "damaged|not as its RECORD says")
    wheel.write_bytes(bytes(content)[:100])
    refused(wheel, "damaged")
    wheel.write_bytes(b"")
    refused(wheel, "damaged")


def test_compiled_files_are_told_by_their_first_bytes(
    write_wheel: Write, plain_extension: bytes
) -> None:
    wheel = write_wheel(
        "demo-1.0-cp311-cp311-linux_x86_64.whl",
        files={"demo/_plain.so": plain_extension, "demo/script.so": b"INPUT(libc.so.6)\n"},
    )
    facts = inspect_wheel(wheel)
    assert facts.compiled == ("demo/_plain.so",)
    assert not facts.purelib


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["demo/__init__.py", "demo/sub/__init__.py", "demo/x.py"], ["demo"]),
        (["six.py"], ["six"]),
        (["a/__init__.py", "_b.cpython-311-x86_64-linux-gnu.so"], ["_b", "a"]),
        (["_b.abi3.so"], ["_b"]),
        (["_b.cp311-win_amd64.pyd"], ["_b"]),
        (["pkg/__init__.cpython-311-x86_64-linux-gnu.so", "pkg/x.py"], ["pkg"]),
        (["abc012__mypyc.cpython-311-x86_64-linux-gnu.so", "pkg/__init__.py"], ["pkg"]),
        (["google/cloud/storage/__init__.py", "google/cloud/storage/x.py"], ["google.cloud.storage"]),
        (["ns/a.py", "ns/b/__init__.py", "ns/b/c.py"], ["ns.a", "ns.b"]),
        (["demo/__init__.py", "tests/__init__.py", "docs/conf.py"], ["demo"]),
        (["tests/__init__.py"], []),
        (["demo-1.0.data/purelib/demo/__init__.py", "demo-1.0.data/scripts/x.py"], ["demo"]),
        (["demo-stubs/__init__.pyi", "demo.pth"], []),
        (["demo/__main__.py", "demo/__init__.py"], ["demo"]),
    ],
)  # fmt: skip
def test_import_names_are_the_shallowest_that_work(
    write_wheel: Write, files: list[str], names: list[str]
) -> None:
    wheel = write_wheel(files=dict.fromkeys(files, b"\n"))
    assert list(import_names(inspect_wheel(wheel))) == names
