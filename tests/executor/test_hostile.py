"""What a hostile package tries, and what becomes of it."""

import asyncio
import os
import secrets
import socket
from pathlib import Path

import pytest

from executor.yard import MakeYard, Yard, running
from wheelyard.executor.settings import Sandbox
from wheelyard.model.job import Limits, Outcome

pytestmark = pytest.mark.anyio
TRY = """
def attempt(what, work):
    try:
        print(what, "->", work())
    except BaseException as error:
        print(what, "failed", type(error).__name__, getattr(error, "errno", ""))
"""


@pytest.fixture(params=["warm", "single"])
def sandbox(request: pytest.FixtureRequest, make_yard: MakeYard) -> Yard:
    return make_yard(sandbox=Sandbox.REQUIRE, fork=request.param == "warm")


def hook(*lines: str) -> str:
    return TRY + "import os, socket, subprocess, signal, time, ctypes\n" + "\n".join(lines)


async def test_other_jobs_and_the_machines_secrets_cannot_be_read(sandbox: Yard) -> None:
    secret = sandbox.state / "token"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("swordfish")
    waiting = sandbox.offer(
        "open('mine', 'w').write('swordfish'); import time; time.sleep(1.5)", name="victim"
    )
    thief = sandbox.offer(
        hook(
            "print('jobs', os.listdir('/jobs') if os.path.isdir('/jobs') else [])",
            f"attempt('token', lambda: open({str(secret)!r}).read())",
            "attempt('shadow', lambda: open('/etc/shadow').read())",
            "attempt('home', lambda: os.listdir('/root/.ssh'))",
            "print('found', subprocess.getoutput('grep -rs swordfish / --include=mine --exclude-dir=proc --exclude-dir=sys'))",
            "print('by proc', subprocess.getoutput('cat /proc/[0-9]*/root/build/source/*/mine /proc/[0-9]*/cwd/mine 2>/dev/null'))",
        ),
        name="thief",
    )

    _, report = await asyncio.gather(sandbox.run(waiting), sandbox.run(thief))

    log = await sandbox.log(report)
    assert report.outcome is Outcome.BUILT, log
    assert "jobs []" in log
    assert "swordfish" not in log
    assert log.count(" failed ") == 3


async def test_the_warm_interpreter_and_other_processes_are_out_of_reach(
    make_yard: MakeYard,
) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    neighbour = yard.offer("import time; time.sleep(1.5)", name="neighbour")
    report, other = await asyncio.gather(
        yard.run(
            yard.offer(
                hook(
                    "mine = os.readlink('/proc/self')",
                    "others = [p for p in os.listdir('/proc') if p.isdigit() and p != mine]",
                    "assert others",
                    "for p in others:",
                    "    for name in ('environ', 'mem', 'maps'):",
                    "        try:",
                    "            with open('/proc/%s/%s' % (p, name), 'rb') as s: s.read(1)",
                    "        except OSError: pass",
                    "        else:",
                    "            if open('/proc/%s/status' % p).read().split('NSpid:')[1].split('\\n')[0].split()[-1] not in ('1', '2', '3'): print('REACHED', p, name)",
                    "    for number in (signal.SIGKILL, signal.SIGTERM):",
                    "        pid = int(p)",
                    "        if pid > 3:",
                    "            try: os.kill(pid, number); print('KILLED', pid)",
                    "            except ProcessLookupError: pass",
                    "attempt('ptrace', lambda: ctypes.CDLL(None, use_errno=True).ptrace(16, 2, 0, 0))",
                )
            )
        ),
        yard.run(neighbour),
    )

    log = await yard.log(report)
    assert report.outcome is Outcome.BUILT, log
    assert "REACHED" not in log
    assert "KILLED" not in log
    assert "ptrace -> -1" in log
    assert other.outcome is Outcome.BUILT


async def test_there_is_no_network(sandbox: Yard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        report = await sandbox.run(
            sandbox.offer(
                hook(
                    f"attempt('here', lambda: socket.create_connection(('127.0.0.1', {port}), 1))",
                    "attempt('out', lambda: socket.create_connection(('192.0.2.1', 80), 1))",
                )
            )
        )

    log = await sandbox.log(report)
    assert "here failed ConnectionRefusedError" in log
    assert "out failed OSError 101" in log


async def test_jobs_do_not_meet_on_the_loopback(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.REQUIRE)
    listener = "import socket, time; s = socket.create_server(('127.0.0.1', 4242)); a = socket.socket(socket.AF_UNIX); a.bind('\\0meet'); a.listen(); time.sleep(1)"
    caller = hook(
        "time.sleep(0.5)",
        "attempt('tcp', lambda: socket.create_connection(('127.0.0.1', 4242), 1))",
        "attempt('unix', lambda: socket.socket(socket.AF_UNIX).connect('\\0meet'))",
    )
    one, two = await asyncio.gather(
        yard.run(yard.offer(listener, name="one")), yard.run(yard.offer(caller, name="two"))
    )

    assert one.outcome is Outcome.BUILT
    log = await yard.log(two)
    assert log.count("failed ConnectionRefusedError") == 2


async def test_nothing_outside_of_its_folder_can_be_written(sandbox: Yard) -> None:
    places = (
        "/x",
        "/usr/x",
        "/env/x",
        "/env/lib/x",
        "/etc/x",
        "/dev/x",
        "/wheelyard/x",
        "/environments/x",
        "/proc/sys/kernel/x",
    )
    lines = [f"attempt({place!r}, lambda: open({place!r}, 'w').write('x'))" for place in places]
    lines.append(
        "import tinyback; attempt('back end', lambda: open(tinyback.__file__, 'a').write('x'))"
    )

    report = await sandbox.run(sandbox.offer(hook(*lines)))

    log = await sandbox.log(report)
    assert log.count(" failed ") == len(places) + 1, log


async def test_namespaces_mounts_and_devices_are_closed(sandbox: Yard) -> None:
    report = await sandbox.run(
        sandbox.offer(
            hook(
                "libc = ctypes.CDLL(None, use_errno=True)",
                "print('unshare', libc.unshare(0x10000000), ctypes.get_errno())",
                "print('mount', libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), ctypes.get_errno())",
                "print('umount', libc.umount2(b'/jobs', 2), ctypes.get_errno())",
                "print('keyctl', libc.syscall(250, 0, 0, 0), ctypes.get_errno())",
                "print('caps', [l for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp:'))])",
                "print('devices', sorted(os.listdir('/dev')))",
            )
        )
    )

    log = await sandbox.log(report)
    for name in ("unshare", "mount", "umount", "keyctl"):
        assert f"{name} -1 1" in log, log
    assert "CapEff:\\t0000000000000000" in log
    assert "NoNewPrivs:\\t1" in log
    assert "Seccomp:\\t2" in log
    assert "vda" not in log
    assert "mem'" not in log.partition("devices")[2]


async def test_a_daemon_dies_with_its_job(yard: Yard) -> None:
    marker = f"86400.{secrets.randbelow(10**9)}"
    daemon = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.closerange(0, 3)\n"
        f"        os.execvp('sleep', ['sleep', {marker!r}])\n"
        "    os._exit(0)\n"
        "time.sleep(0.1)\n"
    )

    report = await yard.run(yard.offer(daemon))

    assert report.outcome is Outcome.BUILT, report.reason
    assert running(marker) == []


async def test_a_silent_hang_that_ignores_sigterm_ends_in_time(yard: Yard) -> None:
    marker = f"86400.{secrets.randbelow(10**9)}"
    stubborn = (
        "import signal, subprocess, time\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
        f"subprocess.Popen(['sleep', {marker!r}], start_new_session=True)\n"
        "print('going quiet')\n"
        "while True: time.sleep(60)\n"
    )

    report = await yard.run(yard.offer(stubborn, limits=Limits(silence_seconds=0.6)))

    assert report.outcome is Outcome.TIMED_OUT
    assert report.reason == "printed nothing for 0.6 s"
    assert report.wall_seconds < 10
    assert "going quiet" in await yard.log(report)
    assert running(marker) == []


async def test_a_build_that_never_ends_is_timed_out_however_much_it_says(yard: Yard) -> None:
    chatty = "import time\nwhile True: print('still here'); time.sleep(0.05)"

    report = await yard.run(yard.offer(chatty, limits=Limits(wall_seconds=1)))

    assert report.outcome is Outcome.TIMED_OUT
    assert report.wall_seconds < 10


async def test_endless_output_is_cut_and_ends_the_job(yard: Yard) -> None:
    report = await yard.run(
        yard.offer("while True: print('x' * 1000)", limits=Limits(log_bytes=200_000))
    )

    assert report.outcome is Outcome.OVER_LIMIT
    assert 200_000 <= report.log_bytes < 210_000
    assert "its limit of 195 KiB" in report.reason
    assert "--log-limit" in report.hint


async def test_binary_output_harms_nobody(yard: Yard) -> None:
    report = await yard.run(
        yard.offer(
            "import os\nfor i in range(64): os.write(1, os.urandom(4096) + b'\\n\\0\\xff\\x1b[2J')"
        )
    )

    assert report.outcome is Outcome.BUILT, report.reason
    assert report.log_bytes > 64 * 4096


async def test_too_many_processes_end_the_job_and_not_the_builder(yard: Yard) -> None:
    marker = f"86400.{secrets.randbelow(10**9)}"
    bomb = (
        "import subprocess, time\n"
        f"for i in range(150): subprocess.Popen(['sleep', {marker!r}])\n"
        "time.sleep(60)\n"
    )

    report = await yard.run(yard.offer(bomb, limits=Limits(processes=60)))

    assert report.outcome in {Outcome.RESOURCES, Outcome.FAILED}
    assert running(marker) == []
    assert (await yard.run(yard.offer())).outcome is Outcome.BUILT


@pytest.mark.parametrize(
    "hog",
    [
        "import time\nkeep = []\nwhile True: keep.append(bytearray(16 << 20)); time.sleep(0.01)",
        "bytearray(400 << 20)",
    ],
    ids=["slowly", "at once"],
)
async def test_too_much_memory_is_a_matter_of_resources_and_names_the_limit(
    yard: Yard, hog: str
) -> None:
    report = await yard.run(yard.offer(hog, limits=Limits(memory_bytes=256 << 20)))

    assert report.outcome is Outcome.RESOURCES, report.reason
    assert "its limit of 256 MiB" in report.reason
    assert "--memory-limit" in report.hint
    assert report.limited


async def test_memory_that_the_machine_did_not_have_is_not_blamed_on_the_limit(yard: Yard) -> None:
    killed = "import os\nos.kill(os.getpid(), 9)"

    report = await yard.run(yard.offer(killed))

    assert report.outcome is Outcome.RESOURCES, report.reason
    assert "limit of" not in report.reason
    assert not report.limited


async def test_too_much_on_the_disk_is_a_matter_of_resources(yard: Yard) -> None:
    hog = "import time\nfor i in range(600): open('f%d' % i, 'wb').write(b'x' * (1 << 18)); time.sleep(0.02)"

    report = await yard.run(yard.offer(hog, limits=Limits(disk_bytes=8 << 20)))

    assert report.outcome is Outcome.RESOURCES, report.reason
    assert "its limit of 8 MiB" in report.reason
    assert "--disk-limit" in report.hint
    assert report.limited


async def test_a_wheel_over_its_limit_is_over_limit(yard: Yard) -> None:
    report = await yard.run(yard.offer(limits=Limits(artifact_bytes=100)))

    assert report.outcome is Outcome.OVER_LIMIT
    assert "more than its limit of 0.0977 KiB" in report.reason
    assert "--artifact-limit" in report.hint


@pytest.mark.parametrize(
    "trick",
    [
        "os.symlink(os.path.join({place!r}, NAME), os.path.join(OUT, NAME))",
        "os.rmdir(OUT); os.symlink({place!r}, OUT)",
    ],
)
async def test_links_do_not_lead_out_of_the_job(yard: Yard, tmp_path: Path, trick: str) -> None:
    name = "demo-1.0-py3-none-any.whl"
    (tmp_path / name).write_bytes(b"a secret")
    backend = (
        f"import os\nNAME = {name!r}\n"
        "def build_wheel(OUT, config_settings=None, metadata_directory=None):\n"
        f"    {trick.format(place=str(tmp_path))}\n"
        "    return NAME\n"
    )

    report = await yard.run(yard.offer(files={"tinyback.py": backend}, in_tree=True))

    assert report.outcome is Outcome.FAILED
    assert "which is no wheel" in report.reason
    assert (tmp_path / name).read_bytes() == b"a secret"


async def test_a_returned_path_is_no_file_name(yard: Yard) -> None:
    backend = "def build_wheel(*a, **k): return '../source/demo-1.0/demo-1.0-py3-none-any.whl'\n"

    report = await yard.run(yard.offer(files={"tinyback.py": backend}, in_tree=True))

    assert report.outcome is Outcome.FAILED
    assert "which is no wheel" in report.reason


async def test_an_import_cannot_change_the_wheel_that_is_stored(yard: Yard) -> None:
    evil = (
        "import glob, os, sys\n"
        "for place in ('/build/*.whl', os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + '/*.whl'):\n"
        "    for path in glob.glob(place): open(path, 'ab').write(b'poison')\n"
    )

    report = await yard.run(yard.offer(files={"src/demo.py": evil}))

    assert report.artifact is not None
    assert b"poison\n" not in (await yard.blobs.read(report.artifact.digest))[-8:]
    assert not (await yard.blobs.read(report.artifact.digest)).endswith(b"poison")


async def test_cancelling_kills_the_whole_tree(yard: Yard) -> None:
    marker = f"86400.{secrets.randbelow(10**9)}"
    offer = yard.offer(
        f"import subprocess; print('started'); subprocess.run(['sleep', {marker!r}])"
    )
    started = asyncio.Event()
    task = asyncio.create_task(
        yard.executor.run(offer, lambda p: started.set() if p.line == "started" else None)
    )
    await asyncio.wait_for(started.wait(), 20)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert running(marker) == []
    assert (await yard.run(yard.offer(name="after"))).outcome is Outcome.BUILT


async def test_a_job_that_kills_its_supervisor_is_no_crash_of_ours(make_yard: MakeYard) -> None:
    yard = make_yard(sandbox=Sandbox.OFF)
    marker = f"86400.{secrets.randbelow(10**9)}"
    rude = f"import os, signal, subprocess\nsubprocess.Popen(['sleep', {marker!r}])\nos.kill(os.getppid(), signal.SIGKILL)\nimport time; time.sleep(60)"

    report = await yard.run(yard.offer(rude))

    assert report.outcome is Outcome.INFRASTRUCTURE
    assert running(marker) == []
    assert os.getpid()
    assert (await yard.run(yard.offer(name="after"))).outcome is Outcome.BUILT
