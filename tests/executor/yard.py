"""An executor with real interpreters, bubblewrap and uv, and sources that tests write.

Work on archives and wheels belongs to other modules; here are the shortest versions that will do.
"""

import gzip
import hashlib
import io
import sys
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from wheelyard.executor.local import LocalExecutor
from wheelyard.executor.parts import Parts
from wheelyard.model.artifact import InputWheel, Origin
from wheelyard.model.job import BuildKey, Finding, Limits, Offer, Report
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.ports import Progress
from wheelyard.targets.target import Target

HERE = f"cp{sys.version_info[0]}{sys.version_info[1]}-linux_x86_64"

# A back end that makes a wheel of src/ or runs what the project wants run, without any import but zipfile.
BACKEND = """
import os, time, zipfile
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
        archive.writestr(info + "/RECORD", "")
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
        return self.keep(path.read_bytes())

    def keep(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        (self._folder / name).write_bytes(content)
        return f"sha256:{name}"

    def path(self, digest: str) -> Path | None:
        path = self._folder / digest.partition(":")[2]
        return path if digest and path.exists() else None

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


@dataclass(frozen=True)
class Facts:
    tags: frozenset[Tag]
    metadata: bytes
    modules: tuple[str, ...]
    requires_python: str = ""
    requires_dist: tuple[str, ...] = ()


def unpack(archive: Path, into: Path, *, limits: Limits) -> Path:
    with tarfile.open(archive) as stream:
        stream.extractall(into, filter="data")
    (folder,) = into.iterdir()
    return folder


def inspect(path: Path, *, release: Release, target: Target) -> Facts:
    _, _, _, tags = parse_wheel_filename(path.name)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        metadata = next(archive.read(name) for name in names if name.endswith("/METADATA"))
    message = BytesParser().parsebytes(metadata)
    tops = {name.partition("/")[0].removesuffix(".py") for name in names if name.endswith(".py")}
    return Facts(
        tags=tags,
        metadata=metadata,
        modules=tuple(sorted(top for top in tops if not top.startswith("_"))),
        requires_dist=tuple(message.get_all("Requires-Dist", [])),
    )


def repair(path: Path, folder: Path, target: Target) -> Path:
    return path


def normalise(path: Path, epoch: int) -> None:
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in sorted(archive.namelist())]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)


def names(facts: object) -> tuple[str, ...]:
    assert isinstance(facts, Facts)
    return facts.modules


def check(path: Path, facts: object, offer: Offer) -> tuple[Finding, ...]:
    return ()


def reason(tail: str) -> str:
    return "Python.h not found" if "Python.h" in tail else ""


PARTS = Parts(
    unpack=unpack,
    inspect=inspect,
    repair=repair,
    normalise=normalise,
    import_names=names,
    check=check,
    reason=reason,
)


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
                kind=SourceKind.SDIST, location="", digest=digest, filename=f"{name}-1.0.tar.gz"
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


MakeYard = Callable[..., Yard]
