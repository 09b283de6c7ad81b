"""Hosts that are network namespaces: some on one switch, some behind a gateway that translates addresses.

This machine itself is on the switch, too: it is the host of the coordinator, which needs the index that
releases come from. No other host has a way to anywhere but the farm.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rehearsal.telling import RehearsalError

_PREFIX = "wyard-"
_SWITCH, _INNER = "wyard-switch", "wyard-inner"
_OUTSIDE, _INSIDE = "10.213.0", "10.213.1"
COORDINATOR = f"{_OUTSIDE}.1"
_GATE = f"{_OUTSIDE}.254"
_INSIDE_GATE = f"{_INSIDE}.254"
_REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), timeout=1)
except ConnectionRefusedError:
    pass
except OSError:
    sys.exit(1)
"""
_TRANSLATE = f"""
table ip wyard {{
    chain out {{
        type nat hook postrouting priority srcnat;
        ip saddr {_INSIDE}.0/24 masquerade
    }}
    chain through {{
        type filter hook forward priority filter; policy drop;
        ip saddr {_INSIDE}.0/24 accept
        ct state established,related accept
    }}
}}
"""


@dataclass(frozen=True)
class Host:
    """A namespace with an address."""

    name: str
    address: str
    translated: bool

    def command(self, *words: str | Path) -> list[str]:
        """Return what runs a command there; the process is the command's own."""
        return ["ip", "netns", "exec", _PREFIX + self.name, *map(str, words)]

    def processes(self) -> list[int]:
        """Return the processes that run there."""
        listed = subprocess.run(
            ["ip", "netns", "pids", _PREFIX + self.name],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(word) for word in listed.stdout.split()]

    def crash(self) -> None:
        """Kill all that runs there, as a loss of power would."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Network:
    """Makes hosts; ``remove`` ends what runs on them and takes them away."""

    def __init__(self) -> None:
        self._hosts: list[Host] = []
        self._links = 0

    def open(self) -> None:
        """Make the switch and the gateway. Raises RehearsalError."""
        self.remove()
        _ip("link", "add", _SWITCH, "type", "bridge")
        _ip("address", "add", f"{COORDINATOR}/24", "dev", _SWITCH)
        _ip("link", "set", _SWITCH, "up")
        gate = self.host("gate", _GATE)
        inside = ("-n", _PREFIX + gate.name)
        _ip(*inside, "link", "add", _INNER, "type", "bridge")
        _ip(*inside, "address", "add", f"{_INSIDE_GATE}/24", "dev", _INNER)
        _ip(*inside, "link", "set", _INNER, "up")
        _run(*gate.command("sysctl", "-q", "-w", "net.ipv4.ip_forward=1"))
        _run(*gate.command("nft", "-f", "-"), text=_TRANSLATE)

    def host(self, name: str, address: str = "", *, translated: bool = False) -> Host:
        """Add a host to the switch or behind the gateway."""
        self._links += 1
        space = _OUTSIDE if not translated else _INSIDE
        host = Host(name, address or f"{space}.{self._links + 1}", translated)
        self._hosts.append(host)
        namespace, outer = _PREFIX + name, f"wyard{self._links}"
        _ip("netns", "add", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        if translated:
            _ip("link", "set", outer, "netns", f"{_PREFIX}gate")
            inside = ("-n", f"{_PREFIX}gate")
            _ip(*inside, "link", "set", outer, "master", _INNER, "up")
            _ip("-n", namespace, "route", "add", "default", "via", _INSIDE_GATE)
        else:
            _ip("link", "set", outer, "master", _SWITCH, "up")
        return host

    def remove(self) -> None:
        """End everything and take it away; nothing happens where there is nothing."""
        names = list(_left_over())
        for name in names:
            Host(name, "", translated=False).crash()
        deadline = time.monotonic() + 10
        while any(Host(name, "", translated=False).processes() for name in names):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        for name in names:
            subprocess.run(["ip", "netns", "delete", _PREFIX + name], check=False)
        if Path(f"/sys/class/net/{_SWITCH}").exists():
            subprocess.run(["ip", "link", "delete", _SWITCH], check=False)
        self._hosts.clear()


def knows_the_gate(host: Host) -> None:
    """Let a host know the way to those behind the gateway, so that the gateway alone keeps it from them."""
    _ip("-n", _PREFIX + host.name, "route", "replace", f"{_INSIDE}.0/24", "via", _GATE)


def reaches(host: Host, address: str) -> bool:
    """Whether a host reaches an address at all; who refuses a connection is reached."""
    words = host.command(sys.executable, "-S", "-c", _REACH, address)
    return subprocess.run(words, check=False).returncode == 0


def _left_over() -> Iterator[str]:
    folder = Path("/run/netns")
    for path in sorted(folder.glob(f"{_PREFIX}*")) if folder.is_dir() else ():
        yield path.name.removeprefix(_PREFIX)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str, text: str | None = None) -> None:
    done = subprocess.run(
        words,
        input=text or "",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RehearsalError(f"'{' '.join(words)}' failed: {done.stderr.strip()}")
