"""What a request for a command on a git tree becomes, and which other builds serve it."""

from dataclasses import replace

import pytest

from wheelyard.errors import ConfigurationError, InvalidNameError, WheelyardError
from wheelyard.jobs.pools import needs_of_target
from wheelyard.model.command import CommandRequest, Revision
from wheelyard.model.job import Limits
from wheelyard.model.source import SourceKind
from wheelyard.plan.command import CommandPlan, plan_command
from wheelyard.plan.job_file import JobFile


def commit(number: int) -> str:
    return f"{number:040x}"


def at(number: int, *near: int) -> Revision:
    return Revision(
        asked="main",
        commit=commit(number),
        number=number,
        seconds=1_600_000_000 + number,
        near=tuple((one, commit(one)) for one in near),
    )


REQUEST = CommandRequest(
    repository="https://git.example/Some_Project.git",
    line="make dist",
    artifacts=("dist/*",),
    options=(("opt", "jit"), ("debug", "0")),
)


def plan(
    request: CommandRequest = REQUEST, revision: Revision | None = None, **more: str
) -> CommandPlan:
    return plan_command(request, revision or at(7), **{"machine": "x86_64", **more})  # type: ignore[arg-type]


def key(request: CommandRequest = REQUEST, revision: Revision | None = None, **more: str) -> str:
    return plan(request, revision, **more).offer.key


# --- the job -------------------------------------------------------------------------------------


def test_an_offer_says_all_that_a_builder_is_told() -> None:
    limits = Limits(wall_seconds=7)
    offer = plan_command(REQUEST, at(7), machine="aarch64", limits=limits).offer
    assert offer.command is not None
    assert offer.command.arguments == ("/bin/sh", "-c", "make dist")
    assert offer.command.artifacts == ("dist/*",)
    assert dict(offer.command.variables) == {
        "SOURCE_COMMIT": commit(7),
        "SOURCE_REVISION": "7",
        "debug": "0",
        "opt": "jit",
    }
    assert (str(offer.release), str(offer.target)) == ("some-project==7", "py3-linux_aarch64")
    assert offer.source.kind is SourceKind.GIT
    assert offer.source.digest == f"git:{commit(7)}"
    assert offer.source_date_epoch == 1_600_000_007
    assert (offer.limits, offer.requirements) == (limits, ())


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ((), "some-project-7-000000000000.zip"),
        ((("opt", "jit"),), "some-project-7-000000000000-opt=jit.zip"),
        ((("b", "2"), ("a", "1.5")), "some-project-7-000000000000-a=1.5,b=2.zip"),
    ],
)
def test_an_archive_is_named_by_project_revision_commit_and_options(
    options: tuple[tuple[str, str], ...], name: str
) -> None:
    command = plan(replace(REQUEST, options=options)).offer.command
    assert command is not None
    assert command.filename == name


def test_options_that_do_not_fit_a_file_name_still_make_different_ones() -> None:
    names = set()
    for value in ("a/b", "a b", "../../x", "x" * 500, "x" * 501):
        command = plan(replace(REQUEST, options=(("o", value),))).offer.command
        assert command is not None
        assert "/" not in command.filename
        assert len(command.filename) < 160
        names.add(command.filename)
    assert len(names) == 5


def test_needs_name_a_processor_always() -> None:
    assert dict(plan().needs.items) == {"os": "linux", "arch": "x86_64"}
    asked = replace(REQUEST, needs='arch=riscv64,memory_gb=">=8"')
    found = plan(asked)
    assert dict(found.needs.items) == {"os": "linux", "arch": "riscv64", "memory_gb": ">=8"}
    assert found.offer.target.platform == "linux_riscv64"


def test_a_farm_needs_of_a_builder_what_the_plan_does() -> None:
    found = plan(replace(REQUEST, needs='memory_gb=">=8"', network=True))
    assert needs_of_target(found.offer.target, found.needs) == found.needs


def test_a_python_that_is_needed_is_the_targets() -> None:
    assert str(plan(replace(REQUEST, needs="python=cp312")).offer.target) == "cp312-linux_x86_64"
    assert str(plan(replace(REQUEST, needs='python="!=cp27"')).offer.target) == "py3-linux_x86_64"


def test_the_network_is_a_need() -> None:
    found = plan(replace(REQUEST, network=True))
    assert dict(found.needs.items)["network"] == "yes"
    assert found.offer.command is not None
    assert found.offer.command.network


# --- the key -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"repository": "https://git.example/other/some-project.git"},
        {"line": "make all"},
        {"options": (("opt", "2"), ("debug", "0"))},
        {"options": (("opt", "jit"),)},
        {"artifacts": ("dist/*", "README")},
        {"needs": "arch=aarch64"},
        {"needs": "libc=musllinux"},
        {"needs": "python=cp312"},
        {"needs": "label=special"},
        {"name": "other"},
        {"network": True},
    ],
)
def test_what_shapes_the_result_makes_another_job(change: dict[str, str]) -> None:
    assert key(replace(REQUEST, **change)) != key()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"tolerance": 3},
        {"revision": "v1"},
        {"options": (("debug", "0"), ("opt", "jit"))},
        {"needs": 'memory_gb=">=8",cores=">=2",os=linux,arch=x86_64'},
        {"artifacts": ("./dist//*",)},
    ],
)
def test_what_shapes_nothing_leaves_the_job_the_same(change: dict[str, str]) -> None:
    assert key(replace(REQUEST, **change)) == key()  # type: ignore[arg-type]


def test_another_commit_or_another_machine_makes_another_job() -> None:
    assert key(revision=at(8)) != key()
    assert key(surroundings="gcc 13") != key(surroundings="gcc 12")


def test_a_list_of_arguments_is_not_the_line_that_it_looks_like() -> None:
    line = replace(REQUEST, line="/bin/sh -c make")
    assert key(line) != key(replace(REQUEST, line="", arguments=("/bin/sh", "-c", "make")))


# --- a range of revisions ------------------------------------------------------------------------


def test_a_build_of_another_revision_within_the_range_lies_under_one_of_the_candidates() -> None:
    around = replace(REQUEST, tolerance=2)
    candidates = plan(around, at(7, 5, 6, 8, 9)).candidates
    assert [one.number for one in candidates] == [7, 8, 6, 9, 5]
    for one in candidates:
        assert one.key == key(revision=at(one.number))
        assert one.commit == commit(one.number)


def test_beyond_the_range_nothing_serves() -> None:
    around = replace(REQUEST, tolerance=1)
    assert [one.number for one in plan(around, at(7, 5, 6, 8, 9)).candidates] == [7, 8, 6]
    assert [one.number for one in plan(REQUEST, at(7, 6, 8)).candidates] == [7]


def test_where_something_else_differs_no_candidate_is_that_build() -> None:
    around = plan(replace(REQUEST, tolerance=1, options=()), at(7, 6, 8))
    assert key(revision=at(8)) not in {one.key for one in around.candidates}


# --- the job file --------------------------------------------------------------------------------

FILE = """
name = "from-the-file"
command = ["make", "OPT={opt}", "{unknown}", "a{opt}b"]
artifacts = ["out"]
[options]
opt = 2
debug = false
[needs]
memory_gb = ">=4"
arch = "aarch64"
"""
BARE = CommandRequest(repository="https://git.example/x")


def test_the_repositorys_job_file_gives_what_was_not_asked_for() -> None:
    found = plan(BARE, job_file=FILE)
    command = found.offer.command
    assert command is not None
    assert command.arguments == ("make", "OPT=2", "{unknown}", "a2b")
    assert command.artifacts == ("out",)
    assert command.filename == "from-the-file-7-000000000000.zip"
    assert dict(command.variables)["debug"] == "false"
    assert dict(found.needs.items) == {"os": "linux", "arch": "aarch64", "memory_gb": ">=4"}


def test_what_was_asked_for_comes_before_the_job_file() -> None:
    asked = replace(
        BARE, options=(("opt", "3"),), artifacts=("x",), name="mine", needs="arch=x86_64"
    )
    found = plan(asked, job_file=FILE)
    command = found.offer.command
    assert command is not None
    assert command.arguments[1] == "OPT=3"
    assert command.artifacts == ("x",)
    assert command.filename == "mine-7-000000000000-opt=3.zip"
    assert found.offer.target.platform == "linux_x86_64"


def test_an_option_with_its_usual_value_is_the_same_job_as_without() -> None:
    assert key(replace(BARE, options=(("opt", "2"),)), job_file=FILE) == key(BARE, job_file=FILE)


def test_another_job_file_is_another_job() -> None:
    assert key(BARE, job_file=FILE.replace("OPT=", "O=")) != key(BARE, job_file=FILE)


def test_a_request_may_bring_a_job_file_of_its_own() -> None:
    assert key(replace(BARE, job_file=FILE), job_file="name = 'x'") == key(BARE, job_file=FILE)


def test_a_command_of_ones_own_has_options_of_its_own() -> None:
    asked = replace(BARE, line="make $x", options=(("x", "1"),))
    command = plan(asked, job_file=FILE).offer.command
    assert command is not None
    assert dict(command.variables)["x"] == "1"


def test_an_empty_job_file_is_none() -> None:
    assert JobFile.parse("") == JobFile()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("comand = 'x'", "has no key 'comand'", "'command'"),
        ("command = 3", "has 3 as command", "["),
        ("command = ['a', 3]", "as command", "["),
        ("artifacts = [3]", "as artifacts", "["),
        ("name = ['x']", "as name", "name"),
        ("options = 'x'", "as options", "table"),
        ("options = {a = [1]}", "as options", "table"),
        ("needs = 'x'", "as needs", "table"),
        ("needs = {a = {b = 1}}", "'a'", "word"),
        ("x = ", "cannot be read", "Correct"),
    ],
)
def test_a_job_file_that_cannot_be_followed_says_why(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        JobFile.parse(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


# --- what makes no sense -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"line": ""}, "no command says how"),
        ({"line": "  "}, "no command says how"),
        ({"arguments": ("make",)}, "are two commands"),
        ({"line": "a\0b"}, "has a NUL"),
        ({"artifacts": ()}, "no pattern says which files"),
        ({"artifacts": ("/etc/passwd",)}, "'/etc/passwd' is no pattern"),
        ({"artifacts": ("a/../../x",)}, "'a/../../x' is no pattern"),
        ({"artifacts": ("",)}, "'' is no pattern"),
        ({"artifacts": (".",)}, "'.' is no pattern"),
        ({"options": (("a-b", "1"),)}, "'a-b' is no name of an option"),
        ({"options": (("", "1"),)}, "'' is no name of an option"),
        ({"options": (("PATH", "/x"),)}, "'PATH' would replace"),
        ({"options": (("a", "1\0"),)}, "'a' has a NUL"),
        ({"options": (("API_TOKEN", "1"),)}, "'API_TOKEN' looks like a secret"),
        ({"options": (("from", "https://me:pw@git.example/"),)}, "'from' looks like a secret"),
        ({"options": (("a", "1"), ("a", "2"))}, "given twice: a"),
        ({"tolerance": -1}, "a range of -1"),
        ({"tolerance": 10_001}, "a range of 10001"),
        ({"needs": "memory"}, "'memory' is not a need"),
        ({"needs": "arch=vax"}, "'linux_vax' is not a platform"),
        ({"needs": "python=cp999"}, "'cp999' is not an interpreter"),
        ({"repository": "https://git.example/-/"}, "'-', the last part"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(WheelyardError) as caught:
        plan(replace(REQUEST, **change))  # type: ignore[arg-type]
    assert message in caught.value.message
    assert caught.value.hint


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidNameError):
        plan(replace(REQUEST, name="-x-"))


def test_an_option_that_the_job_file_does_not_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan(replace(BARE, options=(("otp", "3"),)), job_file=FILE)
    assert caught.value.hint == "Did you mean 'opt'?"
