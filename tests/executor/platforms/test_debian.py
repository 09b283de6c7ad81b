"""Debian's packages are had as apt has them, and nothing of this machine's apt is touched."""

import shutil
import subprocess
from pathlib import Path

import pytest

from executor.platforms.debian_mirror import ARCHITECTURE, SUITE, Deb, build_mirror
from wheelyard.errors import ToolError
from wheelyard.executor.platforms.debian import PackageSource, unpack

PACKAGES = (
    Deb(name="libc6", files={"usr/lib/libc.so.6": "c"}),
    Deb(name="libz", depends=("libc6",), files={"usr/lib/libz.so.1": "z"}),
    Deb(name="libz-dev", depends=("libz (= 1.0-1)",), files={"usr/include/z.h": "h"}),
    Deb(name="libstdc++-10-dev", files={"usr/include/c++/10/string": "s"}),
    Deb(name="g++", depends=("libstdc++-10-dev", "libc6")),
)
pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("apt-get", "dpkg-deb", "gpg")),
    reason="apt, dpkg and gpg are Debian's",
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> PackageSource:
    folder = tmp_path_factory.mktemp("a state folder")
    (tmp_path_factory.getbasetemp() / "keys").mkdir()
    keyring = tmp_path_factory.getbasetemp() / "keys" / "ring.gpg"
    plain = tmp_path_factory.mktemp("mirror")
    made = PackageSource(
        architecture=ARCHITECTURE,
        suite=SUITE,
        folder=folder / "apt",
        mirror=build_mirror(plain, PACKAGES, keyring),
        keyring=keyring,
    )
    made.refresh()
    return made


def names(files: object) -> set[str]:
    return {str(one).rpartition("/")[2].partition("_")[0] for one in files}  # type: ignore[attr-defined]


def test_a_package_comes_with_all_that_it_needs(source: PackageSource) -> None:
    assert names(source.closure(("libz-dev",))) == {"libz-dev", "libz", "libc6"}


def test_what_was_fetched_before_is_still_part_of_what_is_needed(source: PackageSource) -> None:
    source.download(("libz",))

    assert names(source.download(("libz-dev",))) == {"libz-dev", "libz", "libc6"}
    assert names(source.download(("libz-dev",))) == {"libz-dev", "libz", "libc6"}


def test_the_cxx_library_is_that_of_the_releases_compiler(source: PackageSource) -> None:
    assert source.cxx_library() == ["libstdc++-10-dev"]


def test_packages_are_unpacked_with_their_digests(source: PackageSource, tmp_path: Path) -> None:
    files = source.download(("libz-dev",))
    digests = unpack(files, tmp_path / "root")

    assert (tmp_path / "root/usr/include/z.h").read_text() == "h"
    assert set(digests) == {one.name for one in files}
    said = subprocess.run(["sha256sum", str(files[0])], check=True, capture_output=True, text=True)
    assert digests[files[0].name] == f"sha256:{said.stdout.split()[0].lstrip(chr(92))}"


def test_a_package_that_is_none_is_named(source: PackageSource) -> None:
    with pytest.raises(ToolError, match="Unable to locate package libnowhere"):
        source.download(("libnowhere",))


def test_lists_that_another_key_signed_are_refused(source: PackageSource, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    other = tmp_path / "keys" / "other.gpg"
    build_mirror(tmp_path / "other", PACKAGES[:1], other)
    refused = PackageSource(
        architecture=ARCHITECTURE,
        suite=SUITE,
        folder=tmp_path / "apt",
        mirror=source.mirror,
        keyring=other,
    )

    with pytest.raises(ToolError, match="apt-get failed"):
        refused.refresh()


def test_a_mirror_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    absent = PackageSource(
        architecture=ARCHITECTURE, suite=SUITE, folder=tmp_path / "apt", mirror="file:/nowhere"
    )

    with pytest.raises(ToolError, match="apt-get failed"):
        absent.refresh()
