"""A sysroot is whole or not there, says what it is made of, and leads nowhere else."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executor.platforms.debian_mirror import MULTIARCH, SUITE, Deb, build_mirror
from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.platforms.description import Description, Kind
from wheelyard.executor.platforms.sysroot import Sysroots

LIBRARIES = f"usr/lib/{MULTIARCH}"
PACKAGES = (
    Deb(name="libc6", version="2.36-9", files={f"{LIBRARIES}/libc.so.6": "c"}),
    Deb(
        name="libc6-dev",
        version="2.36-9",
        depends=("libc6",),
        files={"usr/include/stdio.h": "h", "usr/include/crypt.h": "h"},
        links={f"{LIBRARIES}/libm.so": f"/lib/{MULTIARCH}/libc.so.6"},
    ),
    Deb(name="libstdc++6", depends=("libc6",)),
    Deb(name="libstdc++-12-dev", depends=("libstdc++6", "libc6-dev")),
    Deb(name="g++", depends=("libstdc++-12-dev",)),
    Deb(
        name="libpython3.11-dev",
        depends=("libc6-dev",),
        files={"usr/include/python3.11/Python.h": "h"},
        links={"usr/share/out": "../../../../../../../../etc/passwd"},
    ),
    Deb(name="libpython3.11-stdlib", depends=("libz1",)),
    Deb(name="python3.11-minimal"),
    Deb(
        name="libz1",
        depends=("libc6",),
        files={f"{LIBRARIES}/libz.so.1.2": "z"},
        links={f"{LIBRARIES}/libz.so.1": "libz.so.1.2"},
    ),
    Deb(
        name="libz-dev",
        depends=("libz1", "libc6-dev"),
        links={f"{LIBRARIES}/libz.so": "libz.so.1"},
    ),
)
DESCRIPTION = Description(
    name="sample",
    kind=Kind.GNU,
    architecture="aarch64",
    triple=MULTIARCH,
    debian="arm64",
    pythons={"3.11": SUITE},
)
MADE_IN_A_PROCESS = """
import sys
from pathlib import Path
from executor.platforms.test_sysroot import DESCRIPTION
from wheelyard.executor.platforms.sysroot import Sysroots
state, mirror, keyring = sys.argv[1:]
Sysroots(Path(state), mirror, Path(keyring)).python(DESCRIPTION, "3.11")
"""
needs_debian = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("apt-get", "dpkg-deb", "gpg")),
    reason="apt, dpkg and gpg are Debian's",
)
Mirror = tuple[str, Path]
DPKG = shutil.which("dpkg")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    folder = tmp_path_factory.mktemp("mirror")
    keyring = folder / "ring.gpg"
    return build_mirror(folder / "debian", PACKAGES, keyring), keyring


@pytest.fixture(scope="module")
def sysroots(mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Sysroots:
    return Sysroots(tmp_path_factory.mktemp("state"), *mirror)


@pytest.fixture
def dpkg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a line of shell run before dpkg does."""

    def put(line: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "dpkg").write_text(f'#!/bin/sh\n{line}\nexec {DPKG} "$@"\n')
        (folder / "dpkg").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def leading_out(root: Path) -> list[Path]:
    links = (one for one in root.rglob("*") if one.is_symlink())
    return [one for one in links if not Path(os.path.realpath(one)).is_relative_to(root)]


@needs_debian
def test_a_sysroot_knows_its_c_library_and_the_digests_of_its_packages(sysroots: Sysroots) -> None:
    made = sysroots.python(DESCRIPTION, "3.11")

    assert made.glibc == (2, 36)
    assert {name.partition("_")[0] for name in made.made.packages} == {
        one.name for one in PACKAGES
    } - {"g++", "libz-dev"}
    assert all(one.startswith("sha256:") for one in made.made.packages.values())
    assert sysroots.python(DESCRIPTION, "3.11") == made


@needs_debian
def test_links_lead_nowhere_else(sysroots: Sysroots) -> None:
    root = sysroots.python(DESCRIPTION, "3.11").root

    assert leading_out(root) == []
    assert (root / LIBRARIES / "libm.so").read_text() == "c"
    assert (root / "lib").readlink() == Path("usr/lib")


@needs_debian
def test_pythons_headers_are_apart_from_a_c_librarys(sysroots: Sysroots) -> None:
    root = sysroots.python(DESCRIPTION, "3.11").root

    assert (root / "python-headers/python3.11/Python.h").is_file()
    assert (root / "python-headers/crypt.h").is_file()
    assert not (root / "python-headers/stdio.h").exists()


@needs_debian
def test_a_layer_has_what_its_links_lead_to_and_no_c_library(sysroots: Sysroots) -> None:
    base = sysroots.python(DESCRIPTION, "3.11")
    layer = sysroots.libraries(DESCRIPTION, "3.11", ("libz-dev",))

    assert layer is not None
    assert {name.partition("_")[0] for name in layer.made.packages} == {"libz-dev", "libz1"}
    assert (layer.root / LIBRARIES / "libz.so").read_text() == "z"
    assert not (layer.root / "usr/include/stdio.h").exists()
    assert layer.made.wanted == ("libz-dev",)
    assert sysroots.made(DESCRIPTION) == [base, layer]


@needs_debian
def test_nothing_half_is_left_where_making_was_killed(
    mirror: Mirror, tmp_path: Path, dpkg: Callable[[str], None]
) -> None:
    state = tmp_path / "state"
    dpkg('case "$2" in *libstdc*) kill -9 $PPID;; esac')
    here = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", MADE_IN_A_PROCESS, str(state), *map(str, mirror)],
        check=False,
        env=os.environ | {"PYTHONPATH": str(here)},
    )

    assert killed.returncode == -signal.SIGKILL
    sysroots = Sysroots(state, *mirror)
    assert sysroots.made(DESCRIPTION) == []
    dpkg("")
    made = sysroots.python(DESCRIPTION, "3.11")
    assert (made.root / "usr/include/stdio.h").is_file()
    assert [one.name for one in (state / "sysroots").iterdir() if one.suffix == ".new"] == []


@needs_debian
def test_two_at_once_make_a_sysroot_once(
    mirror: Mirror, tmp_path: Path, dpkg: Callable[[str], None]
) -> None:
    dpkg(f'echo "$2" >> {tmp_path}/unpacked')

    def make(_: int) -> Path:
        return Sysroots(tmp_path / "state", *mirror).python(DESCRIPTION, "3.11").root

    with ThreadPoolExecutor(2) as pool:
        roots = set(pool.map(make, range(2)))
    unpacked = (tmp_path / "unpacked").read_text().splitlines()

    assert len(roots) == 1
    assert len(unpacked) == len(set(unpacked)) > 5


def test_packages_that_are_none_are_refused_before_apt_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'-o evil' is no name of a Debian package"):
        Sysroots(tmp_path).libraries(DESCRIPTION, "3.11", ("-o evil",))


def given(origin: Path) -> Description:
    return Description(
        name="own",
        kind=Kind.GNU,
        architecture="aarch64",
        triple=MULTIARCH,
        pythons={"3.11": str(origin)},
    )


def test_an_archive_that_is_given_becomes_a_sysroot(tmp_path: Path) -> None:
    (tmp_path / "tree/usr/include/python3.11").mkdir(parents=True)
    (tmp_path / "tree/usr/include/python3.11/Python.h").write_text("h")
    (tmp_path / "tree/evil").symlink_to("/etc/passwd")
    with tarfile.open(tmp_path / "python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "tree", ".")
    sysroots, platform = Sysroots(tmp_path / "state"), given(tmp_path / "python.tar.gz")

    made = sysroots.python(platform, "3.11")

    assert (made.root / "python-headers/python3.11/Python.h").read_text() == "h"
    assert leading_out(made.root) == []
    assert sysroots.made(platform) == [made]


def test_what_is_given_and_not_there_or_no_archive_is_named(tmp_path: Path) -> None:
    sysroots = Sysroots(tmp_path / "state")
    with pytest.raises(
        ConfigurationError, match=r"nowhere\.tar, where Python 3.11 of own should be"
    ):
        sysroots.python(given(tmp_path / "nowhere.tar"), "3.11")

    (tmp_path / "broken.tar").write_text("no archive")
    with pytest.raises(ConfigurationError, match=r"broken\.tar cannot be unpacked"):
        sysroots.python(given(tmp_path / "broken.tar"), "3.11")
    assert sysroots.made(given(tmp_path / "broken.tar")) == []


@needs_debian
def test_a_sysroot_whose_list_is_broken_is_said_to_be(sysroots: Sysroots, tmp_path: Path) -> None:
    root = tmp_path / "sysroots" / f"arm64-{SUITE}-python3.11"
    root.mkdir(parents=True)
    (root / "packages.json").write_text("{")

    with pytest.raises(ToolError, match=r"packages\.json cannot be read"):
        Sysroots(tmp_path).python(DESCRIPTION, "3.11")
