"""What ends badly ends as its own outcome, in words, and harms nothing else."""

import pytest

from e2e.user import User
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
DISK = """
with open("big", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
        file.flush()
"""


def test_compiler_error_fails_with_its_reason_and_blocks_only_what_needs_it(user: User) -> None:
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
    assert "openssl" in ran.row("breaks==1.0")["reason"]
    assert ran.row("needs-that==1.0")["cause"]["release"] == "breaks==1.0"


@pytest.mark.parametrize(
    ("name", "body", "options", "outcome"),
    [
        ("hangs", sdists.HANG, ("--wall-limit", "2s"), "timed-out"),
        ("silent", sdists.HANG, ("--silence-limit", "2s"), "timed-out"),
        ("memory-hog", MEMORY, ("--memory-limit", "300M"), "out-of-resources"),
        ("disk-hog", DISK, ("--disk-limit", "50M"), "over-limit"),
        ("endless", sdists.PRINT_WITHOUT_END, (), "over-limit"),
        ("shouts", MUCH, (), "over-limit"),
    ],
)
def test_build_that_takes_too_much_is_ended(
    user: User, name: str, body: str, options: tuple[str, ...], outcome: str
) -> None:
    user.upload(SdistSpec(name=name, during_build=body))
    ran = user.build(name, *options)
    assert ran.code == 1
    row = ran.row(f"{name}==1.0")
    assert (row["ending"], row["outcome"]) == ("failed", outcome)
    assert row["reason"]
    assert user.show(name)["report"]["outcome"] == outcome


@pytest.mark.parametrize(
    ("name", "body"), [("binary", BINARY), ("forks", sdists.LEAVE_A_DAEMON), ("homely", WRITE_HOME)]
)
def test_odd_build_harms_nothing(user: User, name: str, body: str) -> None:
    home = user.folder / "home"
    home.mkdir()
    user.upload(SdistSpec(name=name, during_build=body))
    ran = user.run("build", "--json", *user.words(name), HOME=str(home))
    assert ran.code == 0, ran.err
    assert ran.endings == {f"{name}==1.0": {"built"}}
    assert not list(home.iterdir())
