"""Headers that are read without tarfile say what it says, and all others are left to it."""

import io
import tarfile
from pathlib import Path

import pytest

from wheelyard.executor.archive_entries import Budget, UnpackLimits
from wheelyard.executor.archive_reading import SourceEntry, read_entries
from wheelyard.executor.plain_tar import PlainHeader, read_plain_header

LONG = "demo-1.0/" + "/".join(["a" * 60] * 4) + ".py"
NAMES = ("demo-1.0", "demo-1.0/setup.py", LONG, "demo-1.0/größe.txt", "demo-1.0/" + "b" * 99)
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def member(name: str, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    made, content = tarfile.TarInfo(name), name.encode() * 99
    made.mtime = 1700000000.5  # type: ignore[assignment, unused-ignore]
    for field, value in fields.items():
        setattr(made, field, value)
    made.size = len(content) if made.isreg() else 0
    return made, content


def written(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


class Stream:
    """Bytes that can be put back."""

    def __init__(self, content: bytes) -> None:
        self.left = content

    def read(self, size: int, /) -> bytes:
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def put_back(self, content: bytes, /) -> None:
        self.left = content + self.left


def entries(content: bytes, folder: Path) -> list[tuple[SourceEntry, bytes]]:
    path = folder / "demo.tar"
    path.write_bytes(content)
    budget = Budget("demo.tar", len(content), UnpackLimits())
    return [(entry, entry.open().read(entry.size)) for entry in read_entries(path, budget)]


@pytest.mark.parametrize("form", FORMATS)
def test_entries_are_those_that_tarfile_finds(form: int, tmp_path: Path) -> None:
    plain = [member(name, type=b"5" if name == "demo-1.0" else b"0") for name in NAMES]
    odd = [
        member("demo-1.0/link", type=tarfile.SYMTYPE, linkname="setup.py"),
        member("demo-1.0/hard", type=tarfile.LNKTYPE, linkname="demo-1.0/setup.py"),
        member("demo-1.0/run", mode=0o755),
    ]
    if form == tarfile.USTAR_FORMAT:
        plain = [one for one in plain if one[0].name != LONG]
    content = written(*plain, *odd, *plain[1:], form=form)

    found = entries(content, tmp_path)

    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        expected = [
            (info.name, info.size, info.mtime, bool(info.mode & 0o100), info.linkname)
            for info in archive
        ]
    assert expected == [
        (entry.name, entry.size, entry.modified, entry.executable, entry.target)
        for entry, _ in found
    ]
    assert all(text == entry.name.encode() * 99 for entry, text in found if entry.kind == "file")


def test_a_long_name_and_a_time_are_read_from_an_extended_header() -> None:
    stream = Stream(written(member(LONG)))

    found = read_plain_header(stream)

    size = len(LONG) * 99
    assert found == PlainHeader(LONG, False, size, 0o644, 1700000000.5)
    assert found.padding == -size % 512
    assert stream.left.startswith(b"demo-1.0/")


@pytest.mark.parametrize(
    "content",
    [
        written(member("demo-1.0/link", type=tarfile.SYMTYPE, linkname="x" * 200)),
        written(member("demo-1.0/pipe", type=tarfile.FIFOTYPE)),
        written(member(LONG), form=tarfile.GNU_FORMAT),
        written(member("demo-1.0/a"))[:400],
        written(member("demo-1.0/a")).replace(b"ustar", b"rusty", 1),
        written(member("demo-1.0/a", mtime=1)).replace(b"0000644", b"000064x"),
        written(member("demo-1.0/a", mtime=1, pax_headers={"GNU.sparse.major": "1"})),
        written(member("demo-1.0/a", mtime=1, pax_headers={"hdrcharset": "BINARY"})),
        bytes(10240),
        b"",
    ],
)
def test_what_is_not_plain_is_left_as_it_was(content: bytes) -> None:
    stream = Stream(content)

    assert read_plain_header(stream) is None
    assert stream.left == content


@pytest.mark.parametrize("records", [b"9 path=a\n", b"99 path=a\n", b"8 path=a", b"path=a\n"])
def test_an_extended_header_that_is_not_understood_is_left(records: bytes) -> None:
    extended = tarfile.TarInfo("x")
    extended.type, extended.size = tarfile.XHDTYPE, len(records)
    content = extended.tobuf(tarfile.USTAR_FORMAT) + records.ljust(512, b"\0")
    content += written(member("demo-1.0/a", mtime=1))
    stream = Stream(content)

    assert (read_plain_header(stream) is None) == (records != b"9 path=a\n")
    assert (stream.left == content) == (records != b"9 path=a\n")
