"""A small mirror of Debian in a folder, signed with a key of its own, as apt wants it."""

import gzip
import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURE, SUITE = "arm64", "bookworm"
MULTIARCH = "aarch64-linux-gnu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deb:
    """A package: its files and links by their paths."""

    name: str
    depends: Sequence[str] = ()
    files: Mapping[str, str] | None = None
    links: Mapping[str, str] | None = None
    version: str = "1.0-1"


def build_mirror(folder: Path, packages: Sequence[Deb], keyring: Path) -> str:
    """Build packages and the lists of them; return the mirror's address. ``keyring`` is written beside."""
    pool = folder / "pool"
    pool.mkdir(parents=True, exist_ok=True)
    stanzas = [_build(one, folder / "tree" / one.name, pool) for one in packages]
    lists = folder / "dists" / SUITE / "main" / f"binary-{ARCHITECTURE}"
    lists.mkdir(parents=True, exist_ok=True)
    text = "\n".join(stanzas).encode()
    (lists / "Packages").write_bytes(text)
    (lists / "Packages.gz").write_bytes(gzip.compress(text))
    _sign(folder / "dists" / SUITE, lists, keyring)
    return f"file:{folder}"


def _build(one: Deb, tree: Path, pool: Path) -> str:
    for name, text in (one.files or {}).items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    for name, leads in (one.links or {}).items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(leads)
    control = tree / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    fields = (
        f"Package: {one.name}\nVersion: {one.version}\nArchitecture: {ARCHITECTURE}\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: a sample\n"
    )
    if one.depends:
        fields += f"Depends: {', '.join(one.depends)}\n"
    control.write_text(fields)
    path = pool / f"{one.name}_{one.version}_{ARCHITECTURE}.deb"
    _run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{fields}Filename: pool/{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n"


def _sign(release: Path, lists: Path, keyring: Path) -> None:
    home = keyring.with_name("gnupg")
    rows = [
        f" {hashlib.sha256(one.read_bytes()).hexdigest()} {one.stat().st_size} {one.relative_to(release)}"
        for one in sorted(lists.iterdir())
    ]
    head = f"Origin: Debian\nSuite: {SUITE}\nCodename: {SUITE}\nArchitectures: {ARCHITECTURE}\nComponents: main\n"
    date = "Date: Sat, 01 Nov 2025 00:00:00 UTC\n"
    (release / "Release").write_text(head + date + "SHA256:\n" + "\n".join(rows) + "\n")
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet", "--yes", "--passphrase", "")
    if not keyring.exists():
        home.mkdir(mode=0o700)
        _run(*gpg, "--quick-generate-key", "sample", "ed25519", "sign", "never")
        keyring.write_bytes(_run(*gpg, "--export"))
    _run(*gpg, "-o", str(release / "InRelease"), "--clearsign", str(release / "Release"))


def _run(*command: str) -> bytes:
    done = subprocess.run(
        command, check=False, capture_output=True, env=os.environ | {"LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
