"""What ends badly ends as its own outcome, in words, and harms nothing else."""

import pytest

from e2e.user import Ran, User, processes_of
from wheelyard.testing import sdists
from wheelyard.testing.sdists import Extension, SdistSpec

WRITE_HOME = """
import os, pathlib
home = pathlib.Path(os.path.expanduser("~"))
try:
    home.mkdir(parents=True, exist_ok=True)
    (home / "marker-of-a-build").write_text("x")
except OSError as error:
    print("refused", error)
"""
BINARY = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 4000); sys.stdout.flush()"
MUCH = """
line = b"x" * 1023 + b"\\n"
import sys
for _ in range(100 * 1024):
    sys.stdout.buffer.write(line)
"""
MEMORY = "kept = []\nwhile True: kept.append(bytearray(16 << 20))"
LARGE = """
import os
with open("src/swells/large.bin", "wb") as file:
    file.write(os.urandom(2 << 20))
"""
DISK = """
with open("big", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
        file.flush()
"""


def test_compiler_error_blocks_only_what_needs_it(user: User) -> None:
    user.upload(
        SdistSpec(
            name="breaks",
            extension=Extension.OWN_ABI,
            files={"src/breaks/_native.c": "#include <Python.h>\n#include <openssl/nothing.h>\n"},
        ),
        SdistSpec(name="needs-breaks", build_requires=("breaks",)),
        SdistSpec(name="needs-that", build_requires=("needs-breaks",)),
        SdistSpec(name="alone"),
    )
    ran = user.build("needs-that", "alone")
    assert ran.code == 1
    assert ran.endings == {
        "breaks==1.0": {"failed"},
        "needs-breaks==1.0": {"blocked"},
        "needs-that==1.0": {"blocked"},
        "alone==1.0": {"built"},
    }
    assert ran.row("breaks==1.0")["outcome"] == "failed"
    assert ran.row("breaks==1.0")["reason"] == "needs OpenSSL headers"
    assert ran.row("needs-that==1.0")["cause"]["release"] == "breaks==1.0"


SILENT, MANY_MB = "5s", 100
HARMFUL = {
    "hangs": (sdists.HANG, "timed-out"),
    "memory-hog": (MEMORY, "out-of-resources"),
    "disk-hog": (DISK, "out-of-resources"),
    "endless": (sdists.PRINT_WITHOUT_END, "over-limit"),
    "shouts": (MUCH, "over-limit"),
    "swells": (LARGE, "over-limit"),
}
ODD = {"binary": BINARY, "forks": sdists.LEAVE_A_DAEMON, "homely": WRITE_HOME}


@pytest.fixture(scope="module")
def neighbours(
    tmp_path_factory: pytest.TempPathFactory, interpreters: list[str]
) -> tuple[User, Ran]:
    """One run in which packages that take too much are built beside others."""
    folder = tmp_path_factory.mktemp("neighbours")
    home = folder / "home"
    home.mkdir()
    user = User(
        folder=folder,
        target=interpreters[-1],
        state=folder / "state",
        environment={"HOME": str(home)},
    )
    user.upload(
        *(SdistSpec(name=name, during_build=body) for name, (body, _) in HARMFUL.items()),
        *(SdistSpec(name=name, during_build=body) for name, body in ODD.items()),
    )
    limits = (
        "--silence-limit",
        SILENT,
        "--memory-limit",
        "300M",
        "--disk-limit",
        "50M",
        "--log-limit",
        "64M",
        "--artifact-limit",
        "1M",
    )
    return user, user.build(*HARMFUL, *ODD, *limits, "--jobs", "8")


@pytest.mark.parametrize("name", HARMFUL)
def test_build_that_takes_too_much_is_ended(neighbours: tuple[User, Ran], name: str) -> None:
    user, ran = neighbours
    assert ran.code == 1
    row = ran.row(f"{name}==1.0")
    assert (row["ending"], row["outcome"]) == ("failed", HARMFUL[name][1])
    assert row["reason"]
    assert user.show(name)["report"]["outcome"] == HARMFUL[name][1]


@pytest.mark.parametrize("name", ODD)
def test_odd_build_beside_them_is_built(neighbours: tuple[User, Ran], name: str) -> None:
    user, ran = neighbours
    assert ran.row(f"{name}==1.0")["ending"] == "built"
    assert not list((user.folder / "home").rglob("marker-of-a-build"))


def test_nothing_of_them_is_left_behind(neighbours: tuple[User, Ran]) -> None:
    user, _ = neighbours
    assert processes_of(user.state) == []
    assert list((user.state / "jobs").glob("run-*")) == []


def test_log_is_kept_up_to_its_limit(neighbours: tuple[User, Ran]) -> None:
    user, _ = neighbours
    assert len(user.log("binary")) > len("binary")
    assert 1 << 20 < len(user.log("shouts")) < MANY_MB << 20


def test_wall_limit_ends_a_build_that_talks(user: User) -> None:
    body = "while True: print('still here', flush=True); __import__('time').sleep(0.1)"
    user.upload(SdistSpec(name="talks", during_build=body))
    ran = user.build("talks", "--wall-limit", "2s")
    assert ran.row("talks==1.0")["outcome"] == "timed-out"
    assert "2 s" in ran.row("talks==1.0")["reason"]


def test_skipped_release_is_named_with_its_reason(newcomer: User) -> None:
    newcomer.upload(
        SdistSpec(name="unwanted"), SdistSpec(name="user-of-it", build_requires=("unwanted",))
    )
    (newcomer.folder / "wheelyard.toml").write_text('[package.unwanted]\nskip = "not for us"\n')
    ran = newcomer.build("user-of-it")
    assert ran.code == 1
    assert ran.row("unwanted==1.0")["ending"] == "skipped"
    assert ran.row("unwanted==1.0")["reason"] == "not for us"
    assert "is skipped" in ran.row("user-of-it==1.0")["reason"]
    assert ran.started == []
