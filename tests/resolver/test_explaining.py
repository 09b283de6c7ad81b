"""What is said when there is no answer."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resolver.asking import pins, query
from resolver.conftest import Resolve, WithResolver
from wheelyard.errors import (
    DigestMismatchError,
    InvalidArchiveError,
    NoSolutionError,
    NotApplicableError,
    NotUpstreamError,
    OfflineError,
    ToolError,
    UpstreamError,
)
from wheelyard.model.release import ProjectName, Release
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.uv import UvResolver

OLD, NEW = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, 12, 30, tzinfo=UTC)
BETWEEN = datetime(2024, 1, 1, tzinfo=UTC)


def failure(resolve: Resolve, *requirements: str, **fields: object) -> NoSolutionError:
    with pytest.raises(NoSolutionError) as caught:
        resolve(*requirements, **fields)
    said = caught.value.message + caught.value.hint
    for quirk in ("127.0.0.1", "http:", "--python-version", "registry", "cause:", "error:"):
        assert quirk not in said
    return caught.value


def test_an_unknown_project_is_named_with_the_indexes_that_were_asked(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    error = failure(resolve, "a", "nope[extra]>=2")
    assert error.message == "'nope' is on no index"
    assert "Asked: memory" in error.hint


def test_an_unknown_project_that_a_release_requires_is_named_with_who_requires_it(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", "nope")
    error = failure(resolve, "a")
    assert error.message == (
        "no set of releases satisfies 'a' for cp312-manylinux_2_28_x86_64\n"
        "Because nope is on no index and all versions of a depend on nope, we can conclude that "
        "all versions of a cannot be used. And because you require a, we can conclude that your "
        "requirements are unsatisfiable."
    )
    assert "Asked: memory" in error.hint


def test_a_project_without_a_source_says_which_option_takes_wheels(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", sdist=False, wheels=("py3-none-any",))
    upstream.add("user==1", "a")
    for asked, way in (("a", "--from-source=none"), ("user", "--from-source=requested")):
        error = failure(resolve, asked)
        assert "a has no source for release 1" in error.hint
        assert way in error.hint


def test_no_option_is_advised_where_there_is_no_wheel_for_the_target_either(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", sdist=False, wheels=("cp312-cp312-win_amd64",))
    error = failure(resolve, "a")
    assert error.hint == "a has neither a source nor a wheel for this target for release 1"


def test_releases_cut_by_time_are_counted_and_dated(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", uploaded=OLD)
    upstream.add("a==2", uploaded=NEW)
    upstream.add("a==2.1", uploaded=NEW)
    newer = failure(resolve, "a>1", exclude_newer=BETWEEN)
    assert "2 releases of a left out as newer than --exclude-newer" in newer.hint
    assert "2.1: 2024-06-01 12:30 UTC" in newer.hint
    cooling = failure(resolve, "a>1", before=BETWEEN)
    assert "2 releases of a left out as younger than --min-release-age" in cooling.hint


def test_a_cool_down_says_when_the_index_gives_no_times(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", uploaded=None)
    assert "gives no upload time" in failure(resolve, "a", before=BETWEEN).hint


@pytest.mark.parametrize("on_page", [True, False])
def test_a_project_for_other_pythons_is_not_applicable(
    upstream: MemoryUpstream, resolve: Resolve, on_page: bool
) -> None:
    shown = ">=3.13" if on_page else ""
    upstream.add("a==0", sdist=False, wheels=("py3-none-any",))
    upstream.add("a==1")
    upstream.add("a==2", requires_python=">=3.13", page_requires_python=shown)
    error = failure(resolve, "a>1")
    assert isinstance(error, NotApplicableError)
    assert error.message == "no release that 'a>1' allows is meant for cp312"
    assert error.hint == "release 2 of a needs another Python (2: >=3.13)"


def test_a_conflict_is_applicable_and_names_both_sides(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add_all({"a==1": ["c<2"], "b==1": ["c>1"], "c==1": [], "c==2": []})
    error = failure(resolve, "a", "b")
    assert not isinstance(error, NotApplicableError)
    assert "all versions of a depend on c<2" in error.message


def test_a_requirement_by_address_is_refused_and_explained(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", "b @ https://nowhere.invalid/b.whl")
    with pytest.raises(NoSolutionError, match="URL dependenc"):
        resolve("a")


@pytest.mark.parametrize("error", [OfflineError("off"), UpstreamError("cut")])
def test_an_index_that_cannot_be_read_is_not_called_unsolvable(
    upstream: MemoryUpstream, resolve: Resolve, error: UpstreamError
) -> None:
    upstream.add_all({"a==1": ["b"], "b==1": []})
    upstream.unreachable[ProjectName("b")] = error
    with pytest.raises(UpstreamError) as caught:
        resolve("a")
    assert caught.value is error


@pytest.mark.parametrize("error", [OfflineError("off"), DigestMismatchError("lies")])
def test_metadata_that_cannot_be_had_is_not_passed_over_in_silence(
    upstream: MemoryUpstream, resolve: Resolve, error: UpstreamError
) -> None:
    upstream.add_all({"a==1": [], "a==2": []})
    upstream.broken[Release.parse("a==2")] = error
    with pytest.raises(UpstreamError) as caught:
        resolve("a")
    assert caught.value is error


@pytest.mark.parametrize("error", [NotUpstreamError("deleted"), InvalidArchiveError("a zip bomb")])
def test_a_release_whose_file_is_gone_or_corrupt_is_left_out_and_it_is_said(
    upstream: MemoryUpstream, resolve: Resolve, error: Exception
) -> None:
    upstream.add_all({"a==1": [], "a==2": []})
    upstream.broken[Release.parse("a==2")] = error
    assert pins(resolve("a")) == ["a==1"]
    assert str(error) in failure(resolve, "a>1").hint


def test_a_fault_of_our_own_is_not_mistaken_for_a_missing_project(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    upstream.broken[Release.parse("a==1")] = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        resolve("a")


def test_a_missing_uv_is_named(upstream: MemoryUpstream, resolve: Resolve, tmp_path: Path) -> None:
    upstream.add("a==1")
    with pytest.raises(ToolError, match="cannot be run"):
        resolve("a", options={"executable": str(tmp_path / "no-uv")})


def test_a_uv_that_breaks_is_quoted(
    upstream: MemoryUpstream, resolve: Resolve, tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match="uv failed: out of luck"):
        resolve("a", options={"executable": script(tmp_path, "echo out of luck >&2; exit 3")})


def test_a_search_without_end_is_ended(
    upstream: MemoryUpstream, resolve: Resolve, tmp_path: Path
) -> None:
    options = {"executable": script(tmp_path, "exec tail -f /dev/null"), "seconds": 0.1}
    with pytest.raises(NoSolutionError, match=r"within 0\.1 seconds"):
        resolve("a", options=options)


def test_a_cancelled_query_leaves_no_process(
    upstream: MemoryUpstream, with_resolver: WithResolver, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "started")
    executable = script(tmp_path, f"echo $$ > {tmp_path}/started; exec tail -f /dev/null")

    async def use(resolver: UvResolver) -> int:
        task = asyncio.create_task(resolver.resolve(query("a")))
        pid = int(await asyncio.to_thread((tmp_path / "started").read_text))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    with pytest.raises(ProcessLookupError):
        os.kill(with_resolver(use, executable=executable), 0)


def script(folder: Path, text: str) -> str:
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)
