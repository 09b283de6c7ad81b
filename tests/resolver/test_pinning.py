"""A resolution names the bytes that it means, also where an index does not."""

import asyncio

import pytest

from resolver.asking import query
from wheelyard.errors import NotUpstreamError
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import Release
from wheelyard.model.resolution import Pin, Query, Resolution
from wheelyard.model.source import FileEntry, Source, SourceKind
from wheelyard.upstream.pinning import PinningResolver


class Answering:
    """A Resolver that always answers the same."""

    def __init__(self, *pins: Pin) -> None:
        self._resolution = Resolution(pins=pins, roots=())

    async def resolve(self, query: Query) -> Resolution:
        return self._resolution


class Place:
    """Files by address; what is not among them cannot be had."""

    def __init__(self, **digests: str) -> None:
        self.digests = digests
        self.fetched: list[str] = []

    async def fetch(self, source: Source) -> Source:
        self.fetched.append(source.location)
        if source.location not in self.digests:
            raise NotUpstreamError(source.location)
        return Source(
            kind=source.kind, location=source.location, digest=self.digests[source.location]
        )

    async def fetch_wheel(self, entry: FileEntry) -> Artifact:
        self.fetched.append(entry.url)
        return Artifact(
            filename=entry.filename,
            digest=self.digests[entry.url],
            size=1,
            release=Release.parse("a==1"),
            tags=frozenset(),
            origin=Origin.UPSTREAM,
        )


def pin(name: str, digest: str = "", *, wheel: str | None = None) -> Pin:
    source = Source(kind=SourceKind.SDIST, location=f"{name}_sdist", digest=digest)
    entry = FileEntry(filename="w.whl", url=f"{name}_wheel", digest=wheel or "")
    return Pin(
        release=Release.parse(f"{name}==1"),
        source=source,
        wheel=None if wheel is None else entry,
    )


def resolve(place: Place, *pins: Pin, sources_only: bool = True) -> list[Pin]:
    resolver = PinningResolver(Answering(*pins), fetch=place.fetch, fetch_wheel=place.fetch_wheel)

    async def twice() -> Resolution:
        asked = query("a", sources_only=sources_only)
        await resolver.resolve(asked)
        return await resolver.resolve(asked)

    return list(asyncio.run(twice()).pins)


def test_source_without_a_digest_is_looked_at_once_and_named() -> None:
    place = Place(a_sdist="sha256:aa")
    found, other = resolve(place, pin("a"), pin("b", "md5:bb"))
    assert found.source
    assert found.source.digest == "sha256:aa"
    assert other == pin("b", "md5:bb")
    assert place.fetched == ["a_sdist"]


def test_file_that_cannot_be_had_is_left_to_its_own_unit() -> None:
    (found,) = resolve(Place(), pin("a"))
    assert found == pin("a")


@pytest.mark.parametrize(("sources_only", "expected"), [(True, ""), (False, "sha256:cc")])
def test_wheel_is_named_where_it_may_be_taken(sources_only: bool, expected: str) -> None:
    place = Place(a_wheel="sha256:cc")
    (found,) = resolve(place, pin("a", "sha256:aa", wheel=""), sources_only=sources_only)
    assert found.wheel
    assert found.wheel.digest == expected
