"""The channel as a folder: what is in it, what stays, what is never replaced, and what is found wrong."""

import json
from pathlib import Path

import pytest
import zstandard

from index.channel import World, world
from wheelyard.errors import StoreError
from wheelyard.index.channel_export import ChannelExport, export_channel
from wheelyard.index.export import export
from wheelyard.index.verify import Verification, verify
from wheelyard.testing.artifacts import MemoryArtifactStore
from wheelyard.testing.conda_packages import conda_package

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


async def exported(one: World, output: Path) -> ChannelExport:
    return await export_channel(await one.packages(), one.blobs, output)


async def check(one: World, output: Path) -> Verification:
    await export(MemoryArtifactStore(), one.blobs, output)
    return await verify(output)


def said(output: Path, path: str = "noarch/repodata.json") -> dict[str, object]:
    read: dict[str, object] = json.loads((output / "conda" / path).read_bytes())
    return read


def contents(output: Path) -> dict[str, bytes]:
    found = (output / "conda").rglob("*")
    return {str(path): path.read_bytes() for path in found if path.is_file()}


async def test_an_export_holds_what_the_channel_does(tmp_path: Path, output: Path) -> None:
    one = world(tmp_path)
    path = await one.add("liba", about={"summary": "A"}, run_exports={"weak": ["liba"]})
    await one.add("libb", subdir="linux-64", suffix=".tar.bz2")
    result = await exported(one, output)
    assert (result.channel, result.packages, result.left_out) == (output / "conda", 2, ())
    assert (output / "conda/noarch/liba-1.0-0.conda").read_bytes() == path.read_bytes()
    assert said(output, "channeldata.json")["subdirs"] == ["linux-64", "noarch"]
    assert "liba-1.0-0.conda" in (output / "conda/index.html").read_text()
    assert await check(one, output) == Verification(projects=0, files=2, findings=())


async def test_noarch_is_there_even_where_nothing_is_in_it(tmp_path: Path, output: Path) -> None:
    one = world(tmp_path)
    await one.add("liba", subdir="linux-64")
    await exported(one, output)
    assert said(output)["packages.conda"] == {}
    packed = (output / "conda/noarch/repodata.json.zst").read_bytes()
    assert json.loads(zstandard.ZstdDecompressor().decompress(packed)) == said(output)


async def test_an_export_again_writes_nothing_and_adds_what_is_new(
    tmp_path: Path, output: Path
) -> None:
    first, second = world(tmp_path / "1"), world(tmp_path / "2")
    await first.add("liba", about={"summary": "A"}, run_exports={"weak": ["liba"]})
    await first.add("libb")
    await exported(first, output)
    before = contents(output)
    assert (await exported(first, output)).written == 0
    await second.add("libc")
    await exported(second, output)
    assert await check(second, output) == Verification(projects=0, files=3, findings=())
    after = said(output, "channeldata.json")["packages"]
    assert isinstance(after, dict)
    assert after["liba"]["summary"] == "A"
    assert after["liba"]["run_exports"] == {"1.0": {"weak": ["liba"]}}
    await exported(first, tmp_path / "other")
    assert contents(tmp_path / "other") == {
        name.replace("/out/", "/other/"): content for name, content in before.items()
    }


async def test_a_name_that_is_there_keeps_its_bytes(tmp_path: Path, output: Path) -> None:
    first, second = world(tmp_path / "1"), world(tmp_path / "2")
    path = await first.add("liba")
    await second.add("liba", files={"other": b"x"})
    await exported(first, output)
    result = await exported(second, output)
    assert [(one.filename, "other bytes" in one.reason) for one in result.left_out] == [
        ("noarch/liba-1.0-0.conda", True)
    ]
    assert (output / "conda/noarch/liba-1.0-0.conda").read_bytes() == path.read_bytes()
    assert (await check(first, output)).findings == ()


async def test_what_is_removed_leaves_an_exported_channel_and_comes_back(
    tmp_path: Path, output: Path
) -> None:
    one, other = world(tmp_path / "1"), world(tmp_path / "2")
    await one.add("liba")
    await exported(one, output)
    await one.door.remove("liba-1.0-0.conda", "", actor="")
    await exported(one, output)
    assert said(output)["removed"] == ["liba-1.0-0.conda"]
    await other.add("libb")
    await exported(other, output)
    assert said(output)["removed"] == ["liba-1.0-0.conda"]
    await one.door.remove("liba-1.0-0.conda", None, actor="")
    await exported(one, output)
    assert said(output)["removed"] == []
    assert (await check(one, output)).findings == ()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("noarch/repodata.json", b'{"packages": {}, "packages.conda": {}}'),
        ("noarch/repodata.json", b"junk"),
        ("noarch/repodata.json.zst", b"junk"),
        ("noarch/liba-1.0-0.conda", b"somebody's"),
        ("channeldata.json", b"{}"),
        ("index.html", b"<h1>mine</h1>"),
    ],
)
async def test_what_is_somebody_elses_is_not_replaced(
    tmp_path: Path, output: Path, path: str, content: bytes
) -> None:
    one = world(tmp_path)
    await one.add("liba")
    place = output / "conda" / path
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    with pytest.raises(StoreError, match="is in the way"):
        await exported(one, output)
    assert place.read_bytes() == content


async def test_an_export_that_was_killed_between_two_pages_is_made_whole(
    tmp_path: Path, output: Path
) -> None:
    one = world(tmp_path)
    await one.add("liba")
    await exported(one, output)
    for name in ("noarch/repodata.json.zst", "noarch/run_exports.json", "channeldata.json"):
        (output / "conda" / name).unlink()
    before = said(output)
    await exported(one, output)
    assert said(output) == before
    assert (await check(one, output)).findings == ()


async def test_bytes_that_are_elsewhere_are_left_out_and_named(
    tmp_path: Path, output: Path
) -> None:
    one = world(tmp_path)
    await one.add("liba")
    (package,) = await one.packages()
    await one.blobs.remove(package.digest)
    result = await exported(one, output)
    assert [left.filename for left in result.left_out] == ["noarch/liba-1.0-0.conda"]
    assert said(output)["packages.conda"] == {}


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("noarch/liba-1.0-0.conda", b"other", "has other bytes than repodata.json says"),
        ("noarch/liba-1.0-0.conda", None, "is named by repodata.json and is not there"),
        ("noarch/repodata.json.zst", b"junk", "does not say what repodata.json says"),
        ("noarch/repodata.json", None, "is not there"),
        ("noarch/repodata.json", b"junk", "cannot be read"),
    ],
)
async def test_what_is_wrong_in_a_folder_is_found(
    tmp_path: Path, output: Path, path: str, content: bytes | None, problem: str
) -> None:
    one = world(tmp_path)
    await one.add("liba")
    await exported(one, output)
    await export(MemoryArtifactStore(), one.blobs, output)
    place = output / "conda" / path
    place.unlink()
    if content is not None:
        place.write_bytes(content)
    findings = (await verify(output)).findings
    assert any(problem in one.problem and str(one.path).endswith(path) for one in findings)


async def test_the_folder_serves_as_it_is(
    tmp_path: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rattler = pytest.importorskip("rattler")
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))
    one = world(tmp_path)
    await one.add("liba")
    made = conda_package(
        tmp_path / "linux-64", "app", subdir="linux-64", index={"depends": ["liba >=1.0"]}
    )
    await one.door.take([made], actor="")
    await exported(one, output)
    records = await rattler.solve(
        [(output / "conda").as_uri()], ["app"], platforms=["linux-64", "noarch"]
    )
    assert sorted(record.file_name for record in records) == [
        "app-1.0-0.conda",
        "liba-1.0-0.conda",
    ]


async def test_what_is_said_of_packages_is_what_another_indexer_says(
    tmp_path: Path, output: Path
) -> None:
    pytest.importorskip("rattler")
    from rattler.index import index_fs

    one = world(tmp_path)
    rich = {
        "build_number": 7,
        "depends": ["libc >=2", "python >=3.12,<3.13.0a0"],
        "constrains": ["libd !=4"],
        "license": "MIT",
        "license_family": "MIT",
        "timestamp": 1_700_000_000_000,
        "track_features": "slow",
        "features": "odd",
    }
    native = {"arch": "x86_64", "platform": "linux"}
    await one.add("liba", "1!2.0", "h1_7", index=rich)
    await one.add("liba", "1.0", suffix=".tar.bz2", index=rich)
    await one.add("libb", subdir="linux-64", index={**rich, **native})
    await exported(one, output)
    other = tmp_path / "other"
    for path in (output / "conda").glob("*/*"):
        if path.name.endswith((".conda", ".tar.bz2")):
            (other / path.parent.name).mkdir(parents=True, exist_ok=True)
            (other / path.parent.name / path.name).write_bytes(path.read_bytes())
    await index_fs(other, write_zst=False, write_shards=False)
    for subdir in ("noarch", "linux-64"):
        ours = said(output, f"{subdir}/repodata.json")
        theirs = json.loads((other / subdir / "repodata.json").read_bytes())
        for part in ("packages", "packages.conda"):
            for entry in theirs[part].values():
                entry.pop("indexed_timestamp", None)
            assert ours[part] == theirs[part]
