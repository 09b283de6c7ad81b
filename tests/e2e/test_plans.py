"""A plan can be looked at, kept, and repeated exactly; cycles in it are broken and mended."""

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from e2e.user import User
from wheelyard.testing.folder_index import write_index
from wheelyard.testing.sdists import Extension, SdistSpec, cycle, write_sdist, write_wheel

TOOL = SdistSpec(name="tool")
TREE = (
    TOOL,
    SdistSpec(name="library"),
    SdistSpec(name="app", requires=("library",), build_requires=("tool",)),
)


def plan(user: User, *words: str | Path) -> str:
    """Print a plan."""
    ran = user.run("plan", *user.words(*words))
    assert ran.code == 0, ran.err
    return ran.out


def test_plan_says_what_it_would_do_and_why_in_four_ways(user: User) -> None:
    user.upload(*(dataclasses.replace(spec, body="# for the plan\n") for spec in TREE))
    tree = plan(user, "app")
    assert "app 1.0" in tree
    assert "build: tool 1.0" in tree
    assert "library 1.0" in tree

    read = json.loads(plan(user, "app", "--format", "json"))
    assert {unit["release"] for unit in read["units"]} == {"app==1.0", "library==1.0", "tool==1.0"}
    assert all(unit["why"] for unit in read["units"])
    kinds = {
        (edge["unit"].split()[0], edge["kind"], edge["needs"].split()[0]) for edge in read["edges"]
    }
    assert ("app==1.0", "build", "tool==1.0") in kinds

    assert plan(user, "app", "--format", "dot").startswith("digraph")
    assert plan(user, "app", "--format", "svg").lstrip().startswith("<svg")


def test_recorded_plan_repeats_versions_digests_and_build_requirements(
    newcomer: User, tmp_path: Path
) -> None:
    user = newcomer
    user.upload(*TREE)
    plan(user, "app", "--write-plan", "plan.json", "--pylock", "locks")
    (lock,) = (user.folder / "locks").glob("pylock.*.toml")
    locked = Pylock.from_dict(tomllib.loads(lock.read_text()))
    locked.validate()
    assert {str(package.name) for package in locked.packages} == {"app", "library"}

    newer = [dataclasses.replace(spec, version="2.0") for spec in TREE]
    user.upload(*newer)
    elsewhere = dataclasses.replace(user, state=tmp_path / "elsewhere")
    fresh = elsewhere.build("app")
    assert {release for release, _ in fresh.rows} == {"app==2.0", "library==2.0", "tool==2.0"}
    repeated = elsewhere.build("--plan", "plan.json")
    assert repeated.code == 0, repeated.err
    assert set(repeated.started) == {"app==1.0", "library==1.0", "tool==1.0"}
    assert elsewhere.show("app")["report"]["environment"] == ["tool==1.0"]


def test_recorded_plan_refuses_a_source_that_is_another_one(newcomer: User, tmp_path: Path) -> None:
    user = newcomer
    (sdist,) = user.upload(TOOL)
    plan(user, "tool", "--write-plan", "plan.json")
    content = bytearray(sdist.read_bytes())
    content[4] ^= 1  # a time in the header of gzip: the same size, the same files
    sdist.write_bytes(content)
    elsewhere = dataclasses.replace(user, state=tmp_path / "elsewhere")
    ran = elsewhere.run("build", *elsewhere.words("--plan", "plan.json"))
    assert ran.code != 0
    assert "tool" in ran.out + ran.err
    assert "announced" in ran.out + ran.err


def test_build_cycle_is_broken_with_a_seed_that_is_rebuilt(newcomer: User) -> None:
    user = newcomer
    ring = cycle("ring-a", "ring-b")
    user_of_it = SdistSpec(name="user-of-ring", build_requires=("ring-a",))
    files = [write_sdist(spec, user.folder / "files") for spec in (*ring, user_of_it)]
    seeds = [write_wheel(spec, user.folder / "files") for spec in ring]
    index = write_index(user.folder / "index", [*files, *seeds])
    ran = user.build("user-of-ring", "--output", "out", index=index.as_uri())
    assert ran.code == 0, ran.err
    (broken,) = ran.of_kind("cycle-broken")
    assert "ring-a" in json.dumps(broken)
    bootstraps = [e for e in ran.of_kind("job-ended") if e["bootstrap"]]
    assert bootstraps
    with_a_seed = {event["report"]["artifact"]["digest"] for event in bootstraps}
    final = {event["key"] for event in ran.of_kind("job-ended") if not event["bootstrap"]}
    assert final.isdisjoint({event["key"] for event in bootstraps})
    # The same bytes may come out; what counts is that both were built again, without a seed.
    assert {"ring-a==1.0", "ring-b==1.0"} <= {
        event["unit"]["release"] for event in ran.of_kind("job-ended") if not event["bootstrap"]
    }
    assert with_a_seed
    assert ran.endings == {
        "ring-a==1.0": {"built"},
        "ring-b==1.0": {"built"},
        "user-of-ring==1.0": {"built"},
    }
    table = user.run("build", *user.words("user-of-ring", "--rebuild", index=index.as_uri()))
    assert table.code == 0
    assert "build cycle" in table.out
    assert "broken with upstream's wheel of ring-" in table.out


def test_build_cycle_without_a_seed_is_named(user: User) -> None:
    user.upload(*cycle("knot-a", "knot-b"), SdistSpec(name="beside"))
    ran = user.build("knot-a", "beside")
    assert ran.code == 1
    assert ran.row("beside==1.0")["ending"] in {"built", "reused"}
    assert "knot-b" in ran.row("knot-a==1.0")["reason"]
    assert ran.row("knot-a==1.0")["ending"] in {"blocked", "failed"}


@pytest.mark.parametrize("policy", ["requested", "none"])
def test_upstreams_wheels_are_taken_where_the_policy_says_so_and_named(
    user: User, policy: str
) -> None:
    given = SdistSpec(name=f"given-{policy}")
    asked = SdistSpec(name=f"asked-{policy}", requires=(given.name,), build_requires=(given.name,))
    user.upload(given, asked)
    write_wheel(given, user.index)
    write_wheel(asked, user.index)
    ran = user.run("build", *user.words(asked.name, "--from-source", policy, "-o", "out"))
    assert ran.code == 0, ran.err
    assert f"from upstream: {given.module}-1.0-py3-none-any.whl" in ran.out
    from_upstream = f"from upstream: {asked.module}-1.0-py3-none-any.whl" in ran.out
    assert from_upstream is (policy == "none")
    listed = json.loads(user.run("index", "list", "--json", "--state", user.state).out)
    projects = {project["project"] for project in listed}
    assert given.name not in projects
    assert (asked.name in projects) is (policy == "requested")
    exported = {path.name for path in (user.folder / "out" / "simple").iterdir() if path.is_dir()}
    assert exported == {given.name, asked.name}


def test_one_abi3_wheel_ends_the_fan_out(user: User, interpreters: list[str]) -> None:
    user.upload(SdistSpec(name="stable", extension=Extension.ABI3))
    words = [word for target in interpreters for word in ("-t", target)]
    ran = user.build("stable", *words)
    assert ran.code == 0, ran.err
    assert ran.started == ["stable==1.0"]
    endings = {target: row["ending"] for (_, target), row in ran.rows.items()}
    assert endings == dict.fromkeys(interpreters, "covered") | {interpreters[0]: "built"}
