"""Answers that are used again: from a record, and from earlier runs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.asking import pins, query
from resolver.conftest import WithResolver
from wheelyard.errors import InvalidPlanError, NoSolutionError, OfflineError
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Pin, Query, Resolution
from wheelyard.plan.recording import (
    decode_query,
    decode_resolution,
    encode,
    query_key,
)
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.candidates import ExtraCandidate
from wheelyard.upstream.memo import MemoResolver
from wheelyard.upstream.recorded import RecordedResolver, RecordingResolver
from wheelyard.upstream.trace import Trace
from wheelyard.upstream.uv import UvResolver

JUNE, JULY, AUGUST = (datetime(2024, month, 1, tzinfo=UTC) for month in (6, 7, 8))
SECOND = timedelta(seconds=1)


class Shelf:
    """A Memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    async def recall(self, kind: str, key: str) -> bytes | None:
        return self.kept.get((kind, key))

    async def keep(self, kind: str, key: str, value: bytes) -> None:
        self.kept[kind, key] = value


class Counting:
    """A TracingResolver that counts how often it has to resolve."""

    def __init__(self, inner: UvResolver) -> None:
        self._inner = inner
        self.fingerprint = inner.fingerprint
        self.metadata_digest = inner.metadata_digest
        self.resolved = 0

    async def trace(self, query: Query) -> Trace:
        self.resolved += 1
        return await self._inner.trace(query)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


Ask = Callable[..., tuple[list[str], int]]


@pytest.fixture
def ask(with_resolver: WithResolver, shelf: Shelf) -> Ask:
    """Ask as a new run does; return the pins and whether it had to resolve."""

    def one(asked: Query, **options: object) -> tuple[list[str], int]:
        async def use(resolver: UvResolver) -> tuple[list[str], int]:
            counting = Counting(resolver)
            answer = await MemoResolver(counting, memory=shelf).resolve(asked)
            return pins(answer), counting.resolved

        return with_resolver(use, **options)

    return one


def test_the_same_query_is_answered_from_memory(upstream: MemoryUpstream, ask: Ask) -> None:
    upstream.add_all({"a==1": ["b"], "b==1": []})
    assert ask(query("a")) == (["a==1", "b==1"], 1)
    assert ask(query("a")) == (["a==1", "b==1"], 0)
    assert ask(query("a", "b")) == (["a==1", "b==1"], 1)


@pytest.mark.parametrize("change", ["new release", "deleted", "yanked", "quarantined"])
def test_a_page_that_changed_is_resolved_again(
    upstream: MemoryUpstream, ask: Ask, change: str
) -> None:
    upstream.add_all({"a==1": ["b"], "b==1": [], "b==2": []})
    assert ask(query("a")) == (["a==1", "b==2"], 1)
    match change:
        case "new release":
            upstream.add("b==3")
        case "deleted":
            upstream.remove("b==2")
        case "yanked":
            upstream.add("b==2", yanked="")
        case _:
            upstream.mark("b", "quarantined")
    if change == "quarantined":
        with pytest.raises(NoSolutionError):
            ask(query("a"))
    else:
        expected = "b==3" if change == "new release" else "b==1"
        assert ask(query("a")) == (["a==1", expected], 1)


def test_a_project_that_appears_is_noticed(upstream: MemoryUpstream, ask: Ask) -> None:
    upstream.add_all({"a==1": [], "a==2": ["missing"]})
    assert ask(query("a")) == (["a==1"], 1)
    assert ask(query("a")) == (["a==1"], 0)
    upstream.add("missing==1")
    assert ask(query("a")) == (["a==2", "missing==1"], 1)


def test_changed_metadata_of_a_file_without_a_digest_is_noticed(
    upstream: MemoryUpstream, ask: Ask
) -> None:
    upstream.add_all({"b==1": []})
    upstream.add("a==1", digests=False, metadata=b"Metadata-Version: 2.1\nName: a\nVersion: 1\n\n")
    assert ask(query("a")) == (["a==1"], 1)
    assert ask(query("a")) == (["a==1"], 0)
    changed = b"Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: b\n\n"
    upstream.add("a==1", digests=False, metadata=changed)
    assert ask(query("a")) == (["a==1", "b==1"], 1)


def test_a_cool_down_is_resolved_again_only_when_a_release_comes_out_of_it(
    upstream: MemoryUpstream, ask: Ask
) -> None:
    upstream.add("a==1", uploaded=JUNE)
    upstream.add("a==2", uploaded=AUGUST)
    assert ask(query("a", before=JULY)) == (["a==1"], 1)
    assert ask(query("a", before=JULY + timedelta(days=9))) == (["a==1"], 0)
    assert ask(query("a", before=AUGUST)) == (["a==1"], 0)
    assert ask(query("a", before=AUGUST + SECOND)) == (["a==2"], 1)
    assert ask(query("a", before=AUGUST + SECOND * 2)) == (["a==2"], 0)
    assert ask(query("a", before=JULY)) == (["a==1"], 1)


def test_another_given_candidate_is_another_question(upstream: MemoryUpstream, ask: Ask) -> None:
    def extra(version: str) -> dict[ProjectName, ExtraCandidate]:
        metadata = f"Metadata-Version: 2.1\nName: a\nVersion: {version}\n\n".encode()
        release = Release.parse(f"a=={version}")
        return {release.project: ExtraCandidate(release=release, metadata=metadata)}

    assert ask(query("a"), extra=extra("1")) == (["a==1"], 1)
    assert ask(query("a"), extra=extra("1")) == (["a==1"], 0)
    assert ask(query("a"), extra=extra("2")) == (["a==2"], 1)


def test_an_answer_that_cannot_be_confirmed_is_not_given(
    upstream: MemoryUpstream, ask: Ask
) -> None:
    upstream.add("a==1")
    ask(query("a"))
    upstream.unreachable[ProjectName("a")] = OfflineError("off")
    with pytest.raises(OfflineError):
        ask(query("a"))


def test_a_memory_in_another_form_is_no_answer(
    upstream: MemoryUpstream, ask: Ask, shelf: Shelf
) -> None:
    upstream.add("a==1")
    ask(query("a"))
    shelf.kept = dict.fromkeys(shelf.kept, b"{")
    assert ask(query("a")) == (["a==1"], 1)


def test_a_recorded_answer_is_repeated_without_upstream(
    upstream: MemoryUpstream, with_resolver: WithResolver
) -> None:
    upstream.add_all({"a==1": ["b"], "b==1": []})

    async def record(resolver: UvResolver) -> RecordingResolver:
        recording = RecordingResolver(resolver)
        await recording.resolve(query("a"))
        return recording

    recording = with_resolver(record)
    upstream.add("a==2")
    ((asked, answer),) = recording.answers.values()
    repeated = RecordedResolver(recording.recorded)
    assert asked == query("a")
    assert asyncio.run(repeated.resolve(query("a"))) == answer


def test_what_was_not_recorded_goes_to_the_fallback_or_is_refused() -> None:
    answer = Resolution(pins=(), roots=(ProjectName("b"),))
    fallback = RecordedResolver({query_key(query("b")): answer})
    assert asyncio.run(RecordedResolver({}, fallback=fallback).resolve(query("b"))) == answer
    with pytest.raises(InvalidPlanError, match="how a is resolved for cp312"):
        asyncio.run(fallback.resolve(query("a")))


def test_the_order_of_lines_is_no_part_of_a_question() -> None:
    asked = query("a", "b", constraints=("c<1", "d<2"))
    assert query_key(asked) == query_key(query("b", "a", constraints=("d<2", "c<1")))
    different = [
        query("a"),
        replace(asked, constraints=()),
        query("a", "b", constraints=("c<1", "d<2"), target="cp313-manylinux_2_28_x86_64"),
        query("a", "b", constraints=("c<1", "d<2"), sources_only=False),
        query("a", "b", constraints=("c<1", "d<2"), before=JUNE),
    ]
    assert len({query_key(one) for one in [asked, *different]}) == len(different) + 1


_LINES = st.lists(st.sampled_from(["a", "b>1", "c[x]; os_name == 'nt'"]), max_size=3).map(tuple)
_TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
_QUERIES = st.builds(
    lambda lines, target, before, newer, only: query(
        *lines[0],
        target=target,
        constraints=lines[1],
        preferences=tuple(Release.parse(f"p{i}==1.{i}rc1") for i in range(len(lines[0]))),
        before=before,
        exclude_newer=newer,
        sources_only=only,
    ),
    st.tuples(_LINES, _LINES),
    st.sampled_from(["cp36m-win32", "cp313t-musllinux_1_2_armv7l", "pp310-macosx_11_0_arm64"]),
    _TIMES,
    _TIMES,
    st.booleans(),
)


@given(_QUERIES)
def test_a_question_survives_its_json(asked: Query) -> None:
    assert decode_query(encode(asked)) == asked
    assert query_key(decode_query(encode(asked))) == query_key(asked)


def test_an_answer_survives_its_json(
    upstream: MemoryUpstream, with_resolver: Callable[..., Resolution]
) -> None:
    upstream.add("a==1.0rc1+x", "b", wheels=("py3-none-any",), uploaded=JUNE)
    upstream.add("b==1", uploaded=None, digests=False)

    def use(resolver: UvResolver) -> Awaitable[Resolution]:
        return resolver.resolve(query("a"))

    answer = with_resolver(use)
    assert decode_resolution(encode(answer)) == answer
    assert encode(decode_resolution(encode(answer))) == encode(answer)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"pins": [], "roots": 3}',
        encode(
            Resolution(pins=(Pin(release=Release.parse("a==1"), source=None),), roots=())
        ).replace(b'"1"', b'"one"'),
    ],
)
def test_a_damaged_record_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidPlanError, match="recorded resolution"):
        decode_resolution(content)
