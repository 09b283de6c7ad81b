"""A farm as its users meet it: served, joined by another machine's process, asked, looked after."""

import json
import os
import re
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from e2e.project import repository
from e2e.user import TIMEOUT, Ran, User
from wheelyard.testing.sdists import Extension, SdistSpec

UPSTREAM = (
    SdistSpec(name="yard-base"),
    SdistSpec(name="yard-top", requires=("yard-base",)),
    SdistSpec(name="yard-native", extension=Extension.OWN_ABI),
    SdistSpec(name="yard-broken", during_build="raise SystemExit('fatal: odd thing')"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A farm that runs, and its administrator."""

    address: str
    token: str
    user: User

    def ask(self, *words: str | Path, seconds: float = TIMEOUT) -> Ran:
        """Run a command as the administrator."""
        asked = {"WHEELYARD_FARM": self.address, "WHEELYARD_TOKEN": self.token}
        asker = replace(self.user, environment={**self.user.environment, **asked})
        return asker.run(*words, seconds=seconds)

    def until(self, pattern: str, *words: str) -> str:
        """Run a command until it prints what is looked for."""
        for _ in range(20):
            shown = self.ask(*words).out
            if re.search(pattern, shown):
                return shown
        raise AssertionError(shown)

    def json(self, *words: str) -> list[dict[str, object]]:
        """Run a command that lists something."""
        ran = self.ask(*words, "--json")
        assert ran.code == 0, ran.err
        found: list[dict[str, object]] = json.loads(ran.out)
        return found


@contextmanager
def process(user: User, *words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a process beside the block; in the end it is asked to leave."""
    begun = subprocess.Popen(
        user.command(*words),
        cwd=user.folder,
        env=user.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield begun
    finally:
        begun.send_signal(signal.SIGTERM)
        try:
            _, err = begun.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            begun.kill()
            raise
        assert "Traceback" not in err, err


@contextmanager
def farm(user: User, *words: str) -> Iterator[Served]:
    given = ("--port", "0", "--state", user.folder / "farm", "--index", user.index)
    with process(user, "serve", *given, *words) as begun:
        assert begun.stdout is not None
        address = begun.stdout.readline().strip()
        assert address.startswith("http://"), begun.stderr and begun.stderr.read()
        token = begun.stdout.readline().strip().removeprefix("token ")
        yield Served(address=address, token=token, user=user)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, interpreters: list[str]) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("farm")
    user = User(folder=folder, target=interpreters[-1], state=folder / "own")
    user.upload(*UPSTREAM)
    with farm(user, "--jobs", "2", "--local-repositories") as opened:
        yield opened


def test_a_tree_is_built_on_a_farm_and_brought_home(served: Served, tmp_path: Path) -> None:
    words = ("yard-top", "yard-native", "--target", served.user.target, "-o", tmp_path / "wheels")
    ran = served.ask("build", "--json", *words)
    assert ran.code == 0, ran.err
    assert ran.endings == {
        "yard-base==1.0": {"built"},
        "yard-top==1.0": {"built"},
        "yard-native==1.0": {"built"},
    }
    assert set(ran.started) == set(ran.endings)
    names = {path.name.partition("-")[0] for path in (tmp_path / "wheels").rglob("*.whl")}
    assert names == {"yard_base", "yard_top", "yard_native"}
    again = served.ask("build", "--json", *words)
    assert again.code == 0
    assert again.started == []
    assert set().union(*again.endings.values()) == {"reused"}


def test_what_a_farm_publishes_is_signed_and_kept_under_names(
    served: Served, tmp_path: Path
) -> None:
    words = ("--target", served.user.target, "-o", tmp_path / "wheels")
    assert served.ask("build", "yard-base", *words).code == 0
    state, key = served.user.folder / "farm", tmp_path / "farm.pub"
    key.write_text(served.user.run("index", "key", "--state", state).out)
    # Another process moves names and statuses while the farm serves.
    snapshot = served.user.run("index", "snapshot", "create", "stable", "--state", state)
    assert snapshot.code == 0, snapshot.err
    for index in ("simple", "snapshots/stable/simple"):
        checked = served.user.run("index", "verify", f"{served.address}/{index}/", "--key", key)
        assert (checked.code, checked.out) == (0, ""), checked.err


def test_a_failure_is_shown_as_it_is_here(served: Served) -> None:
    ran = served.ask("build", "yard-broken", "--target", served.user.target)
    assert ran.code == 1
    assert "failed: yard-broken 1.0" in ran.out
    assert f"--farm {served.address}" in ran.out
    key = ran.out.partition("wheelyard job log ")[2].split()[0]
    for words in (("job", "log", key), ("job", "log", key, "--follow")):
        assert "fatal: odd thing" in served.ask(*words).out


def test_what_a_farm_cannot_plan_is_refused_with_what_to_do(served: Served) -> None:
    ran = served.ask("build", "./here", "--target", served.user.target)
    assert ran.code != 0
    assert "hint:" in ran.err
    ran = served.ask("build", "nowhere-to-be-found", "--target", served.user.target)
    assert ran.code == 1
    assert "left out: nowhere-to-be-found" in ran.out


def test_another_machine_joins_builds_and_is_shut_out(served: Served, tmp_path: Path) -> None:
    code = served.ask("builder", "enrol", "--owner", "bob")
    assert "wheelyard builder --join" in code.err
    state = tmp_path / "builder"
    machine = replace(served.user, folder=tmp_path)
    served.user.upload(SdistSpec(name="yard-away"))
    assert served.ask("builder", "pause", "local-1", "--reason", "a test").code == 0
    join = ("--join", served.address, "--token", code.out.strip(), "--name", "far-1")
    try:
        with process(machine, "builder", *join, "--state", state, "--slots", "1"):
            ran = served.ask("build", "--json", "yard-away", "--target", served.user.target)
            assert ran.code == 0, ran.err
            [shown] = [one for one in served.json("builder", "list") if one["name"] == "far-1"]
            assert shown["owner"] == "bob"
            assert shown["present"]
    finally:
        assert served.ask("builder", "resume", "local-1").code == 0
    assert served.ask("builder", "revoke", "far-1").out == "far-1 is revoked\n"
    ran = machine.run("builder", "--state", state)
    assert ran.code != 0
    assert "revoked" in ran.err


def test_roles_hold_at_the_command_line_too(served: Served) -> None:
    made = served.ask("token", "create", "carl", "--role", "reader")
    reader = replace(served, token=made.out.strip())
    assert reader.ask("request", "list").code == 0
    refused = reader.ask("builder", "pause", "local-1")
    assert refused.code == 2
    assert "may not do this" in refused.err
    [listed] = [one for one in served.json("token", "list") if one["subject"] == "carl"]
    assert served.ask("token", "revoke", str(listed["id"])).code == 0
    assert reader.ask("request", "list").code == 2


def test_a_request_is_submitted_and_cancelled(served: Served) -> None:
    served.user.upload(SdistSpec(name="yard-later"))
    served.ask("builder", "pause", "local-1")
    try:
        made = served.ask("request", "submit", "yard-later", "--target", served.user.target)
        name = made.out.strip()
        could = "yard-later==1.0 for .*: 1 of 1 builders could run it: local-1 paused"
        shown = served.until(could, "request", "show", name)
        assert f"waits    yard-later==1.0 for {served.user.target}" in shown
        assert served.ask("request", "cancel", name).out == f"{name} is cancelled\n"
        assert served.ask("request", "cancel", name).out == f"{name} had ended before\n"
    finally:
        served.ask("builder", "resume", "local-1")


def test_who_waits_at_the_farm_is_told_what_for(served: Served, tmp_path: Path) -> None:
    project = repository(tmp_path / "c-project", revisions=1)
    words = ("build", "--git", project, "--needs", "foo=3", "--name", "never")
    user = served.user
    command = user.command(*words, "--farm", served.address, "--token", served.token)
    with subprocess.Popen(
        command, env=user.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as begun:
        assert begun.stderr is not None
        asked, line = begun.stderr.readline(), begun.stderr.readline()
        begun.send_signal(signal.SIGINT)
        begun.communicate(timeout=40)
    assert line.startswith("waiting: never==1 for ")
    assert "no builder has foo=3; the nearest builder, local-1, lacks foo" in line
    shown = served.ask("job", "show", "never").out
    assert "is       ready" in shown
    key = shown.partition("key      ")[2].split()[0]
    assert served.ask("job", "boost", key).out == f"{key[:12]} comes sooner\n"
    assert served.ask("job", "hold", key).out == f"{key[:12]} is held\n"
    assert "does not stand so" in served.ask("job", "hold", key).err
    assert "why      no builder has foo=3" in shown
    name = asked.partition("request ")[2].partition(":")[0]
    assert served.ask("request", "cancel", name).code == 0


def test_jobs_of_a_farm_are_listed_and_tried_again_by_what_went_wrong(served: Served) -> None:
    served.user.upload(
        SdistSpec(name="yard-odd", during_build="raise SystemExit('fatal: odd one')")
    )
    assert served.ask("build", "yard-odd", "--target", served.user.target).code == 1
    [listed] = served.json("job", "list", "--reason", "odd one")
    assert (listed["release"], listed["outcome"]) == ("yard-odd==1.0", "failed")
    assert "yard-odd==1.0" in served.ask("job", "list", "--outcome", "failed").out
    shown = served.ask("job", "show", "yard-odd").out
    assert re.search(r"attempt  1, on local-1, .*: failed .*odd one", shown)
    assert "odd one" in served.ask("job", "log", "yard-odd").out
    words = ("job", "retry", "--project", "yard-odd", "--target", served.user.target)
    for _ in range(2):
        assert "yard-odd==1.0" in served.ask(*words, "--preview").out
    assert "failed" in served.ask(*words, "--outcome", "failed").out
    served.until(r"attempt  2, on local-1, .*: failed .*odd one", "job", "show", "yard-odd")
    assert served.ask("job", "list", "--held").out == ""
    assert "no wheel of 'yard-odd' is held" in served.ask("job", "approve", "yard-odd").err
    assert "has no job 'nobody'" in served.ask("job", "show", "nobody").err


def test_a_command_is_run_by_a_farm_and_serves_requests_within_their_range(
    served: Served, tmp_path: Path
) -> None:
    project = repository(tmp_path / "c-project", revisions=3)
    words = ("build", "--json", "--git", project, "--output", tmp_path / "out")
    first = served.ask(*words, "--revision", "2", "--option", "opt=0", "--needs", "os=linux")
    assert first.code == 0, first.err + first.out
    assert first.started == ["hello==2"]
    (ended,) = first.of_kind("command-ended")
    with zipfile.ZipFile(tmp_path / "out" / ended["artifact"]["filename"]) as archive:
        assert archive.namelist() == ["dist/VERSION", "dist/bin/hello"]
    served.ask("builder", "pause", "local-1")
    try:
        near = served.ask(*words, "--range", "1", "--option", "opt=0", "--needs", "os=linux")
    finally:
        served.ask("builder", "resume", "local-1")
    assert near.code == 0, near.err + near.out
    assert near.started == []
    (again,) = near.of_kind("command-ended")
    assert (again["wanted"], again["revision"]) == (3, 2)
    assert again["artifact"] == ended["artifact"]


def test_a_command_that_fails_on_a_farm_is_told_as_here(served: Served, tmp_path: Path) -> None:
    project = repository(tmp_path / "c-project", revisions=1)
    words = ("--command", "echo 'hello.c:3: error: boom'; exit 7", "--artifact", "x")
    ran = served.ask("build", "--git", project, *words)
    assert ran.code == 1
    assert "boom" in ran.out
    assert "is failed" in ran.out
    ran = served.ask("build", "--git", project, "--revision", "nowhere", *words)
    assert ran.code == 1
    assert "is failed" in ran.out
    assert "\nhint: " in ran.out


def test_a_farm_that_is_not_there_is_no_traceback(user: User) -> None:
    ran = user.run("request", "list", "--farm", "http://127.0.0.1:9", "--token", "x")
    assert ran.code == 4
    assert "cannot be reached" in ran.err
    ran = user.run("request", "list")
    assert ran.code == 2
    assert "--farm" in ran.err


def test_the_first_token_is_shown_once_and_can_be_replaced_on_the_machine(
    tmp_path: Path, interpreters: list[str]
) -> None:
    user = User(folder=tmp_path, target=interpreters[-1], state=tmp_path / "own")
    user.upload(SdistSpec(name="unused"))
    with farm(user, "--builders", "0") as first:
        assert first.token.startswith("wy_")
    made = user.run(
        "token", "create", "dora", "--role", "administrator", "--state", tmp_path / "farm"
    )
    given = ("--port", "0", "--state", tmp_path / "farm", "--index", user.index, "--builders", "0")
    with process(user, "serve", *given) as begun:
        assert begun.stdout is not None
        address = begun.stdout.readline().strip()
        second = Served(address=address, token=made.out.strip(), user=user)
        assert {one["subject"] for one in second.json("token", "list")} == {"admin", "dora"}
        (tmp_path / "token").write_text(made.out)
        (tmp_path / "wheelyard.toml").write_text(
            f'[farm]\nurl = "{address}"\ntoken-file = "token"\n'
        )
        assert user.run("builder", "list").code == 0
        assert os.environ.get("WHEELYARD_FARM") is None
