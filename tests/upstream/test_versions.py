"""What each kind of source answers about versions, on servers of this machine; what is kept; and when it is asked again."""

import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from upstream.web import Reply, Site
from wheelyard.migrate.newest.choosing import Wish
from wheelyard.migrate.newest.watched import Watched
from wheelyard.model.sighting import Sighting, failed
from wheelyard.testing.blobs import MemoryBlobs
from wheelyard.testing.memo import MemoryMemo
from wheelyard.upstream.address import Keyring
from wheelyard.upstream.client import IndexUpstream
from wheelyard.upstream.git import Git
from wheelyard.upstream.installers import certificate_file, default_index
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.upstream.transport import Transport
from wheelyard.upstream.versions.asking import VersionSources
from wheelyard.upstream.versions.keeping import SightingsFolder, SightingsMemory
from wheelyard.upstream.versions.watching import Seen, VersionWatch

pytestmark = pytest.mark.anyio
HASH = "1" * 40


class Yard:
    """A watch whose time stands still until it is told."""

    def __init__(self, folder: Path, index: str, **addresses: str) -> None:
        self.time = 1_000_000.0
        settings = UpstreamSettings(
            indexes=(index,),
            cache=folder / "cache",
            retries=0,
            ca_file=certificate_file(),
            fresh_seconds=0,
        )
        (folder / "blobs").mkdir()
        self.upstream = IndexUpstream(settings=settings, blobs=MemoryBlobs(folder / "blobs"))
        self.transport = Transport(settings, Keyring(()), delay=self._never)
        self.kept = SightingsFolder(folder / "seen")
        sources = VersionSources(
            index=self.upstream, transport=self.transport, git=Git(seconds=20), addresses=addresses
        )
        self.watch = VersionWatch(sources, self.kept, now=lambda: self.time)

    async def _never(self, seconds: float) -> None:
        raise AssertionError(seconds)

    async def look(self, url: str, version: str, *, anew: bool = False, **settings: object) -> Seen:
        wish = Wish.parse({"bot": {"version_updates": settings}})
        urls, git = ((), (url,)) if url.endswith(".git") else ((url,), ())
        watched = Watched(name="it", version=version, urls=urls, git_urls=git, wish=wish)
        return await self.watch.look(watched, anew=anew)

    async def close(self) -> None:
        await self.upstream.close()
        await self.transport.close()


@pytest.fixture
async def yard(tmp_path: Path, site: Site) -> AsyncIterator[Yard]:
    made = Yard(tmp_path, site.index)
    yield made
    await made.close()


def answers(seen: Seen) -> dict[str, tuple[str, ...]]:
    return {one.kind: one.versions for one in seen.sightings}


async def test_an_index_without_what_was_yanked_or_has_only_wheels(yard: Yard, site: Site) -> None:
    links = [
        f'<a href="/f/it-{version}.tar.gz" {more}>it-{version}.tar.gz</a>'
        for version, more in [("1.0", ""), ("1.1", ""), ("1.2", 'data-yanked="bad"')]
    ]
    site.put_page(
        "it", "".join([*links, '<a href="/f/it-1.3-py3-none-any.whl">it-1.3-py3-none-any.whl</a>'])
    )
    seen = await yard.look("https://i.example/packages/source/i/it/it-1.0.tar.gz", "1.0")
    assert answers(seen) == {"pypi": ("1.1", "1.0")}
    assert (seen.choice.version, seen.origin) == ("1.1", "pypi")


async def test_releases_and_tags_of_a_forge(yard: Yard, site: Site) -> None:
    tags = ["v1.0", "v1.1", "v1.1^{}", "v1.2rc1", "nightly"]
    refs = "".join(f"{HASH}\trefs/tags/{tag}\n" for tag in tags)
    site.put(
        "/o/it/info/refs?service=git-upload-pack",
        f"{HASH}\trefs/heads/main\n{refs}",
        Content_Type="text/plain",
    )
    site.put("/o/it/HEAD", "ref: refs/heads/main\n")
    links = "".join(
        f'<link href="{site.url}/o/it/releases/tag/{tag}"/>' for tag in ("v2.0", "v1.1", "x%2F3")
    )
    site.put("/o/it/releases.atom", f"<feed>{links}</feed>")
    url = f"{site.url}/o/it/releases/download/v1.0/it-1.0.tar.gz"
    seen = await yard.look(url, "1.0")
    assert answers(seen) == {"githubreleases": ("2.0", "1.1"), "github": ("1.2rc1", "1.1", "1.0")}
    assert (seen.choice.version, seen.origin) == ("2.0", "githubreleases")
    seen = await yard.look(url, "1.0", sources=["github"])
    assert seen.choice.version == "1.1"
    seen = await yard.look(f"{site.url}/o/it/archive/v1.0.tar.gz", "1.0", allowed_tag_globs="v1.0*")
    assert seen.choice.version == ""


async def test_npm_without_what_is_deprecated_or_beyond_its_latest(yard: Yard, site: Site) -> None:
    versions = {"1.0.0": {}, "1.1.0": {}, "1.2.0": {"deprecated": "no"}, "2.0.0": {}}
    body = json.dumps({"versions": versions, "dist-tags": {"latest": "1.2.0", "next": "2.0.0"}})
    site.put("/@a%2Fit", body)
    seen = await yard.look(f"{site.url}/@a/it/-/it-1.0.0.tgz", "1.0.0")
    assert answers(seen) == {"npm": ("1.1.0", "1.0.0")}


async def test_crates_and_cran_where_the_recipe_or_the_settings_say(
    tmp_path: Path, site: Site
) -> None:
    site.put(
        "/api/v1/crates/it",
        json.dumps({"versions": [{"num": "1.1", "yanked": False}, {"num": "1.2", "yanked": True}]}),
    )
    site.put(
        "/src/contrib/PACKAGES",
        "Package: other\nVersion: 9\n\nPackage: it\nVersion: 1.0-3\nDepends: R\n",
    )
    (tmp_path / "a").mkdir()
    yard = Yard(tmp_path / "a", site.index)
    seen = await yard.look(f"{site.url}/api/v1/crates/it/1.0/download", "1.0")
    assert seen.choice.version == "1.1"
    seen = await yard.look(f"{site.url}/src/contrib/it_1.0-2.tar.gz", "1.0_2")
    assert seen.choice.version == "1.0_3"
    static = f"{site.url}/crates/it/it-1.0.crate"
    seen = await yard.look(static, "1.0")
    assert "not known" in seen.sightings[0].error
    await yard.close()
    (tmp_path / "b").mkdir()
    yard = Yard(tmp_path / "b", site.index, crates=site.url)
    assert (await yard.look(static, "1.0")).choice.version == "1.1"
    await yard.close()


async def test_a_directory_that_lists_its_files_also_by_series(yard: Yard, site: Site) -> None:
    site.put(
        "/it/", '<a href="2.9/">2.9/</a> <a href="2.10/">2.10/</a> <a href="/elsewhere/9.9/">x</a>'
    )
    site.put("/it/2.9/", '<a href="it-2.9.1.tar.xz">x</a> <a href="it-2.9.4.tar.xz">x</a>')
    site.put("/it/2.10/", '<a HREF=it-2.10.0.tar.xz>x</a> <a href="it-2.10.0.tar.xz.sig">x</a>')
    seen = await yard.look(f"{site.url}/it/2.9/it-2.9.1.tar.xz", "2.9.1")
    assert set(answers(seen)["rawurl"]) == {"2.10.0", "2.9.4", "2.9.1"}
    assert seen.choice.version == "2.10.0"


async def test_where_nothing_is_listed_the_next_versions_are_tried(yard: Yard, site: Site) -> None:
    site.put("/f/it-1.2.4.tar.gz", b"\x1f\x8b", Content_Type="application/gzip")
    site.put("/f/it-1.3.0.tar.gz", "<html>not found</html>", Content_Type="text/html")
    seen = await yard.look(f"{site.url}/f/it-1.2.3.tar.gz", "1.2.3")
    assert answers(seen) == {"rawurl": ("1.2.4",)}


async def test_a_source_that_fails_is_asked_later_each_time_and_what_it_said_stays(
    yard: Yard, site: Site
) -> None:
    site.put("/it", json.dumps({"versions": {"1.1.0": {}}}))
    url = f"{site.url}/it/-/it-1.0.0.tgz"
    assert (await yard.look(url, "1.0.0")).choice.version == "1.1.0"
    site.answers["/it"] = lambda _: Reply(b"down", status=503)
    assert (await yard.look(url, "1.0.0")).sightings[0].error == "", (
        "it was asked before it was due"
    )
    asked: list[float] = []
    for _ in range(4):
        yard.time += 8 * 24 * 3600
        seen = await yard.look(url, "1.0.0")
        assert (seen.choice.version, seen.sightings[0].failures) == ("1.1.0", len(asked) + 1)
        assert "503" in seen.sightings[0].error
        asked.append(seen.sightings[0].again - yard.time)
    assert asked == [900, 1800, 3600, 7200]
    count = site.count("/it")
    await yard.look(url, "1.0.0")
    assert site.count("/it") == count
    site.put("/it", json.dumps({"versions": {"1.2.0": {}}}))
    seen = await yard.look(url, "1.0.0", anew=True)
    assert (seen.choice.version, seen.sightings[0].error, seen.sightings[0].failures) == (
        "1.2.0",
        "",
        0,
    )


def test_delays_grow_no_further_than_a_week() -> None:
    sighting = Sighting(kind="npm", name="it", address="", asked=0)
    for _ in range(60):
        sighting = failed(sighting, "down", 0.0)
    assert sighting.again == 7 * 24 * 3600
    assert failed(replace(sighting, failures=0), "busy", 0.0, after=5_000).again == 5_000


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"versions": 3}', b'{"versions": {"1": 2}}', b"[" * 5000]
)
async def test_an_answer_that_makes_no_sense_is_an_error_of_its_source_alone(
    yard: Yard, site: Site, body: bytes
) -> None:
    site.put("/it", body)
    seen = await yard.look(f"{site.url}/it/-/it-1.0.0.tgz", "1.0.0")
    assert "no list of versions" in seen.sightings[0].error
    assert seen.choice.version == ""


async def test_all_that_was_seen_is_kept_and_what_is_broken_is_only_asked_again(
    yard: Yard, site: Site, tmp_path: Path
) -> None:
    site.put("/it", json.dumps({"versions": {"1.1.0": {}}}))
    await yard.look(f"{site.url}/it/-/it-1.0.0.tgz", "1.0.0")
    kept = await yard.kept.all()
    assert [(one.kind, one.name, one.versions, one.asked) for one in kept] == [
        ("npm", "it", ("1.1.0",), yard.time)
    ]
    for path in (tmp_path / "seen").iterdir():
        path.write_bytes(b"{")
    assert await yard.kept.all() == []
    assert (await yard.look(f"{site.url}/it/-/it-1.0.0.tgz", "1.0.0")).choice.version == "1.1.0"


@pytest.mark.upstream
async def test_the_real_indexes_of_python_and_npm(tmp_path: Path) -> None:
    yard = Yard(tmp_path, default_index())
    seen = await yard.look("https://i.example/packages/source/s/six/six-1.15.0.tar.gz", "1.15.0")
    assert "1.16.0" in answers(seen)["pypi"]
    ran = subprocess.run(
        ["npm", "config", "get", "registry"], capture_output=True, text=True, check=True
    )
    registry = ran.stdout.strip().rstrip("/")
    seen = await yard.look(f"{registry}/left-pad/-/left-pad-1.2.0.tgz", "1.2.0")
    assert seen.sightings[0].error == ""
    await yard.close()


async def test_what_was_seen_is_kept_in_the_memory_of_a_farm_too() -> None:
    memory = MemoryMemo()
    kept, blank = SightingsMemory(memory), Sighting(kind="pypi", name="six", address="", asked=1.0)
    assert await kept.last(blank) is blank
    bad = failed(blank, "HTTP 503", 2.0)
    await kept.keep(bad)
    assert await SightingsMemory(memory).last(blank) == bad
    other = replace(blank, name="seven")
    assert await kept.last(other) is other
