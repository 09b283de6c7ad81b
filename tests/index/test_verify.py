"""``verify`` finds what is wrong in an exported folder."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from index.shelf import Shelf
from wheelyard.errors import StoreError
from wheelyard.index.export import export
from wheelyard.index.verify import verify


def wheel_of(output: Path) -> Path:
    (found,) = output.rglob("*.whl")
    return found


def metadata_of(output: Path) -> Path:
    (found,) = output.rglob("*.metadata")
    return found


def replace_text(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rewrite(path: Path, content: bytes) -> None:
    """Change a file here and not the stored bytes that it is a link to."""
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (
            lambda out: wheel_of(out).unlink(),
            "is linked to by simple/tiny/index.html and is not there",
        ),
        (lambda out: rewrite(wheel_of(out), b"x"), "has other bytes than its page says"),
        (lambda out: rewrite(wheel_of(out), b"x"), "has another size than its page says"),
        (lambda out: metadata_of(out).unlink(), "is announced and is not there"),
        (lambda out: rewrite(metadata_of(out), b"x"), "has other bytes than its page says"),
        (lambda out: rewrite(metadata_of(out), b"x"), "is not the METADATA of its wheel"),
        (lambda out: (out / "simple/index.html").unlink(), "is not there"),
        (lambda out: (out / "simple/tiny/index.html").unlink(), "is linked to and is not there"),
        (lambda out: (out / "simple/tiny/index.json").unlink(), "is not there or cannot be read"),
        (
            lambda out: (out / "simple/index.json").write_text("{}"),
            "does not say what index.html says",
        ),
        (
            lambda out: replace_text(out / "simple/tiny/index.html", "&gt;=3.9", "&gt;=3.8"),
            "does not say what index.html says",
        ),
        (
            lambda out: replace_text(out / "simple/index.html", "tiny", "tinny"),
            "does not link to tiny",
        ),
    ],
)
def test_harm_is_found(
    shelf: Shelf, tmp_path: Path, harm: Callable[[Path], object], problem: str
) -> None:
    shelf.put("tiny", "1.0", requires_python=">=3.9")
    output = tmp_path / "out"
    asyncio.run(export(shelf.artifacts, shelf.blobs, output))
    assert not asyncio.run(verify(output)).findings
    harm(output)
    assert problem in [finding.problem for finding in asyncio.run(verify(output)).findings]


def test_a_folder_without_an_index_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no index"):
        asyncio.run(verify(tmp_path / "nowhere"))
