"""Small wheels and sdists, built by hand so that each can be wrong in one way."""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wheels.compiled import compile_module


@dataclass
class WheelText:
    """A wheel as it will be written; tests change what shall be wrong."""

    filename: str
    files: dict[str, bytes]
    info: str = ""
    metadata: str = ""
    wheel: str = ""
    record: Callable[[str], str] = field(default=lambda text: text)
    extra: Sequence[tuple[zipfile.ZipInfo, bytes]] = ()

    def write(self, folder: Path) -> Path:
        name, version, *rest = self.filename.removesuffix(".whl").split("-")
        info = self.info or f"{name}-{version}.dist-info"
        pythons, abis, platforms = (part.split(".") for part in rest[-3:])
        tags = [f"Tag: {p}-{a}-{f}" for p in pythons for a in abis for f in platforms]
        pure = "true" if platforms == ["any"] else "false"
        wheel = self.wheel or "\n".join(
            ["Wheel-Version: 1.0", "Generator: tests", f"Root-Is-Purelib: {pure}", *tags, ""]
        )
        metadata = self.metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = dict(self.files)
        for file, text in (("METADATA", metadata), ("WHEEL", wheel)):
            if text != "absent":
                files[f"{info}/{file}"] = text.encode()
        rows = [f"{file},{_hash(content)},{len(content)}" for file, content in files.items()]
        record = self.record("\n".join([*rows, f"{info}/RECORD,,", ""]))
        path = folder / self.filename
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in files.items():
                archive.writestr(file, content)
            if record:
                archive.writestr(f"{info}/RECORD", record)
            for entry, content in self.extra:
                archive.writestr(entry, content)
        return path


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


@pytest.fixture
def write_wheel(tmp_path: Path) -> Callable[..., Path]:
    """Write a wheel; keyword arguments are the fields of ``WheelText``."""

    def write(
        filename: str = "demo-1.0-py3-none-any.whl",
        files: Mapping[str, bytes] | None = None,
        folder: str = "made",
        **changes: object,
    ) -> Path:
        content = dict(files if files is not None else {"demo/__init__.py": b"x = 1\n"})
        text = WheelText(filename, content, **changes)  # type: ignore[arg-type]
        return text.write(tmp_path / folder)

    return write


@pytest.fixture
def write_tar(tmp_path: Path) -> Callable[..., Path]:
    """Write a tar of (header, bytes) pairs; a string stands for a regular file of that name."""

    def write(
        *entries: tuple[tarfile.TarInfo | str, bytes], mode: str = "w:gz", name: str = "sdist"
    ) -> Path:
        path = tmp_path / name
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            for header, content in entries:
                made = tarfile.TarInfo(header) if isinstance(header, str) else header
                made.size = len(content)
                archive.addfile(made, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def write_zip(tmp_path: Path) -> Callable[..., Path]:
    """Write a zip of (header, bytes) pairs."""

    def write(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
        path = tmp_path / "sdist.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for header, content in entries:
                archive.writestr(header, content)
        return path

    return write


@pytest.fixture(scope="session")
def plain_extension(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compile_module(tmp_path_factory.mktemp("compiled"), "_plain")


@pytest.fixture
def install(tmp_path: Path) -> Callable[[Path], Path]:
    """Install a wheel with uv, as a user does, and return the folder that it went to."""

    def run(wheel: Path) -> Path:
        beside = Path(sys.executable).with_name("uv")
        uv = str(beside) if beside.exists() else shutil.which("uv") or "uv"
        folder = tmp_path / f"installed-{wheel.stem}"
        command = [uv, "pip", "install", "--offline", "--no-deps", "--no-config", "--no-cache"]
        command += ["--python", sys.executable, "--target", str(folder), str(wheel)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ})
        return folder

    return run
