"""The conda channel as a folder: ``DIR/conda/``, for plain web servers and as ``file:///DIR/conda``.

As with the index, files are placed before the pages that name them, and an export adds to what is there. A name
keeps its bytes: a package that is there with others stays, and what nobody of ours put there is not replaced.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import msgspec

from wheelyard.errors import InvalidNameError, StoreError
from wheelyard.index.address import sha256_of
from wheelyard.index.channel_html import ChannelRow, channel_page
from wheelyard.index.channel_pages import (
    CHANNELDATA,
    COMPRESSED,
    REPODATA,
    RUN_EXPORTS,
    channeldata,
    name_entry,
    order,
    subdir_pages,
)
from wheelyard.index.export import HTML_NAME, LeftOut
from wheelyard.index.folder import ExportFolder
from wheelyard.index.markup import GENERATOR, OWN_MARK
from wheelyard.model.channel import NOARCH, CondaName, CondaPackage
from wheelyard.ports import Blobs
from wheelyard.recipes.platforms import SUBDIRS

CONDA = PurePosixPath("conda")
_HERE = "ADDRESS-OF-THIS-PAGE"
_OTHER_BYTES = "a package of this name with other bytes is there already, and stays"
_Packages = dict[str, dict[str, CondaPackage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelExport:
    """What an export did; ``channel`` is the folder to give to an installer."""

    channel: Path
    packages: int
    written: int
    left_out: tuple[LeftOut, ...]


async def export_channel(
    packages: Sequence[CondaPackage], blobs: Blobs, output: Path
) -> ChannelExport:
    """Write packages into the channel of a folder.

    Raises StoreError where the folder cannot be written, OutOfSpaceError where it is full.
    """
    return await asyncio.to_thread(_Export(output, blobs).run, packages)


class _Entry(msgspec.Struct):
    name: str
    version: str
    build: str
    build_number: int
    sha256: str
    md5: str
    size: int


class _Repodata(msgspec.Struct, kw_only=True):
    packages: dict[str, msgspec.Raw] = {}
    conda: dict[str, msgspec.Raw] = msgspec.field(name="packages.conda", default_factory=dict)
    generator: str = msgspec.field(name="_generator", default="")
    removed: list[str] = []


class _Exports(msgspec.Struct):
    run_exports: msgspec.Raw = msgspec.Raw(b"{}")


class _RunExports(msgspec.Struct, kw_only=True):
    packages: dict[str, _Exports] = {}
    conda: dict[str, _Exports] = msgspec.field(name="packages.conda", default_factory=dict)


class _Channeldata(msgspec.Struct, kw_only=True):
    packages: dict[str, dict[str, msgspec.Raw]] = {}
    generator: str = msgspec.field(name="_generator", default="")


_COMPUTED = frozenset({"reference_package", "run_exports", "subdirs", "version"})


@dataclass(slots=True)
class _Export:
    """One export, on a thread of its own."""

    output: Path
    blobs: Blobs
    left_out: list[LeftOut] = field(default_factory=list)

    def run(self, packages: Sequence[CondaPackage]) -> ChannelExport:
        folder = ExportFolder(self.output)
        with folder.locked():
            before = _ReadBack(folder).packages()
            merged, chosen = self._merged(before, packages)
            for one in chosen:
                self._place(folder, one, before)
            # All of them, because an export may have been killed between two of its pages.
            for subdir in sorted({NOARCH, *merged}):
                pages = subdir_pages(subdir, merged.get(subdir, {}).values())
                for name, content in pages.items():
                    folder.write(CONDA / subdir / name, content)
            _write_whole(folder, merged)
        return ChannelExport(
            channel=self.output / CONDA,
            packages=len(chosen),
            written=folder.written,
            left_out=tuple(self.left_out),
        )

    def _merged(
        self, before: _Packages, packages: Iterable[CondaPackage]
    ) -> tuple[_Packages, list[CondaPackage]]:
        """Add to what is there; return all of it, and which packages this export is about."""
        merged = {subdir: dict(found) for subdir, found in before.items()}
        chosen = []
        for one in packages:
            there = merged.setdefault(one.subdir, {})
            known = there.get(one.filename)
            if known is not None and known.digest and known.digest != one.digest:
                self.left_out.append(LeftOut(filename=one.place, reason=_OTHER_BYTES))
            elif self.blobs.path(one.digest) is None:
                reason = "its bytes are not on this machine"
                self.left_out.append(LeftOut(filename=one.place, reason=reason))
            else:
                there[one.filename] = one
                chosen.append(one)
        return merged, chosen

    def _place(self, folder: ExportFolder, package: CondaPackage, before: _Packages) -> None:
        path = CONDA / package.subdir / package.filename
        blob = self.blobs.path(package.digest)
        there = folder.root / path
        known = before.get(package.subdir, {}).get(package.filename)
        ours = known is not None and known.digest == package.digest
        # No digest is in its address, so that a file of this name may be anybody's.
        if not ours and there.is_file() and _sha256(there) != sha256_of(package.digest):
            raise _foreign(folder, path)
        if blob is not None:
            folder.place(path, blob, package.digest)


class _ReadBack:
    """What an earlier export left, after a look whether it is wheelyard's to replace."""

    def __init__(self, folder: ExportFolder) -> None:
        self._folder = folder

    def packages(self) -> _Packages:
        """Return it. Raises StoreError where a page is in the way."""
        about = self._about()
        html = self._folder.read(CONDA / HTML_NAME)
        if html is not None and OWN_MARK not in html:
            raise _foreign(self._folder, CONDA / HTML_NAME)
        found = {subdir: self._subdir(subdir, about) for subdir in (NOARCH, *SUBDIRS)}
        return {subdir: there for subdir, there in found.items() if there is not None}

    def _subdir(self, subdir: str, about: Mapping[str, str]) -> dict[str, CondaPackage] | None:
        path = CONDA / subdir / REPODATA
        content = self._folder.read(path)
        if content is None:
            if self._folder.read(path.with_name(REPODATA + COMPRESSED)) is not None:
                raise _foreign(self._folder, path.with_name(REPODATA + COMPRESSED))
            return None
        try:
            said = msgspec.json.decode(content, type=_Repodata)
            entries = {**said.packages, **said.conda}
            read = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in entries.items()}
        except msgspec.DecodeError as error:
            raise _foreign(self._folder, path) from error
        if said.generator != GENERATOR:
            raise _foreign(self._folder, path)
        exports = self._run_exports(subdir)
        packages = {
            name: _package(subdir, name, one, bytes(entries[name])) for name, one in read.items()
        }
        packages |= {name: _removed(subdir, name) for name in said.removed}
        return {
            name: replace(one, about=about.get(one.name, "{}"), run_exports=exports.get(name, "{}"))
            for name, one in packages.items()
        }

    def _run_exports(self, subdir: str) -> dict[str, str]:
        content = self._folder.read(CONDA / subdir / RUN_EXPORTS)
        try:
            said = msgspec.json.decode(content or b"{}", type=_RunExports)
        except msgspec.DecodeError as error:
            raise _foreign(self._folder, CONDA / subdir / RUN_EXPORTS) from error
        both = {**said.packages, **said.conda}
        return {name: bytes(one.run_exports).decode() for name, one in both.items()}

    def _about(self) -> dict[str, str]:
        content = self._folder.read(CONDA / CHANNELDATA)
        if content is None:
            return {}
        try:
            said = msgspec.json.decode(content, type=_Channeldata)
        except msgspec.DecodeError as error:
            raise _foreign(self._folder, CONDA / CHANNELDATA) from error
        if said.generator != GENERATOR:
            raise _foreign(self._folder, CONDA / CHANNELDATA)
        return {
            name: msgspec.json.encode(
                {key: value for key, value in entry.items() if key not in _COMPUTED}
            ).decode()
            for name, entry in said.packages.items()
        }


def _write_whole(folder: ExportFolder, merged: _Packages) -> None:
    """Write what is said of the whole channel, for solvers and for people."""
    by_name: dict[str, list[CondaPackage]] = {}
    for there in merged.values():
        for one in there.values():
            if one.removed is None:
                by_name.setdefault(one.name, []).append(one)
    ordered = {name: sorted(by_name[name], key=order, reverse=True) for name in sorted(by_name)}
    filled = [subdir for subdir, there in merged.items() if there]
    entries = [name_entry(name, found) for name, found in ordered.items()]
    folder.write(CONDA / CHANNELDATA, channeldata(entries, filled))
    page = channel_page(_HERE, [ChannelRow.of(found) for found in ordered.values()])
    folder.write(CONDA / HTML_NAME, page.replace(b"<title>", OWN_MARK + b"\n<title>", 1))


def _package(subdir: str, filename: str, said: _Entry, record: bytes) -> CondaPackage:
    return CondaPackage(
        subdir=subdir,
        filename=filename,
        name=said.name,
        version=said.version,
        build=said.build,
        build_number=said.build_number,
        digest=f"sha256:{said.sha256}",
        md5=said.md5,
        size=said.size,
        record=record.decode(),
    )


def _removed(subdir: str, filename: str) -> CondaPackage:
    """Return a package of which a page only says that it was removed; its digest is not known any more."""
    try:
        name = CondaName.parse(filename)
    except InvalidNameError:
        name = CondaName(name=filename, version="0", build="", suffix="")
    return CondaPackage(
        subdir=subdir,
        filename=filename,
        name=name.name,
        version=name.version,
        build=name.build,
        build_number=0,
        digest="",
        md5="",
        size=0,
        record="{}",
        removed="",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _foreign(folder: ExportFolder, path: PurePosixPath) -> StoreError:
    return StoreError(
        f"'{folder.root / path}' is in the way: wheelyard did not write it, or somebody changed it",
        hint="Move it away, or export to another folder.",
    )
