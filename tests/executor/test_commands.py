"""Commands on a tree: what they see, what is kept of what they leave, and how they end."""

import asyncio
import hashlib
import io
import socket
import stat
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import pytest

from executor.yard import HERE, MakeYard, Yard, running, sdist
from wheelyard.executor.settings import Sandbox
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.command import Command
from wheelyard.model.job import BuildKey, Limits, Offer, Outcome, Report, StepName, Verdict
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.targets.target import Target

pytestmark = pytest.mark.anyio

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TARGET = Target.parse(f"py3-{HERE.partition('-')[2]}")
MAKEFILE = "all:\n\tmkdir dist && cp hello.txt dist && cp run.sh dist && chmod 755 dist/run.sh\n"
TREE = {"Makefile": MAKEFILE, "hello.txt": "hello\n", "run.sh": "#!/bin/sh\n"}


def offer_of(
    yard: Yard,
    *arguments: str,
    artifacts: tuple[str, ...] = ("dist/*",),
    files: dict[str, str] = TREE,
    variables: dict[str, str] | None = None,
    network: bool = False,
    **changes: object,
) -> Offer:
    archive = yard.blobs.keep(sdist("demo", files))
    command = Command(
        arguments=arguments,
        artifacts=artifacts,
        filename=f"demo-7-{COMMIT[:12]}.zip",
        variables=tuple((variables or {}).items()),
        network=network,
    )
    name = f"{archive}{command}{changes}{time.monotonic_ns()}"
    offer = Offer(
        key=BuildKey(hashlib.sha256(name.encode()).hexdigest()),
        release=Release.of("demo", "7"),
        source=Source(
            kind=SourceKind.GIT,
            location="https://git.example/demo.git",
            digest=f"git:{COMMIT}",
            archive=archive,
        ),
        target=TARGET,
        requirements=(),
        source_date_epoch=1_600_000_000,
        command=command,
    )
    return replace(offer, **changes)  # type: ignore[arg-type]


def shell(yard: Yard, line: str, **changes: object) -> Offer:
    return offer_of(yard, "/bin/sh", "-c", line, **changes)  # type: ignore[arg-type]


async def opened(yard: Yard, report: Report) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(await yard.blobs.read(artifact_of(report).digest)))


def artifact_of(report: Report) -> Artifact:
    assert report.outcome is Outcome.BUILT, (report.reason, report.detail)
    assert report.artifact is not None
    return report.artifact


async def test_what_a_command_leaves_is_an_archive_of_what_its_patterns_match(yard: Yard) -> None:
    report = await yard.run(offer_of(yard, "make"))
    artifact = artifact_of(report)
    assert artifact.filename == f"demo-7-{COMMIT[:12]}.zip"
    assert artifact.origin is Origin.COMMAND
    assert artifact.source_digest == f"git:{COMMIT}"
    assert artifact.size == len(await yard.blobs.read(artifact.digest))
    with await opened(yard, report) as archive:
        assert archive.namelist() == ["dist/hello.txt", "dist/run.sh"]
        assert archive.read("dist/hello.txt") == b"hello\n"
        modes = [stat.S_IMODE(entry.external_attr >> 16) for entry in archive.infolist()]
        assert modes == [0o644, 0o755]
    steps = [StepName.FETCH, StepName.UNPACK, StepName.ENVIRONMENT, StepName.BUILD]
    assert [step.name for step in report.steps] == [*steps, StepName.INSPECT, StepName.DELIVER]


async def test_the_same_command_gives_the_same_bytes_whenever_it_runs(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    first, second = [await yard.run(offer_of(yard, "make")) for _ in range(2)]
    assert artifact_of(first).digest == artifact_of(second).digest
    with await opened(yard, first) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2020, 9, 13, 12, 26, 40)}


async def test_what_differs_between_two_runs_is_said(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    line = "mkdir dist; date +%N > dist/when; echo same > dist/same"
    report = await yard.run(shell(yard, line, check_reproducible=True))
    assert report.irreproducible.startswith("dist/when: line 1")
    assert "dist/same" not in report.irreproducible


async def test_a_command_is_given_its_options_its_revision_and_no_python(yard: Yard) -> None:
    line = 'mkdir dist; echo "$opt/$SOURCE_REVISION/$SOURCE_DATE_EPOCH" > dist/said; env > dist/env'
    given = {"opt": "a b; $(c)", "SOURCE_REVISION": "7"}
    report = await yard.run(shell(yard, line, variables=given))
    with await opened(yard, report) as archive:
        assert archive.read("dist/said") == b"a b; $(c)/7/1600000000\n"
        environment = archive.read("dist/env").decode()
    assert "VIRTUAL_ENV" not in environment
    assert "/env/bin" not in environment


async def test_arguments_reach_a_program_as_they_are(yard: Yard) -> None:
    report = await yard.run(
        offer_of(yard, "sh", "-c", 'mkdir dist && printf %s "$1" > dist/x', "sh", "a  b'$HOME")
    )
    with await opened(yard, report) as archive:
        assert archive.read("dist/x") == b"a  b'$HOME"


async def test_a_command_that_fails_is_a_failure_with_its_last_lines(yard: Yard) -> None:
    report = await yard.run(shell(yard, "echo before; echo 'x.c:1: error: boom' >&2; exit 3"))
    assert report.outcome is Outcome.FAILED
    assert "boom" in report.detail
    assert report.artifact is None
    assert "boom" in await yard.log(report)


async def test_a_program_that_is_not_there_is_named(yard: Yard) -> None:
    report = await yard.run(offer_of(yard, "no-such-program", "--now"))
    assert report.outcome is Outcome.FAILED
    assert report.reason == "the program 'no-such-program' cannot be run on this machine"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("true", "no file matches 'dist/*'"),
        ("mkdir dist dist/empty", "no file matches 'dist/*'"),
        ("mkdir dist; ln -s /etc/hosts dist/x", "'dist/x' is a link that leads out of the tree"),
        ("mkdir dist; ln -s ../../../x dist/x", "'dist/x' is a link that leads out of the tree"),
        ("mkdir dist; ln -s gone dist/x", "'dist/x' is a link that leads out of the tree, or"),
        ("ln -s /usr/bin dist", "'dist' is a link that leads out of the tree"),
        ("mkdir dist; mkfifo dist/x", "'dist/x' is a device, a pipe or a socket, and no file"),
        (r"mkdir dist; touch 'dist/a\b'", "has a backslash"),
        (r"mkdir dist; touch dist/$(printf '\377')", "whose name is no Unicode"),
    ],
)
async def test_what_cannot_be_an_artifact_is_a_failure_with_its_reason(
    make_yard: MakeYard, line: str, reason: str
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    report = await yard.run(shell(yard, line, artifacts=("dist/*", "dist")))
    assert report.outcome is Outcome.FAILED
    assert reason.replace("'dist/*'", "'dist/*', 'dist'") in report.reason


async def test_links_inside_of_the_tree_bring_the_files_that_they_lead_to(
    make_yard: MakeYard,
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    line = "mkdir -p dist/lib; echo x > dist/lib/a.so.1; chmod +x dist/lib/a.so.1;"
    line += "ln -s a.so.1 dist/lib/a.so; ln -s lib dist/lib64; ln -s .. dist/round"
    report = await yard.run(shell(yard, line, artifacts=("dist",)))
    with await opened(yard, report) as archive:
        assert archive.namelist() == ["dist/lib/a.so", "dist/lib/a.so.1"]
        assert archive.read("dist/lib/a.so") == b"x\n"
    assert [(one.check, one.verdict) for one in report.findings] == [("artifact", Verdict.WARN)] * 2
    assert {"lib64", "round"} == {one.message.split("'")[1][5:] for one in report.findings}


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (("*.txt",), ["a.txt"]),
        (("**/*.txt",), ["a.txt", "out/b.txt", "out/deep/c.txt"]),
        (("out/**",), ["out/b.txt", "out/deep/c.txt", "out/deep/d.bin"]),
        (("out/*/[cd].*",), ["out/deep/c.txt", "out/deep/d.bin"]),
        (("out/deep",), ["out/deep/c.txt", "out/deep/d.bin"]),
        (("out/deep/[!c].???", "?.txt"), ["a.txt", "out/deep/d.bin"]),
    ],
)
async def test_patterns_mean_what_they_do_in_a_shell(
    make_yard: MakeYard, patterns: tuple[str, ...], names: list[str]
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    line = "mkdir -p out/deep; touch a.txt out/b.txt out/deep/c.txt out/deep/d.bin"
    report = await yard.run(shell(yard, line, artifacts=patterns, files={"x": ""}))
    with await opened(yard, report) as archive:
        assert archive.namelist() == names


async def test_a_pattern_that_matches_nothing_beside_one_that_does_is_a_warning(
    make_yard: MakeYard,
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    report = await yard.run(offer_of(yard, "make", artifacts=("dist/*", "docs/*.pdf")))
    assert [finding.message for finding in report.findings] == ["nothing matches 'docs/*.pdf'"]


async def test_more_than_the_limit_of_artifacts_ends_it_before_anything_is_read(
    make_yard: MakeYard,
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    limits = Limits(artifact_bytes=1 << 20)
    report = await yard.run(shell(yard, "mkdir dist; truncate -s 1T dist/x", limits=limits))
    assert report.outcome in {Outcome.OVER_LIMIT, Outcome.RESOURCES}  # what a file may have ends it
    report = await yard.run(shell(yard, "mkdir dist; truncate -s 1G dist/x", limits=limits))
    assert (report.outcome, report.reason) == (
        Outcome.OVER_LIMIT,
        "its artifacts have 1 GiB, more than 1 MiB",
    )


async def test_a_command_that_is_silent_for_too_long_dies_with_all_that_it_started(
    yard: Yard,
) -> None:
    marker = f"4711{time.monotonic_ns() % 10**9}"
    line = f"trap '' TERM; (setsid sleep {marker} &) ; sleep {marker}"
    report = await yard.run(shell(yard, line, limits=Limits(silence_seconds=0.4)))
    assert report.outcome is Outcome.TIMED_OUT
    assert report.reason == "printed nothing for 0.4 s"
    assert running(marker) == []


async def test_a_cancelled_command_leaves_no_process(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    marker = f"4712{time.monotonic_ns() % 10**9}"
    task = asyncio.ensure_future(yard.run(shell(yard, f"echo begun; sleep {marker}")))
    async with asyncio.timeout(30):
        while not any(line.line == "begun" for line in yard.lines):
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert running(marker) == []


async def test_what_stays_behind_a_command_is_gone_before_its_files_are_read(
    make_yard: MakeYard,
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    marker = f"4713{time.monotonic_ns() % 10**9}"
    line = f"mkdir dist; echo x > dist/x; (setsid sleep {marker} >/dev/null 2>&1 &)"
    assert (await yard.run(shell(yard, line))).outcome is Outcome.BUILT
    assert running(marker) == []


# --- the network ---------------------------------------------------------------------------------


@pytest.fixture
def port() -> Iterator[int]:
    """A server of this machine that says one line."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"here\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def ask(port: int) -> str:
    return f"mkdir dist; exec 3<>/dev/tcp/127.0.0.1/{port} && head -1 <&3 > dist/said"


@pytest.mark.parametrize("fork", [True, False])
async def test_a_command_has_no_network(make_yard: MakeYard, port: int, fork: bool) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE, network=True, fork=fork)
    report = await yard.run(offer_of(yard, "bash", "-c", ask(port)))
    assert report.outcome is Outcome.FAILED
    assert "no network" in report.sandbox


async def test_a_command_has_the_network_where_it_asks_and_the_machine_allows_it(
    make_yard: MakeYard, port: int
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE, network=True)
    report = await yard.run(offer_of(yard, "bash", "-c", ask(port), network=True))
    with await opened(yard, report) as archive:
        assert archive.read("dist/said") == b"here\n"
    assert "the network" in report.sandbox
    assert "no network" not in report.sandbox


async def test_a_machine_that_allows_no_network_refuses_such_a_command(yard: Yard) -> None:
    report = await yard.run(offer_of(yard, "make", network=True))
    assert report.outcome is Outcome.REFUSED
    assert "asks for the network" in report.reason


async def test_a_python_that_is_asked_for_is_first_on_the_path(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    line = "mkdir dist; command -v python > dist/which"
    report = await yard.run(shell(yard, line, target=Target.parse(HERE)))
    with await opened(yard, report) as archive:
        assert archive.read("dist/which") == b"/env/bin/python\n"


async def test_how_to_repeat_it_by_hand_is_said(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    report = await yard.run(offer_of(yard, "make", "all", variables={"opt": "a b"}))
    assert report.repeat == (
        "git clone https://git.example/demo.git demo && cd demo && "
        f"git checkout --detach {COMMIT} && env SOURCE_DATE_EPOCH=1600000000 'opt=a b' make all"
    )
