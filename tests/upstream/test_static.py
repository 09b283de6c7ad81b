"""What a source says about itself, and how hostile archives are read."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from upstream.archives import tar_gz, zipped
from wheelyard.errors import InvalidArchiveError
from wheelyard.upstream.archive import ReadLimits, read_members
from wheelyard.upstream.static import StaticFiles, facts_of, read_static, release_of

TREE = {"foo-1.0/pyproject.toml": "[build-system]\nrequires = ['x']\n", "foo-1.0/a/b.py": "pass"}


def static(files: dict[str, str], subdirectory: str = "") -> StaticFiles:
    archive = tar_gz({f"foo-1.0/{name}": text for name, text in files.items()})
    return read_static(io.BytesIO(archive), "foo-1.0.tar.gz", subdirectory=subdirectory)


@pytest.mark.parametrize(
    "archive",
    [tar_gz(TREE, mode) for mode in ("w:", "w:gz", "w:bz2", "w:xz")] + [zipped(TREE)],
    ids=["tar", "gz", "bz2", "xz", "zip"],
)
def test_archive_of_every_kind_is_read_whatever_its_name(archive: bytes) -> None:
    members = read_members(io.BytesIO(archive), "foo.bin", lambda name: name == "pyproject.toml")
    assert members.contents == {"pyproject.toml": TREE["foo-1.0/pyproject.toml"].encode()}
    assert "a/b.py" in members.names


def test_without_pyproject_the_defaults_of_setuptools_hold() -> None:
    facts = facts_of(static({"setup.py": ""}))
    assert facts.build_requires == ("setuptools>=40.8.0",)
    assert facts.backend == "setuptools.build_meta:__legacy__"


def test_without_build_system_table_the_defaults_hold() -> None:
    assert facts_of(static({"pyproject.toml": "[tool.x]"})).backend.endswith(":__legacy__")


def test_build_system_is_read() -> None:
    text = (
        '[build-system]\nrequires = ["flit_core >=3"]\nbuild-backend = "back"\n'
        'backend-path = ["tools"]\n[project]\nname = "foo"\nrequires-python = ">=3.9"'
    )
    facts = facts_of(static({"pyproject.toml": text}))
    assert facts.build_requires == ("flit_core >=3",)
    assert (facts.backend, facts.backend_path) == ("back", ("tools",))
    assert facts.requires_python == ">=3.9"


def test_subdirectory_is_looked_at_in_place_of_the_top() -> None:
    files = {"pyproject.toml": "broken", "sub/dir/setup.py": ""}
    assert facts_of(static(files, "sub/dir")).backend.endswith(":__legacy__")


def test_source_without_any_way_to_build_is_refused() -> None:
    with pytest.raises(InvalidArchiveError, match=r"neither pyproject\.toml nor setup\.py"):
        facts_of(static({"README": ""}))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a = 1\nb =\n", "line 2: not valid TOML"),
        ("\n\nx = '\udcff'", "line 3: not UTF-8"),
        ("\n[build-system]\n", "line 2: .*has no 'requires'"),
        ("[build-system]\nrequires = 'x'", "line 2: 'requires' is not a list"),
        ("[build-system]\nrequires = [1]", "line 2: 'requires' is not a list"),
        ("[build-system]\nrequires = ['>>']", "line 2: '>>' in 'requires'"),
        ("[build-system]\nrequires = []\nbuild-backend = 3", "line 3: 'build-backend'"),
        ("[build-system]\nrequires = []\nbackend-path = ['../x']", "line 3: .*leaves the source"),
        ("[build-system]\nrequires = []\nbackend-path = ['/x']", "line 3: .*leaves the source"),
        ("build-system = 3", "line 1: .*not a table"),
        ("x = " + "[" * 5000, "line 1"),
    ],
)
def test_broken_pyproject_is_named_with_its_line(text: str, where: str) -> None:
    archive = tar_gz({"foo-1.0/pyproject.toml": text.encode("utf-8", "surrogateescape")})
    with pytest.raises(InvalidArchiveError, match=rf"foo-1\.0\.tar\.gz: pyproject\.toml, {where}"):
        facts_of(read_static(io.BytesIO(archive), "foo-1.0.tar.gz"))


PKG_INFO = "Metadata-Version: 2.1\nName: old\nVersion: 1\n"


@pytest.mark.parametrize(
    ("files", "built", "release"),
    [
        ({"PKG-INFO": PKG_INFO}, True, "old==1"),
        (
            {"pyproject.toml": "[project]\nname='n'\nversion='2'", "PKG-INFO": PKG_INFO},
            True,
            "old==1",
        ),
        (
            {"pyproject.toml": "[project]\nname='n'\nversion='2'", "PKG-INFO": PKG_INFO},
            False,
            "n==2",
        ),
        ({"pyproject.toml": "[project]\nname='n'\ndynamic=['version']"}, False, None),
        ({"setup.cfg": "[metadata]\nname = n\nversion = 3"}, False, "n==3"),
        ({"setup.cfg": "[metadata]\nname = n\nversion = attr: n.__version__"}, False, None),
        ({"setup.cfg": "[metadata\nname"}, False, None),
        ({"PKG-INFO": "Name: old\nVersion: not one\n"}, True, None),
        ({"setup.py": "setup(name='n', version='4')"}, False, None),
    ],
)
def test_release_is_known_where_it_is_static(
    files: dict[str, str], built: bool, release: str | None
) -> None:
    found = release_of(static(files), built=built)
    assert (str(found) if found else None) == release


def wants_all(_: str) -> bool:
    return True


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_links_are_not_followed_and_paths_do_not_leave() -> None:
    link = tarfile.TarInfo("foo/PKG-INFO")
    link.type = tarfile.SYMTYPE
    link.linkname = "/etc/passwd"
    hard = tarfile.TarInfo("foo/setup.cfg")
    hard.type = tarfile.LNKTYPE
    hard.linkname = "foo/good"
    archive = tar_of(
        (tarfile.TarInfo("foo/good"), b"good"),
        (link, b""),
        (hard, b""),
        (tarfile.TarInfo("../evil"), b"x"),
        (tarfile.TarInfo("/abs/evil"), b"x"),
        (tarfile.TarInfo("foo/../../evil"), b"x"),
    )
    members = read_members(io.BytesIO(archive), "foo.tar.gz", wants_all)
    assert members.contents == {"good": b"good"}


@pytest.mark.parametrize("prefix", ["./", ""])
def test_top_folder_may_be_written_with_a_dot(prefix: str) -> None:
    archive = tar_gz({f"{prefix}foo-1.0/setup.py": "", "._foo-1.0": "left by a mac"})
    members = read_members(io.BytesIO(archive), "x", wants_all)
    assert set(members.contents) == {"setup.py"}


def test_several_top_folders_are_refused() -> None:
    archive = tar_gz({"a/setup.py": "", "b/setup.py": ""})
    with pytest.raises(InvalidArchiveError, match="several top-level folders: 'a', 'b'"):
        read_members(io.BytesIO(archive), "x.tar.gz", wants_all)


LIMITS = ReadLimits(member_bytes=1000, total_bytes=100_000, members=50)


def deep_header() -> bytes:
    """A tar file whose extended header claims to be enormous."""
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    header.size = 1 << 40
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + b"\0" * 200_000)


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (lambda: tar_gz({"foo/PKG-INFO": b"\0" * 1001}), "larger than 1000 bytes"),
        (lambda: zipped({"foo/PKG-INFO": b"\0" * 1001}), "larger than 1000 bytes"),
        (lambda: tar_gz({"foo/x.bin": b"\0" * 200_000, "foo/y": b""}), "more than 100000 bytes"),
        (lambda: tar_gz({f"foo/{number}": b"" for number in range(51)}), "more than 50 members"),
        (lambda: zipped({f"foo/{number}": b"" for number in range(51)}), "more than 50 members"),
        (deep_header, "larger than|more than"),
    ],
)
def test_archive_bombs_are_refused(archive: Callable[[], bytes], message: str) -> None:
    with pytest.raises(InvalidArchiveError, match=message):
        read_members(
            io.BytesIO(archive()), "foo.tar.gz", lambda name: name == "PKG-INFO", limits=LIMITS
        )


def encrypted() -> bytes:
    content = bytearray(zipped({"foo/PKG-INFO": "x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"not an archive at all, just text that is long enough" * 20,
        tar_gz(TREE)[:-30],
        tar_gz(TREE)[:40] + b"\xff" * 60,
        tar_gz(TREE, "w:xz")[:50],
        tar_gz(TREE, "w:bz2")[:50],
        zipped(TREE)[:-10],
        bz2.compress(b"no tar"),
        lzma.compress(b"no tar"),
        encrypted(),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "garbled",
        "cut xz",
        "cut bz2",
        "cut zip",
        "bz2",
        "xz",
        "encrypted",
    ],
)
def test_damaged_archive_is_refused_by_name(archive: bytes) -> None:
    with pytest.raises(
        InvalidArchiveError, match=r"'foo-1\.0\.tar\.gz' is not an archive"
    ) as caught:
        read_members(io.BytesIO(archive), "foo-1.0.tar.gz", wants_all)
    assert caught.value.hint


def test_zip_that_lies_about_its_sizes_is_not_believed() -> None:
    content = zipped({"foo/PKG-INFO": b"\0" * 5000})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.infolist()[0].file_size == 5000
    small = content.replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(InvalidArchiveError):
        read_members(io.BytesIO(small), "foo.zip", wants_all, limits=LIMITS)
