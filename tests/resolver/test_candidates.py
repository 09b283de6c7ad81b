"""Which releases of upstream may be chosen."""

import asyncio
from datetime import UTC, datetime

import pytest

from resolver.asking import LINUX, pins
from resolver.conftest import Resolve
from wheelyard.errors import NoSolutionError
from wheelyard.model.release import ProjectName
from wheelyard.model.resolution import CandidatePolicy
from wheelyard.targets.target import Target
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.candidates import Selections, Selector

OLD, NEW = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
BETWEEN = datetime(2024, 1, 1, tzinfo=UTC)


def test_a_release_without_a_source_is_no_candidate_where_all_is_built(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    upstream.add("a==2", sdist=False, wheels=("py3-none-any",))
    assert pins(resolve("a")) == ["a==1"]


def test_a_release_with_only_a_fitting_wheel_is_a_candidate_where_wheels_may_be_used(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    upstream.add("a==2", sdist=False, wheels=("cp312-cp312-manylinux_2_17_x86_64",))
    upstream.add("a==3", sdist=False, wheels=("cp312-cp312-win_amd64",))
    resolution = resolve("a", sources_only=False)
    assert pins(resolution) == ["a==2"]
    assert resolution.pins[0].source is None


@pytest.mark.parametrize(
    ("target", "chosen"),
    [
        ("cp312-manylinux_2_28_x86_64", "manylinux_2_28_x86_64"),
        ("cp312-manylinux_2_17_x86_64", "manylinux_2_17_x86_64"),
        ("cp312-musllinux_1_2_aarch64", "musllinux_1_1_aarch64"),
        ("cp312-win_amd64", "none-any"),
    ],
)
def test_a_pin_names_the_wheel_that_an_installer_of_the_target_would_take(
    upstream: MemoryUpstream, resolve: Resolve, target: str, chosen: str
) -> None:
    upstream.add(
        "a==1",
        wheels=(
            "py3-none-any",
            "cp312-cp312-manylinux_2_17_x86_64",
            "cp312-cp312-manylinux_2_28_x86_64",
            "cp312-cp312-musllinux_1_1_aarch64",
        ),
    )
    wheel = resolve("a", target=target).pins[0].wheel
    assert wheel is not None
    assert wheel.filename.endswith(f"{chosen}.whl")


def test_a_pin_knows_whether_upstream_has_a_wheel_without_anything_compiled(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    binary = "cp312-cp312-manylinux_2_17_x86_64"
    upstream.add("both==1", wheels=(binary, "py3-none-any"))
    upstream.add("binary==1", wheels=(binary,))
    assert resolve("both").pins[0].portable
    assert not resolve("binary").pins[0].portable


def test_a_pin_says_where_its_source_lies(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add("some.name==1", uploaded=OLD, requires_python=">=3.8")
    pin = resolve("Some_Name").pins[0]
    assert pin.source is not None
    assert pin.source.filename == "some_name-1.tar.gz"
    assert pin.source.digest.startswith("sha256:")
    assert (pin.source.uploaded, pin.source.index) == (OLD, "memory")
    assert pin.requires_python == ">=3.8"


def test_exclude_newer_leaves_files_without_a_time_in(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", uploaded=OLD)
    upstream.add("a==3", uploaded=NEW)
    assert pins(resolve("a", exclude_newer=BETWEEN)) == ["a==1"]
    upstream.add("a==2", uploaded=None)
    assert pins(resolve("a", exclude_newer=BETWEEN)) == ["a==2"]


def test_a_cool_down_leaves_files_without_a_time_out(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1", uploaded=OLD)
    upstream.add("a==2", uploaded=None)
    upstream.add("a==3", uploaded=NEW)
    assert pins(resolve("a", before=BETWEEN)) == ["a==1"]


def test_a_file_uploaded_at_the_very_cut_is_out(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add("a==1", uploaded=OLD)
    upstream.add("a==2", uploaded=BETWEEN)
    assert pins(resolve("a", exclude_newer=BETWEEN)) == ["a==1"]
    assert pins(resolve("a", before=BETWEEN)) == ["a==1"]


def test_a_yanked_release_is_chosen_only_when_it_is_pinned(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    upstream.add("a==2", yanked="broken")
    upstream.add("b==1", yanked="")
    assert pins(resolve("a")) == ["a==1"]
    assert pins(resolve("a==2")) == ["a==2"]
    with pytest.raises(NoSolutionError, match="yanked"):
        resolve("b")


def test_a_quarantined_project_has_no_candidates(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    upstream.mark("a", "quarantined", "malware")
    with pytest.raises(NoSolutionError) as caught:
        resolve("a")
    assert "quarantined" in caught.value.hint


def test_an_archived_project_still_has_candidates(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    upstream.mark("a", "archived")
    assert pins(resolve("a")) == ["a==1"]


@pytest.mark.parametrize("unfit", [">=3.13", "<3.12", ">=3.6,<3.10", "!=3.12.*"])
@pytest.mark.parametrize("on_page", [True, False])
def test_a_release_for_other_pythons_is_passed_over(
    upstream: MemoryUpstream, resolve: Resolve, unfit: str, on_page: bool
) -> None:
    upstream.add("a==1", requires_python=">=3.7.1")
    shown = unfit if on_page else ""
    upstream.add("a==2", requires_python=unfit, page_requires_python=shown)
    assert pins(resolve("a")) == ["a==1"]


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"\xff\xfe\x00garbage",
        b"Metadata-Version: 2.1\nName: a\n\n",
        b"Metadata-Version: 2.1\nName: other\nVersion: 2\n\n",
        b"Metadata-Version: 2.1\nName: a\nVersion: 9\n\n",
        b"Metadata-Version: 2.1\nName: a\nVersion: two\n\n",
        b"Metadata-Version: 2.1\nName: a\nVersion: 2\nRequires-Dist: b (((\n\n",
        b"Metadata-Version: 2.1\nName: a\nVersion: 2\nRequires-Dist: b; nonsense == 'x'\n\n",
    ],
)
def test_a_release_with_unreadable_metadata_is_left_out_and_it_is_said(
    upstream: MemoryUpstream, resolve: Resolve, metadata: bytes
) -> None:
    upstream.add("a==1")
    upstream.add("a==2", metadata=metadata)
    assert pins(resolve("a")) == ["a==1"]
    with pytest.raises(NoSolutionError) as caught:
        resolve("a>1")
    assert "release 2 of a left out for metadata" in caught.value.hint


def test_odd_versions_find_their_way(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add("dash-ed==1!2.0+local.1", "under_score")
    upstream.add("under_score==1.0.post1.dev2")
    assert pins(resolve("dash-ed", "under_score>=0.dev0")) == [
        "dash-ed==1!2.0+local.1",
        "under-score==1.0.post1.dev2",
    ]


def test_what_was_selected_of_a_page_is_kept_for_the_same_policy_and_target_alone(
    upstream: MemoryUpstream,
) -> None:
    upstream.add("a==1", uploaded=OLD)
    upstream.add("a==2", uploaded=NEW, requires_python=">=3.12")
    page = asyncio.run(upstream.page(ProjectName("a")))
    older = Target.parse("cp311-manylinux_2_28_x86_64")
    asked = [
        (CandidatePolicy(), LINUX, 2),
        (CandidatePolicy(before=BETWEEN), LINUX, 1),
        (CandidatePolicy(), older, 1),
    ]
    selections = Selections(limit=2)
    for policy, target, shown in asked * 2:
        first = selections.select(page, Selector(policy, target))
        assert len(first.candidates) == shown
        assert selections.select(page, Selector(policy, target)) is first
    upstream.add("a==3")
    changed = asyncio.run(upstream.page(ProjectName("a")))
    assert len(selections.select(changed, Selector(CandidatePolicy(), LINUX)).candidates) == 3
