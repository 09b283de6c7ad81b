"""Commands on git trees at the command line: the examples, ranges of revisions, and what is refused."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from e2e.project import EXAMPLES, git, repository
from e2e.user import Ran, User
from wheelyard.model.command import CommandRequest, Revision
from wheelyard.plan.command import plan_command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository of the example with four revisions."""
    return repository(tmp_path / "c-project", revisions=4)


def build(user: User, project: Path | str, *words: str | Path) -> Ran:
    """Build for this user, with events as JSON."""
    return user.run("build", "--json", "--git", project, "--state", user.state, *words)


def archive_of(ran: Ran) -> str:
    assert ran.code == 0, ran.err + ran.out
    (ended,) = ran.of_kind("command-ended")
    name: str = ended["artifact"]["filename"]
    return name


def test_the_example_is_built_tested_and_put_into_an_archive(
    user: User, project: Path, tmp_path: Path
) -> None:
    commit = git(project, "rev-parse", "HEAD")
    name = archive_of(build(user, project, "--output", tmp_path / "out"))
    assert name == f"hello-4-{commit[:12]}.zip"
    with zipfile.ZipFile(tmp_path / "out" / name) as archive:
        assert archive.namelist() == ["dist/VERSION", "dist/bin/hello"]
        assert archive.read("dist/VERSION").decode() == f"revision 4 of {commit}\n"
        program = tmp_path / "hello"
        program.write_bytes(archive.read("dist/bin/hello"))
    program.chmod(0o755)
    assert subprocess.check_output([program, "Ada"], text=True) == "hello, Ada\n"
    assert "3 checks passed" in user.log("hello")


def test_an_existing_build_serves_a_request_within_its_range(
    user: User, project: Path, tmp_path: Path
) -> None:
    first = build(user, project, "--revision", "2", "--output", tmp_path / "one")
    assert first.started == ["hello==2"]
    served = build(user, project, "--range", "2", "--output", tmp_path / "two")
    assert archive_of(served) == archive_of(first)
    assert served.started == []
    (ended,) = served.of_kind("command-ended")
    assert (ended["wanted"], ended["revision"], ended["report"]) == (4, 2, None)
    same = [(tmp_path / place / archive_of(first)).read_bytes() for place in ("one", "two")]
    assert same[0] == same[1]
    # Too far away, or not the same: built.
    assert build(user, project, "--range", "1").started == ["hello==4"]
    other = build(user, project, "--revision", "1", "--range", "9", "--option", "opt=0")
    assert other.started == ["hello==1"]
    assert "opt=0" in archive_of(other)


def test_a_command_of_ones_own_needs_no_job_file(user: User, project: Path) -> None:
    git(project, "rm", "-q", "wheelyard-job.toml")
    git(project, "commit", "-q", "-m", "without")
    words = ("--command", 'mkdir out && make hello && cp hello "out/$as"', "--artifact", "out")
    ran = build(user, project, *words, "--option", "as=ahoy", "--name", "greeter")
    assert archive_of(ran).startswith("greeter-5-")
    assert archive_of(ran).endswith("-as=ahoy.zip")


def test_a_command_that_fails_is_told_with_its_log_and_the_exit_code_of_a_build(
    user: User, project: Path
) -> None:
    words = ("--command", "echo 'hello.c:3: error: boom'; exit 7", "--artifact", "x")
    ran = user.run("build", "--git", project, "--state", user.state, *words)
    assert ran.code == 1
    assert "boom" in ran.out
    assert "boom" in user.log("hello")


def test_archives_are_in_no_index_and_the_state_folder_is_sound(user: User, project: Path) -> None:
    archive_of(build(user, project))
    checked = user.run("state", "check", "--state", user.state)
    assert checked.code == 0, checked.err
    assert " 0 lost" in checked.err
    shown = user.show("hello")
    assert shown["report"]["artifact"]["origin"] == "command"


def test_what_this_machine_lacks_is_said(user: User, project: Path) -> None:
    words = ("--needs", 'memory_gb=">=100000"')
    ran = user.run("build", "--git", project, "--state", user.state, *words)
    assert ran.code == 2
    assert 'this machine lacks memory_gb=">=100000"' in ran.err
    assert "hint: It has" in ran.err


def test_options_of_wheels_in_a_configuration_file_are_for_wheels(
    user: User, project: Path
) -> None:
    (project / "wheelyard.toml").write_text('[build]\ntarget = ["cp312"]\njobs = 3\n')
    ran = user.run("build", "--json", "--git", ".", "--state", user.state, cwd=project)
    assert archive_of(ran).startswith("hello-4-")


@pytest.mark.parametrize("options", [{}, {"debug": "yes", "optimized": "yes", "tests": "yes"}])
def test_the_job_file_for_cpython_can_be_followed(options: dict[str, str]) -> None:
    text = (EXAMPLES / "cpython" / "wheelyard-job.toml").read_text("utf-8")
    request = CommandRequest(
        repository="https://git.example/cpython", options=tuple(options.items()), job_file=text
    )
    revision = Revision(asked="3.13", commit="0" * 40, number=120_000)
    command = plan_command(request, revision, machine="x86_64").offer.command
    assert command is not None
    assert command.artifacts == ("dist/*.tar.gz",)
    shell, flag, script = command.arguments
    subprocess.run([shell, "-n", flag, script], check=True)
    # Every variable that the script reads is an option or given to every command.
    given = {name for name, _ in command.variables} | {"SOURCE_DATE_EPOCH", "PWD", "features"}
    words = {word.split("}")[0] for word in _variables(script)}
    assert words <= given


def _variables(script: str) -> set[str]:
    found = set()
    for part in script.split("$")[1:]:
        name = ""
        for letter in part.lstrip("{"):
            if not (letter.isalnum() or letter == "_"):
                break
            name += letter
        found.add(name)
    return found


def test_a_tree_like_cpythons_is_built_by_its_job_file(user: User, tmp_path: Path) -> None:
    """The script meets a stand-in for CPython's configure and Makefile, which only notes what it is asked."""
    tree = tmp_path / "cpython"
    tree.mkdir()
    configure = '#!/bin/sh\nprintf "%s\\n" "$@" > asked\n'
    (tree / "configure").write_text(configure)
    (tree / "configure").chmod(0o755)
    recipe = "all:\n\ninstall:\n\tmkdir -p $(DESTDIR)/opt/cpython/bin $(DESTDIR)/__pycache__\n"
    recipe += "\tcp asked $(DESTDIR)/opt/cpython/bin/python3\n"
    (tree / "Makefile").write_text(recipe)
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "first")
    job_file = EXAMPLES / "cpython" / "wheelyard-job.toml"
    words = ("--job-file", job_file, "--option", "debug=yes", "--output", tmp_path / "out")
    name = archive_of(build(user, tree, *words))
    with zipfile.ZipFile(tmp_path / "out" / name) as archive:
        assert archive.namelist() == ["dist/cpython-1.tar.gz"]
        archive.extractall(tmp_path)
    listed = subprocess.check_output(
        ["tar", "-xzOf", tmp_path / "dist" / "cpython-1.tar.gz", "./opt/cpython/bin/python3"],
        text=True,
    )
    assert "--with-pydebug" in listed.split()
    assert "--prefix=/opt/cpython" in listed.split()
