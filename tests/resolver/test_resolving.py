"""What is chosen, and what requires what."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.asking import dependencies, pins, query
from resolver.conftest import Resolve, WithResolver
from wheelyard.errors import InvalidNameError, NoSolutionError
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Prereleases, Resolution
from wheelyard.model.source import Source, SourceKind
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.candidates import ExtraCandidate
from wheelyard.upstream.uv import UvResolver


def test_the_newest_releases_that_go_together_are_chosen(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add_all({"a==1": [], "a==2": ["b<2"], "b==1": ["c"], "b==2": [], "c==1": []})
    resolution = resolve("a")
    assert pins(resolution) == ["a==2", "b==1", "c==1"]
    assert dependencies(resolution) == {"a": ["b"], "b": ["c"], "c": []}
    assert resolution.roots == ("a",)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("cp38-manylinux_2_17_aarch64", ["backport", "linux-only"]),
        ("cp313-musllinux_1_2_riscv64", ["linux-only"]),
        ("cp313-win_arm64", ["windows-arm"]),
        ("cp313-macosx_11_0_arm64", ["mac"]),
        ("cp36m-manylinux_2_17_ppc64le", ["backport", "linux-only"]),
        ("pp310-manylinux_2_28_x86_64", ["linux-only", "only-pypy"]),
        ("cp313t-manylinux_2_28_s390x", ["linux-only"]),
        ("cp312-pyodide_2024_0_wasm32", ["browser"]),
        ("cp315-manylinux_2_28_x86_64", ["linux-only"]),
    ],
)
def test_markers_are_those_of_the_target(
    upstream: MemoryUpstream, resolve: Resolve, target: str, expected: list[str]
) -> None:
    lines = {
        "backport": "python_version < '3.9'",
        "linux-only": "sys_platform == 'linux'",
        "windows-arm": "os_name == 'nt' and platform_machine == 'ARM64'",
        "mac": "platform_system == 'Darwin'",
        "only-pypy": "platform_python_implementation == 'PyPy'",
        "browser": "sys_platform == 'emscripten'",
    }
    upstream.add_all({f"{project}==1": [] for project in lines})
    upstream.add("a==1", *(f"{project}; {marker}" for project, marker in lines.items()))
    assert dependencies(resolve("a", target=target))["a"] == expected


def test_a_requirement_for_another_target_is_none(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add("a==1")
    resolution = resolve("a", "nowhere; sys_platform == 'win32'")
    assert (pins(resolution), resolution.roots) == (["a==1"], ("a",))
    assert resolve("nowhere; sys_platform == 'win32'") == Resolution(pins=(), roots=())


def test_extras_bring_their_requirements_and_no_others(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add(
        "web==1", "base", "loop; extra == 'fast'", "docs; extra == 'doc'", extras=("fast", "doc")
    )
    upstream.add("user==1", "web[Fast]")
    upstream.add_all({"base==1": [], "loop==1": [], "docs==1": []})
    assert dependencies(resolve("user")) == {
        "base": [],
        "loop": [],
        "user": ["web"],
        "web": ["base", "loop"],
    }
    assert dependencies(resolve("web"))["web"] == ["base"]


def test_an_extra_may_ask_for_extras_of_its_own_project(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add(
        "a==1",
        "a[one,two_x]; extra == 'all'",
        "b; extra == 'one'",
        "c; extra == 'two-x' and sys_platform == 'linux'",
        "d; extra == 'two-x' and sys_platform == 'win32'",
        extras=("all", "one", "two-x"),
    )
    upstream.add_all({"b==1": [], "c==1": [], "d==1": []})
    assert dependencies(resolve("a[all]")) == {"a": ["b", "c"], "b": [], "c": []}


def test_a_cycle_of_requirements_ends(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add_all({"a==1": ["b"], "b==1": ["a"]})
    assert dependencies(resolve("a")) == {"a": ["b"], "b": ["a"]}


def test_constraints_narrow_without_requiring(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add_all({"a==1": [], "a==2": [], "b==1": []})
    asked = ("a<2", "b==1", "a<1; sys_platform == 'win32'")
    assert pins(resolve("a", constraints=asked)) == ["a==1"]


def test_overrides_win_over_what_releases_say(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add_all({"a==1": ["b<2", "c"], "b==1": [], "b==2": [], "c==1": []})
    never = "c; sys_platform == 'win32'"
    resolution = resolve("a", overrides=("b>=2", never))
    assert dependencies(resolution) == {"a": ["b"], "b": []}
    assert pins(resolution) == ["a==1", "b==2"]


def test_preferences_are_kept_where_they_fit(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add_all({"a==1": [], "a==2": [], "b==1": [], "b==2": []})
    preferred = (Release.parse("a==1"), Release.parse("b==1"), Release.parse("gone==7"))
    assert pins(resolve("a", "b>1", preferences=preferred)) == ["a==1", "b==2"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Prereleases.IF_NECESSARY, ["a==1", "only==1rc1"]),
        (Prereleases.ALLOW, ["a==2b1", "only==1rc1"]),
    ],
)
def test_prereleases_are_taken_as_the_policy_says(
    upstream: MemoryUpstream, resolve: Resolve, mode: Prereleases, expected: list[str]
) -> None:
    upstream.add_all({"a==1": [], "a==2b1": [], "only==1rc1": []})
    assert pins(resolve("a", "only", prereleases=mode)) == expected


def test_a_prerelease_that_is_asked_for_is_taken(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add_all({"a==1": [], "a==2b1": [], "b==1": ["a>=2b1"]})
    assert pins(resolve("a==2b1")) == ["a==2b1"]
    assert pins(resolve("b")) == ["a==2b1", "b==1"]


def test_prereleases_can_be_refused(upstream: MemoryUpstream, resolve: Resolve) -> None:
    upstream.add("only==1rc1")
    with pytest.raises(NoSolutionError):
        resolve("only", prereleases=Prereleases.DISALLOW)


def test_a_given_candidate_wins_over_upstream_and_its_address_is_not_followed(
    upstream: MemoryUpstream, resolve: Resolve
) -> None:
    upstream.add_all({"a==9": [], "b==1": [], "user==1": ["a @ https://nowhere.invalid/a.zip"]})
    source = Source(kind=SourceKind.GIT, location="https://nowhere.invalid/a", digest="git:0123")
    given_a = ExtraCandidate(
        release=Release.parse("a==1.dev3"),
        metadata=b"Metadata-Version: 2.1\nName: a\nVersion: 1.dev3\nRequires-Dist: b\n\n",
        source=source,
    )
    options = {"extra": {ProjectName("a"): given_a}}
    resolution = resolve("a @ git+https://nowhere.invalid/a", "user", options=options)
    assert dependencies(resolution) == {"a": ["b"], "b": [], "user": ["a"]}
    assert resolution.pins[0].source == source
    assert upstream.asked["page a"] == 0


def test_a_direct_reference_that_nobody_looked_at_is_refused(resolve: Resolve) -> None:
    with pytest.raises(NoSolutionError, match="direct reference"):
        resolve("a @ https://nowhere.invalid/a.tar.gz")
    with pytest.raises(NoSolutionError, match="direct reference"):
        resolve("b", overrides=("a @ https://nowhere.invalid/a.tar.gz",))


def test_secrets_of_a_direct_reference_are_not_quoted(resolve: Resolve) -> None:
    with pytest.raises(NoSolutionError) as caught:
        resolve("a @ https://me:secret@nowhere.invalid/a.tar.gz?token=secret")
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("line", ["-r /etc/passwd", "./folder", "--index-url=x", "a b", ""])
def test_a_line_that_is_no_requirement_never_reaches_uv(resolve: Resolve, line: str) -> None:
    with pytest.raises(InvalidNameError):
        resolve(line)


def test_nothing_of_the_users_uv_configuration_is_followed(
    upstream: MemoryUpstream, resolve: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "uv.toml").write_text('exclude-newer = "2000-01-01"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "missing.toml"))
    monkeypatch.setenv("UV_CONSTRAINT", str(tmp_path / "missing.txt"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    upstream.add("a==1")
    assert pins(resolve("a")) == ["a==1"]


def test_queries_at_the_same_time_do_not_mix(
    upstream: MemoryUpstream, with_resolver: WithResolver
) -> None:
    upstream.add_all({"a==1": [], "a==3": []})
    upstream.add("a==2", sdist=False, wheels=("py3-none-any",))
    asked = [
        query("a<3"),
        query("a<3", sources_only=False),
        query("a"),
        query("a", constraints=("a<2",)),
    ] * 3

    async def use(resolver: UvResolver) -> list[Resolution]:
        return await asyncio.gather(*map(resolver.resolve, asked))

    answers = with_resolver(use, concurrency=4)
    assert [pins(answer)[0] for answer in answers] == ["a==1", "a==2", "a==3", "a==1"] * 3


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_edges_stay_inside_the_resolution_and_reach_all_of_it(data: st.DataObject) -> None:
    names = [f"p{number}" for number in range(6)]
    upstream = MemoryUpstream()
    for name in names:
        needed = data.draw(st.lists(st.sampled_from(names), max_size=3), label=name)
        upstream.add(f"{name}==1", *needed)

    async def go() -> Resolution:
        async with UvResolver(upstream=upstream) as resolver:
            return await resolver.resolve(query("p0"))

    graph = dependencies(asyncio.run(go()))
    reached, waiting = set(), ["p0"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph[name]
    assert reached == graph.keys()
