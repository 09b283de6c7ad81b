"""The state folder is looked after: what it holds is shown, what can go goes, what was lost comes back."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.test_interruptions import at_step, until
from e2e.user import User
from wheelyard.testing.sdists import Extension, SdistSpec


@pytest.fixture
def stocked(newcomer: User) -> User:
    """Somebody who has built two small projects."""
    newcomer.upload(SdistSpec(name="one"), SdistSpec(name="two"))
    ran = newcomer.build("one", "two")
    assert ran.code == 0, ran.err
    return newcomer


def state(user: User, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command of ``wheelyard state``."""
    ran = user.run("state", *words, "--json", "--state", user.state)
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def counts(holdings: list[dict[str, Any]]) -> dict[str, int]:
    return {one["kind"]: one["count"] for one in holdings}


def blob_of(user: User, digest: str) -> Path:
    name = digest.partition(":")[2]
    return user.state / "blobs" / "sha256" / name[:2] / name[2:]


def test_sizes_are_shown_by_kind(stocked: User) -> None:
    shown = state(stocked, "show")

    held = counts(shown["holdings"])
    assert held["wheels"] == held["logs"]
    assert held["wheels"] >= 2
    assert held["environments"] >= 1
    assert all(one["size"] > 0 for one in shown["holdings"] if one["count"])
    assert "environments" in stocked.run("state", "show", "--state", stocked.state).out


def test_clean_previews_then_removes_and_the_farm_goes_on(stocked: User) -> None:
    before = state(stocked, "show")["holdings"]

    preview = state(stocked, "clean", "--unused", "0s", "--dry-run")
    assert state(stocked, "show")["holdings"] == before
    cleaned = state(stocked, "clean", "--unused", "0s")

    assert counts(cleaned["removed"]) == counts(preview["removed"])
    after = counts(state(stocked, "show")["holdings"])
    assert after["environments"] == 0
    assert "sources and other downloads" not in after
    assert after["wheels"] == counts(before)["wheels"]
    assert stocked.build("one", "two").started == []
    assert set(stocked.build("one", "--rebuild").started) >= {"one==1.0"}


def test_clean_keeps_what_was_used_lately(stocked: User) -> None:
    before = counts(state(stocked, "show")["holdings"])

    cleaned = state(stocked, "clean")

    assert sum(counts(cleaned["removed"]).values()) == 0
    assert counts(state(stocked, "show")["holdings"]) == before


def test_clean_beside_a_running_build_takes_nothing_from_it(newcomer: User) -> None:
    user = newcomer
    waits = "import time\ntime.sleep(3)"
    user.upload(SdistSpec(name="slow", during_build=waits), SdistSpec(name="later"))
    user.build("later")
    process = user.start("slow", "later", "--rebuild", "--jobs", "1")
    until(process, at_step("build", "slow==1.0"))

    cleaned = state(user, "clean", "--unused", "0s")

    ran = user.ended(process)
    assert "sources and other downloads" in cleaned["spared"]
    assert ran.code == 0, ran.err
    assert {row["ending"] for row in ran.rows.values()} == {"built"}


def test_what_was_lost_or_damaged_leaves_the_index_and_is_built_again(newcomer: User) -> None:
    user = newcomer
    user.upload(*(SdistSpec(name=name) for name in ("damaged", "lost", "whole")))
    first = user.build("damaged", "lost", "whole")
    assert first.code == 0, first.err
    damaged, lost = (
        blob_of(user, next(d for f, d in first.digests.items() if f.startswith(name)))
        for name in ("damaged", "lost")
    )
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    lost.unlink()

    found = state(user, "check", code=4)

    assert {(one["filename"].partition("-")[0], one["damaged"]) for one in found["lost"]} == {
        ("damaged", True),
        ("lost", False),
    }
    assert len(found["reopened"]) == 2
    listed = json.loads(user.run("index", "list", "--json", "--state", user.state).out)
    projects = {one["project"] for one in listed}
    assert "whole" in projects
    assert not {"damaged", "lost"} & projects
    again = user.build("damaged", "lost", "whole")
    assert sorted(again.started) == ["damaged==1.0", "lost==1.0"]
    assert again.digests == first.digests
    assert state(user, "check")["lost"] == []


def test_file_is_yanked_and_that_is_taken_back(stocked: User) -> None:
    name = "one-1.0-py3-none-any.whl"

    def yanked() -> list[str | None]:
        listed = json.loads(stocked.run("index", "list", "--json", "--state", stocked.state).out)
        files = [file for one in listed for file in one["files"]]
        return [file["yanked"] for file in files if file["filename"] == name]

    words = ("index", "yank", name, "--state", str(stocked.state))
    assert stocked.run(*words, "--reason", "breaks everything").code == 0
    assert yanked() == ["breaks everything"]
    assert stocked.run(*words, "--undo").code == 0
    assert yanked() == [None]
    unknown = stocked.run("index", "yank", "no.whl", "--state", stocked.state)
    assert unknown.code == 2
    assert "'no.whl' is not published" in unknown.err


def test_run_puts_right_what_killed_ones_left(stocked: User) -> None:
    left = [
        stocked.state / "jobs" / "run-dead" / "job",
        stocked.state / "environments" / ".old-dead" / "bin",
        stocked.state / "compiler-caches" / "one" / ".old-cp312-dead",
    ]
    for folder in left:
        folder.mkdir(parents=True)
    unnamed = stocked.state / "blobs" / "temporary" / "dead"
    unnamed.write_bytes(b"half")

    assert stocked.build("one", "--rebuild").code == 0

    assert [folder for folder in left if folder.exists()] == []
    assert unnamed.exists(), "it may be somebody's who writes it at this moment"


def test_other_isolation_is_another_build_and_the_same_is_none(newcomer: User) -> None:
    user = newcomer
    user.upload(SdistSpec(name="pure"), SdistSpec(name="native", extension=Extension.OWN_ABI))
    words = ("pure", "native", "--sandbox")
    first = user.build(*words, "require")
    assert first.code == 0, first.err

    assert {"pure==1.0", "native==1.0"} <= set(user.build(*words, "off").started)
    assert user.build(*words, "auto").started == []
    assert user.build(*words, "off").started == []


def test_what_was_built_is_signed_and_lost_provenance_is_offered_no_more(
    stocked: User, tmp_path: Path
) -> None:
    key, out = tmp_path / "key.pub", tmp_path / "out"
    key.write_text(stocked.run("index", "key", "--state", stocked.state).out)
    stocked.run("index", "export", out, "--state", stocked.state)
    checked = stocked.run("index", "verify", out, "--key", key)
    assert (checked.code, checked.out) == (0, "")
    (file,) = json.loads((out / "simple/one/index.json").read_text())["files"]
    provenance = (out / "simple/one" / file["provenance"]).resolve()
    (blob,) = [
        path
        for path in (stocked.state / "blobs" / "sha256").glob("??/*")
        if path.samefile(provenance)
    ]
    blob.unlink()
    found = state(stocked, "check", code=4)
    assert [one["kind"] for one in found["lost"]] == ["provenance"]
    assert found["reopened"] == []
    state(stocked, "check")
    assert stocked.build("one").started == []


def test_old_logs_go_when_that_is_asked_for(stocked: User) -> None:
    before = counts(state(stocked, "show")["holdings"])
    preview = state(stocked, "clean", "--logs", "0s", "--dry-run")
    assert counts(preview["removed"])["old logs"] == before["logs"]
    assert counts(state(stocked, "show")["holdings"]) == before
    cleaned = state(stocked, "clean", "--logs", "0s", "--evidence", "0s")
    assert counts(cleaned["removed"])["old logs"] == before["logs"]
    after = counts(state(stocked, "show")["holdings"])
    assert "logs" not in after
    assert after["wheels"] == before["wheels"]
    state(stocked, "check")
