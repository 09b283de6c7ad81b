"""The Pythons of this machine."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wheelyard.executor.interpreters import (
    MachineInterpreters,
    native_platform,
)
from wheelyard.ports import Interpreters
from wheelyard.targets.interpreter import Interpreter
from wheelyard.targets.target import Target

ANSWER: Mapping[str, Any] = {
    "implementation": "cpython",
    "version": [3, 14, 2],
    "release_level": "final",
    "release_serial": 0,
    "abi_flags": "",
    "free_threaded": False,
    "soabi": "cpython-314-x86_64-linux-gnu",
    "platform": "linux-x86_64",
    "libc": "glibc 2.39",
    "macos": "",
    "machine": "x86_64",
    "bits": 64,
    "prefix": "/nowhere",
    "include": ["/nowhere/include"],
    "standard_library": "/nowhere/lib",
    "has_ctypes": True,
}


@dataclass
class Machine:
    """A home and a PATH below one folder."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment |= {"HOME": str(self.root / "home"), "PATH": str(self.root / "bin")}
        (self.root / "home").mkdir()
        (self.root / "bin").mkdir()

    def script(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def python(self, name: str, **answer: Any) -> Path:
        """Put a program somewhere that answers as a Python that this machine does not have."""
        said = json.dumps({**ANSWER, **answer})
        return self.script(name, f"#!/bin/sh\necho asked >> {self.root / 'asked'}\necho '{said}'\n")

    def asked(self) -> int:
        """Count how often such programs were run."""
        log = self.root / "asked"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def link(self, name: str, target: Path = Path(sys.executable)) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


RUNNING = f"cp3{sys.version_info.minor}"


def find(machine: Machine | None = None, **options: Any) -> MachineInterpreters:
    environment = None if machine is None else machine.environment
    return asyncio.run(MachineInterpreters.find(environment=environment, **options))


def paths(found: MachineInterpreters) -> set[Path]:
    return {one.executable for one in found.found}


def broken(found: MachineInterpreters) -> dict[str, str]:
    return {one.executable.name: one.reason for one in found.broken}


def test_the_running_python_is_found_and_builds_for_its_native_target(machine: Machine) -> None:
    found = find(machine)
    port: Interpreters = found
    executable = port.executable(Target.parse(RUNNING, native_platform()))
    assert executable is not None
    asked = subprocess.run(
        [executable, "-c", "import sys; print(sys.version.split()[0], sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert asked == [sys.version.split()[0], sys.base_prefix]


def test_every_python_that_version_managers_installed_here_is_found_and_works() -> None:
    found = find()
    assert found.targets() == tuple(sorted(found.targets()))
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = {
        Interpreter.parse(f"cp3{folder.name.split('.')[1]}")
        for folder in (root / "versions").glob("3.[0-9]*.[0-9]*")
        if (folder / "bin" / "python3").exists() and folder.name[2:].replace(".", "").isdigit()
    }
    assert installed <= {one.target.interpreter for one in found.found}
    assert "shims" not in " ".join(map(str, paths(found)))
    for one in found.found:
        assert one.version.startswith(one.target.interpreter.python_version)
        assert one.target.platform == native_platform()


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        ("bin", {}),
        ("home/.pyenv/versions/3.14.2/bin", {}),
        ("pyenv/versions/3.14.2/bin", {"PYENV_ROOT": "pyenv"}),
        ("home/.local/share/uv/python/cpython-3.14.2-linux-x86_64-gnu/bin", {}),
        ("data/uv/python/cpython-3.14.2-linux-x86_64-gnu/bin", {"XDG_DATA_HOME": "data"}),
        ("uv/cpython-3.14.2-linux-x86_64-gnu/bin", {"UV_PYTHON_INSTALL_DIR": "uv"}),
        ("conda/envs/new/bin", {"CONDA_PREFIX": "conda/envs/new"}),
        ("conda/bin", {"CONDA_EXE": "conda/bin/conda"}),
        ("home/.asdf/installs/python/3.14.2/bin", {}),
        ("home/.local/share/mise/installs/python/3.14/bin", {}),
        ("another/.pyenv/versions/3.14.2/bin", {"PATH": "another/.pyenv/shims"}),
        ("another/asdf/installs/python/3.14.2/bin", {"PATH": "another/asdf/shims"}),
    ],
)
def test_a_python_is_found_where_its_manager_puts_it(
    machine: Machine, place: str, variables: dict[str, str]
) -> None:
    python = machine.python(f"{place}/python3.14")
    machine.environment |= {key: str(machine.root / value) for key, value in variables.items()}
    assert python in paths(find(machine))


def test_the_environments_that_conda_lists_are_found(machine: Machine) -> None:
    python = machine.python("somewhere/bin/python3.14")
    listed = machine.root / "home" / ".conda" / "environments.txt"
    listed.parent.mkdir()
    listed.write_text(f"{machine.root / 'gone'}\n\n{machine.root / 'somewhere'}\n")
    assert python in paths(find(machine))


def test_shims_of_version_managers_are_not_interpreters(machine: Machine) -> None:
    failing = "exit 3\n"
    machine.script("home/.pyenv/shims/python3", f"#!/usr/bin/env bash\n{failing}")
    machine.script("bin/python3.9", f'#!/bin/sh\nexec mise x python -- "$@"\n{failing}')
    machine.script("bin/python3.8", f"#!/usr/bin/env bash\n# asdf-plugin: python\n{failing}")
    program = machine.script("mise/mise", f"#!/bin/sh\n{failing}")
    machine.link("bin/python3.10", program)
    machine.environment["PATH"] += f":{machine.root / 'home' / '.pyenv' / 'shims'}"
    found = find(machine)
    assert not found.broken
    assert not [path for path in paths(found) if machine.root in path.parents]


def test_a_wrapper_that_is_no_shim_is_asked(machine: Machine) -> None:
    wrapper = machine.script("bin/python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    environment = {**machine.environment}
    found = asyncio.run(MachineInterpreters.find(environment=environment))
    assert not found.broken
    assert wrapper.exists()
    assert found.interpreter(Target.parse(RUNNING, native_platform())) is not None


def test_a_virtual_environment_stands_for_the_python_that_it_was_made_from(
    machine: Machine,
) -> None:
    for way in ("--copies", "--symlinks"):
        folder = machine.root / way
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", way, folder], check=True, timeout=60
        )
        machine.environment["PATH"] += f":{folder / 'bin'}"
    found = find(machine)
    assert not found.broken
    assert not [path for path in paths(found) if machine.root in path.parents]


def test_relative_entries_of_path_are_not_looked_at(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.python("here/python3.14")
    monkeypatch.chdir(machine.root / "here")
    machine.environment["PATH"] = ".::here"
    assert not [path for path in paths(find(machine)) if machine.root in path.parents]


def test_broken_pythons_are_reported_and_the_others_found(machine: Machine) -> None:
    machine.script("bin/python3.7", "#!/bin/sh\necho no such library >&2\nexit 127\n")
    machine.script("bin/python3.8", "#!/bin/sh\necho Python 3.8\n")
    machine.script("bin/python3.9", "\x7fELF not really")
    machine.script("bin/python3.10", "#!/bin/sh\nyes\n")
    machine.script("bin/python3.15", "#!/bin/sh\nsleep 60 & wait\n")
    machine.python("bin/python3.5", version=[3, 5, 9])
    machine.python("bin/python3.6", implementation="graalpy")
    machine.python("bin/python3.11", platform="linux-vax")
    found = find(machine, timeout_seconds=0.5)
    reasons = broken(found)
    assert "status 127: no such library" in reasons["python3.7"]
    assert "answered 'Python 3.8'" in reasons["python3.8"]
    assert "cannot be started" in reasons["python3.9"]
    assert "did not answer within 0.5 seconds" in reasons["python3.10"]
    assert "did not answer within 0.5 seconds" in reasons["python3.15"]
    assert "3.6 is the oldest" in reasons["python3.5"]
    assert "graalpy" in reasons["python3.6"]
    assert "linux_vax" in reasons["python3.11"]
    assert found.executable(Target.parse(RUNNING, native_platform()))


def test_pythons_are_asked_side_by_side(machine: Machine) -> None:
    """Each of the two answers only after the other was started."""
    for mine, other in (("8", "9"), ("9", "8")):
        wait = f"while [ ! -e {machine.root}/{other} ]; do sleep 0.01; done"
        machine.script(
            f"bin/python3.{mine}",
            f"#!/bin/sh\n: > {machine.root}/{mine}\n{wait}\necho {mine} was asked\n",
        )
    reasons = broken(find(machine))
    assert "8 was asked" in reasons["python3.8"]
    assert "9 was asked" in reasons["python3.9"]


def test_python_2_is_not_even_asked(machine: Machine) -> None:
    real = machine.script("bin/python2.7", "#!/bin/sh\nexit 9\n")
    machine.link("bin/python", real)
    assert not find(machine).broken


def test_an_answer_is_remembered_until_the_file_changes(machine: Machine, tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "interpreters.json"
    python = machine.python("bin/python3.14")
    first = find(machine, cache=cache)
    assert find(machine, cache=cache) == first
    assert machine.asked() == 1
    machine.python("bin/python3.14", version=[3, 14, 11])
    changed = find(machine, cache=cache)
    assert machine.asked() == 2
    assert {one.version for one in changed.found if one.executable == python} == {"3.14.11"}


@pytest.mark.parametrize("content", [b"", b"{", b'{"format":"other","answers":{}}', b"\xff\x00"])
def test_a_spoilt_cache_is_made_anew(machine: Machine, tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "interpreters.json"
    cache.write_bytes(content)
    machine.python("bin/python3.14")
    find(machine, cache=cache)
    find(machine, cache=cache)
    assert machine.asked() == 1
    assert [path.name for path in tmp_path.glob("*json*")] == ["interpreters.json"]


def test_a_cache_that_cannot_be_written_spoils_nothing(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    machine.python("bin/python3.14")
    assert find(machine, cache=tmp_path / "file" / "cache.json").found


def test_the_second_look_takes_milliseconds(tmp_path: Path) -> None:
    cache = tmp_path / "interpreters.json"
    find(cache=cache)
    began = time.process_time()
    find(cache=cache)
    assert time.process_time() - began < 0.2


def test_headers_that_are_installed_later_are_seen_although_the_answer_is_remembered(
    machine: Machine, tmp_path: Path
) -> None:
    include = tmp_path / "include"
    include.mkdir()
    python = machine.python("bin/python3.14", include=[str(include)])
    target = Target.parse("cp314-manylinux_2_39_x86_64")

    def headers() -> bool:
        found = find(machine, cache=tmp_path / "cache.json").interpreter(target)
        assert found is not None
        assert found.executable == python
        return found.has_headers

    assert not headers()
    (include / "Python.h").write_text("")
    assert headers()
    assert machine.asked() == 1


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ({}, "cp314-manylinux_2_39_x86_64"),
        ({"free_threaded": True}, "cp314t-manylinux_2_39_x86_64"),
        ({"version": [3, 7, 17]}, "cp37m-manylinux_2_39_x86_64"),
        ({"implementation": "pypy", "version": [3, 10, 16]}, "pp310-manylinux_2_39_x86_64"),
        ({"libc": "musl 1.2.5"}, "cp314-musllinux_1_2_x86_64"),
        ({"libc": ""}, "cp314-linux_x86_64"),
        ({"bits": 32}, "cp314-manylinux_2_39_i686"),
        ({"bits": 32, "platform": "linux-aarch64"}, "cp314-manylinux_2_39_armv7l"),
        ({"platform": "linux-armv6l", "libc": "glibc 2.36"}, "cp314-linux_armv6l"),
        ({"platform": "linux-riscv64"}, "cp314-manylinux_2_39_riscv64"),
        (
            {"platform": "macosx-10.13-universal2", "macos": "14.5", "machine": "arm64"},
            "cp314-macosx_14_0_arm64",
        ),
        ({"platform": "win-amd64"}, "cp314-win_amd64"),
    ],
)
def test_an_answer_names_its_target(machine: Machine, answer: dict[str, Any], target: str) -> None:
    python = machine.python("bin/python3.14", **answer)
    found = {one.executable: one.target for one in find(machine).found}
    assert str(found[python]) == target


def test_a_prerelease_says_so_in_its_version(machine: Machine) -> None:
    python = machine.python(
        "bin/python3.15", version=[3, 15, 0], release_level="candidate", release_serial=2
    )
    assert {one.version for one in find(machine).found if one.executable == python} == {"3.15.0rc2"}
