"""An executor with real interpreters, bubblewrap and uv, and sources that tests write.

Work on archives and wheels belongs to other modules; here are the shortest versions that will do.
"""

import asyncio
import contextlib
import gzip
import hashlib
import io
import sys
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wheelyard.errors import StoreError
from wheelyard.executor.check_policy import CheckPolicy
from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.standard import standard_parts
from wheelyard.model.artifact import InputWheel, Origin
from wheelyard.model.job import BuildKey, Offer, Report
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.ports import Progress
from wheelyard.targets.target import Target

HERE = f"cp{sys.version_info[0]}{sys.version_info[1]}-linux_x86_64"

PATCH = """--- a/src/demo.py
+++ b/src/demo.py
@@ -1 +1 @@
-VALUE = 1
+VALUE = 2
"""
"""What a recipe may change of the project that ``Yard.offer`` makes."""

# A back end that makes a wheel of src/ or runs what the project wants run, without any import but zipfile.
BACKEND = """
import base64, hashlib, os, time, zipfile
LOADED_AT = time.monotonic()
SEEN = []
def get_requires_for_build_wheel(config_settings=None):
    if os.path.exists("requires.txt"):
        return open("requires.txt").read().split("\\n")
    return []
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    SEEN.append(1)
    scope = {"config_settings": config_settings, "LOADED_AT": LOADED_AT, "SEEN": SEEN, "OUT": wheel_directory}
    if os.path.exists("hook.py"):
        exec(compile(open("hook.py").read(), "hook.py", "exec"), scope)
    name, version = open("NAME").read().split()
    filename = "%s-%s-py3-none-any.whl" % (name, version)
    info = "%s-%s.dist-info" % (name, version)
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for module in sorted(os.listdir("src")):
            archive.write(os.path.join("src", module), module)
        archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version))
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        record = "".join(
            "%s,sha256=%s,%d\\n" % (
                path,
                base64.urlsafe_b64encode(hashlib.sha256(archive.read(path)).digest()).decode().rstrip("="),
                len(archive.read(path)),
            )
            for path in archive.namelist()
        )
        archive.writestr(info + "/RECORD", record + info + "/RECORD,,\\n")
    return filename
"""


class FolderBlobs:
    """Blobs in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    async def add_bytes(self, content: bytes) -> str:
        return self.keep(content)

    async def add_file(self, path: Path, *, digest: str = "") -> str:
        return self.keep(await asyncio.to_thread(path.read_bytes))

    def keep(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        (self._folder / name).write_bytes(content)
        return f"sha256:{name}"

    def path(self, digest: str) -> Path | None:
        # As strict as the real ones: "tree:…" and "git:…" name sources, not bytes.
        if not digest.startswith("sha256:"):
            raise StoreError(f"{digest!r} does not name a blob", hint="sha256:…")
        path = self._folder / digest.partition(":")[2]
        return path if path.exists() else None

    async def read(self, digest: str) -> bytes:
        path = self.path(digest)
        assert path is not None
        return path.read_bytes()

    def digests(self) -> Sequence[str]:
        return [f"sha256:{path.name}" for path in self._folder.iterdir()]

    async def remove(self, digest: str) -> None:
        path = self.path(digest)
        if path is not None:
            path.unlink()


PARTS = standard_parts(CheckPolicy())


@dataclass
class Pythons:
    """Interpreters by target; this process's own where none is named."""

    named: dict[str, Path] = field(default_factory=dict)

    def executable(self, target: Target) -> Path | None:
        return self.named.get(str(target), Path(sys.executable) if str(target) == HERE else None)


@dataclass
class Yard:
    """An executor with its blobs, and shorthands to make offers for it."""

    executor: LocalExecutor
    blobs: FolderBlobs
    pythons: Pythons
    state: Path
    lines: list[Progress] = field(default_factory=list)

    def wheel(self, name: str, files: dict[str, str], version: str = "1.0") -> InputWheel:
        buffer = io.BytesIO()
        info = f"{name}-{version}.dist-info"
        meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        tags = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        content = files | {f"{info}/METADATA": meta, f"{info}/WHEEL": tags}
        record = "".join(f"{path},,\n" for path in (*content, f"{info}/RECORD"))
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, text in (content | {f"{info}/RECORD": record}).items():
                archive.writestr(zipfile.ZipInfo(path), text)
        return InputWheel(
            filename=f"{name}-{version}-py3-none-any.whl",
            digest=self.blobs.keep(buffer.getvalue()),
            release=Release.of(name, version),
            origin=Origin.BUILT,
        )

    def backend(self) -> InputWheel:
        return self.wheel("tinyback", {"tinyback.py": BACKEND})

    def offer(
        self,
        hook: str = "",
        files: dict[str, str] | None = None,
        *,
        name: str = "demo",
        in_tree: bool = False,
        **changes: object,
    ) -> Offer:
        table = '[build-system]\nrequires = []\nbuild-backend = "tinyback"\n'
        table += 'backend-path = ["."]\n' if in_tree else ""
        content = {
            "pyproject.toml": table,
            "NAME": f"{name} 1.0",
            f"src/{name}.py": "VALUE = 1\n",
            "hook.py": textwrap.dedent(hook),
        }
        content |= {"tinyback.py": BACKEND} if in_tree else {}
        digest = self.blobs.keep(sdist(name, content | (files or {})))
        offer = Offer(
            key=BuildKey(hashlib.sha256(f"{digest}{changes}".encode()).hexdigest()),
            release=Release.of(name, "1.0"),
            source=Source(
                kind=SourceKind.SDIST,
                location="",
                digest=digest,
                archive=digest,
                filename=f"{name}-1.0.tar.gz",
            ),
            target=Target.parse(HERE),
            requirements=() if in_tree else (self.backend(),),
        )
        return replace(offer, **changes)  # type: ignore[arg-type]

    async def run(self, offer: Offer) -> Report:
        return await self.executor.run(offer, self.lines.append)

    async def log(self, report: Report) -> str:
        return gzip.decompress(await self.blobs.read(report.log_digest)).decode(errors="replace")


def sdist(name: str, files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size, member.mtime = len(text.encode()), 1_000_000_000
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def running(marker: str) -> list[int]:
    """Find living processes by a word of their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if marker.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


async def gone(marker: str) -> bool:
    """Whether no such process is left soon: the kernel ends a namespace a moment after its first process."""
    for _ in range(200):
        if not running(marker):
            return True
        await asyncio.sleep(0.02)
    return False


MakeYard = Callable[..., Yard]
