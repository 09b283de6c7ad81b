"""What deploy/ holds can be used as it is: units, the compose file, the configuration of NATS."""

import asyncio
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.main import get_command

from wheelyard.bus.nats import NatsBuilderBus, NatsBus
from wheelyard.bus.nats_options import NatsOptions
from wheelyard.bus.server_config import BusUser, user_name
from wheelyard.cli.app import app
from wheelyard.cli.builder import app as builder_app
from wheelyard.errors import BusError
from wheelyard.wiring.bus_guests import AccountsFile

T = TypeVar("T")
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PAGE = DEPLOY.parent / "docs" / "how-to" / "run-a-farm.md"
PROGRAM = "/opt/wheelyard/bin/wheelyard"
PASSWORD = "5ecret"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in {".service", ".path"})


def known(command: str) -> tuple[set[str], set[str]]:
    """The options of serve or builder, and the variables that they read."""
    found: Any = (
        get_command(builder_app) if command == "builder" else get_command(app).commands[command]  # type: ignore[attr-defined]
    )
    options = {option for parameter in found.params for option in parameter.opts}
    return options, {parameter.envvar for parameter in found.params if parameter.envvar}


def unknown(words: list[str], variables: set[str]) -> set[str]:
    """What of a command line and its variables there is not."""
    options, read = known(words[0])
    named = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
    return (named - options) | (variables - read)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here")
    for unit in UNITS:
        text = (DEPLOY / unit).read_text("utf-8").replace(PROGRAM, sys.executable)
        (tmp_path / unit).write_text(text, "utf-8")
    said = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not [line for line in said.stderr.splitlines() if "wheelyard" in line], said.stderr


@pytest.mark.parametrize("name", [unit for unit in UNITS if PROGRAM in (DEPLOY / unit).read_text()])
def test_units_start_what_there_is(name: str) -> None:
    (line,) = re.findall(
        rf"^ExecStart={PROGRAM} (.*)$", (DEPLOY / name).read_text("utf-8"), re.MULTILINE
    )
    assert unknown(line.split(), set()) == set()


def test_the_compose_file_starts_what_there_is() -> None:
    yaml: Any = pytest.importorskip("yaml")
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    services = compose["services"]

    assert set(services) == {"database", "bus", "coordinator", "builder"}
    for name in ("coordinator", "builder"):
        service = services[name]
        variables = {one for one in service["environment"] if one.startswith("WHEELYARD_")}
        assert unknown(service["command"], variables) == set()
    for service in services.values():
        places = [volume.partition(":")[0] for volume in service["volumes"]]
        assert {one for one in places if not one.startswith("./")} <= set(compose["volumes"])
        assert all((DEPLOY / one).is_file() for one in places if one.startswith("./"))
        assert set(service.get("depends_on", ())) <= set(services)


def test_the_variables_of_the_page_are_those_of_serve() -> None:
    block = re.search(
        r"^```\n(WHEELYARD_HOST=.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert block is not None
    assert unknown(["serve"], set(re.findall(r"^(\w+)=", block[1], re.MULTILINE))) == set()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """A nats-server as deploy/ runs it, at a free port; its accounts are in ``accounts/``."""
    if shutil.which("nats-server") is None:
        pytest.skip("there is no nats-server here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (DEPLOY / "nats-server.conf").read_text("utf-8")
    text = text.replace("0.0.0.0:4222", f"127.0.0.1:{port}")
    text = text.replace("/var/lib/nats/jetstream", str(tmp_path / "jetstream"))
    (tmp_path / "nats-server.conf").write_text(text, "utf-8")
    (tmp_path / "accounts").mkdir()
    places = {
        "ACCOUNTS": str(tmp_path / "accounts" / "accounts.json"),
        "CONFIGURATION": str(tmp_path / "nats-server.conf"),
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    with subprocess.Popen(
        ["sh", str(DEPLOY / "run-nats.sh")], env=places, stderr=subprocess.DEVNULL
    ) as process:
        yield f"nats://127.0.0.1:{port}"
        process.terminate()


@pytest.mark.anyio
@pytest.mark.slow
async def test_the_server_of_the_page_lets_in_who_is_written_down_and_nobody_else(
    bus: str, tmp_path: Path
) -> None:
    accounts = AccountsFile(tmp_path / "accounts" / "accounts.json", password=PASSWORD)
    first, second = (BusUser(name=name, password=f"of{name}") for name in ("one", "two"))
    await accounts.write([first])
    coordinator = await let_in(
        lambda: NatsBus.open(NatsOptions(servers=(bus,), user="coordinator", password=PASSWORD))
    )
    await (await let_in(lambda: end_of(bus, first))).close()
    with pytest.raises(BusError):
        await end_of(bus, second)

    await accounts.write([second])

    await (await let_in(lambda: end_of(bus, second))).close()
    with pytest.raises(BusError):
        await end_of(bus, first)
    await coordinator.close()


async def end_of(bus: str, user: BusUser) -> NatsBuilderBus:
    options = NatsOptions(servers=(bus,), user=user_name(user.name), password=user.password)
    return await NatsBuilderBus.open(options, name=user.name)


async def let_in(connect: Callable[[], Awaitable[T]]) -> T:
    """Try until it is let in: the server looks at its accounts once a second."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await connect()
            except BusError:
                continue
