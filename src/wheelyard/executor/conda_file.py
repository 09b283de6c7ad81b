"""What a conda package is, by its bytes alone, held against its file's name and the folder that it is for.

What a package says that is of no use to a channel is left out; what is of use must be of its type.
"""

import hashlib
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import msgspec

from wheelyard.errors import InvalidArchiveError, InvalidNameError
from wheelyard.executor.archive_entries import UnpackLimits, shown
from wheelyard.executor.conda_contents import (
    ABOUT,
    INDEX,
    PATHS,
    RUN_EXPORTS,
    CondaContents,
    read_contents,
)
from wheelyard.model.channel import NOARCH, CondaName, CondaPackage
from wheelyard.recipes.platforms import SUBDIRS
from wheelyard.recipes.version_order import version_of

_HINT = "Build it anew; a channel tells solvers what is written in it."
_CHUNK = 1 << 20
_LONGEST_TEXT = 2000
_ABOUT = frozenset(
    {
        "summary",
        "description",
        "home",
        "dev_url",
        "doc_url",
        "source_url",
        "license",
        "license_family",
    }
)

_Text = Annotated[str, msgspec.Meta(max_length=_LONGEST_TEXT)]
_Spec = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_TEXT)]
_Specs = Annotated[list[_Spec], msgspec.Meta(max_length=10_000)]
_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class _Said(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What repodata has of a package's own index.json, but for what it must have."""

    arch: _Text | None = None
    platform: _Text | None = None
    constrains: _Specs = []
    features: _Text | None = None
    license: _Text | None = None
    license_family: _Text | None = None
    noarch: _Text | bool | None = None
    python_site_packages_path: _Text | None = None
    timestamp: _Number | None = None
    track_features: _Text | _Specs | None = None


class _Index(_Said, kw_only=True):
    """index.json."""

    name: _Text
    version: _Text
    build: _Text
    build_number: _Number
    subdir: _Text
    depends: _Specs = []


class _Record(_Said, kw_only=True):
    """An entry of repodata.json. What is not known before is given by the file, never by what is in it."""

    name: str
    version: str
    build: str
    build_number: int
    depends: list[str]
    md5: str
    sha256: str
    size: int
    subdir: str


class _RunExports(msgspec.Struct, kw_only=True, omit_defaults=True):
    """run_exports.json."""

    weak: _Specs = []
    strong: _Specs = []
    noarch: _Specs = []
    weak_constrains: _Specs = []
    strong_constrains: _Specs = []


class _Path(msgspec.Struct, kw_only=True):
    path: str = msgspec.field(name="_path")
    path_type: str = "hardlink"
    sha256: str | None = None
    size_in_bytes: int | None = None


class _Paths(msgspec.Struct, kw_only=True):
    """paths.json."""

    paths: list[_Path]


T = TypeVar("T")


def inspect_conda(
    path: Path, *, subdir: str = "", limits: UnpackLimits | None = None
) -> CondaPackage:
    """Read a package and hold it against its name, and the subdir that it is for, where one is given.

    Raises InvalidNameError and InvalidArchiveError.
    """
    name = CondaName.parse(path.name)
    _check_version(name)
    contents = read_contents(path, name, limits)
    said = _decoded(contents, INDEX, _Index)
    _check_identity(name, said, subdir)
    if said.subdir == NOARCH or said.subdir.startswith("win"):
        contents.check_everywhere()
    _check_specs(name, said)
    _check_paths(contents)
    exports = _RunExports()
    if RUN_EXPORTS in contents.about:
        exports = _decoded(contents, RUN_EXPORTS, _RunExports)
    md5, sha256 = _digests(path)
    size = path.stat().st_size
    return CondaPackage(
        subdir=said.subdir,
        filename=path.name,
        name=said.name,
        version=said.version,
        build=said.build,
        build_number=said.build_number,
        digest=f"sha256:{sha256}",
        md5=md5,
        size=size,
        record=_json(_record(said, md5=md5, sha256=sha256, size=size)),
        about=_json(_about(contents)),
        run_exports=_json(exports),
    )


def _record(said: _Index, *, md5: str, sha256: str, size: int) -> _Record:
    values = {name: getattr(said, name) for name in said.__struct_fields__}
    return _Record(**values, md5=md5, sha256=sha256, size=size)


def _check_version(name: CondaName) -> None:
    try:
        version_of(name.version)
    except InvalidNameError as error:
        raise InvalidNameError(f"{str(name)!r}: {error.message}", hint=error.hint) from error


def _check_identity(name: CondaName, said: _Index, subdir: str) -> None:
    for what, inside, outside in (
        ("name", said.name, name.name),
        ("version", said.version, name.version),
        ("build", said.build, name.build),
        ("subdir", said.subdir, subdir or said.subdir),
    ):
        if inside != outside:
            _refuse(name, f"its {what} is {shown(inside)} in {INDEX}, and {shown(outside)} outside")
    if said.subdir not in {NOARCH, *SUBDIRS}:
        _refuse(name, f"there is no subdir {shown(said.subdir)}")
    if said.noarch and said.subdir != NOARCH:
        _refuse(name, f"it is for every platform, as it says, and for {said.subdir} alone")


def _check_specs(name: CondaName, said: _Index) -> None:
    for spec in (*said.depends, *said.constrains):
        if not spec.isprintable():
            _refuse(name, f"it needs {shown(spec)}, which is more than a line")


def _check_paths(contents: CondaContents) -> None:
    """Hold what is packed against the list of it, which says more than the archive; older packages have none."""
    if PATHS not in contents.about:
        return
    listed = {one.path: one for one in _decoded(contents, PATHS, _Paths).paths}
    for path in (*contents.files, *contents.links):
        if path not in listed and not path.startswith("info/"):
            contents.refuse(path, f"is not in {PATHS}")
    for path, one in listed.items():
        packed = contents.files.get(path)
        if packed is None:
            if path not in contents.links and one.path_type != "directory":
                contents.refuse(path, f"is in {PATHS}, and not in the package")
        elif one.path_type == "hardlink" and (
            one.sha256 not in {None, packed.sha256} or one.size_in_bytes not in {None, packed.size}
        ):
            contents.refuse(path, f"has other bytes than {PATHS} says")


def _about(contents: CondaContents) -> dict[str, str]:
    """Return what people are told of a package: texts, and nothing else."""
    try:
        said = msgspec.json.decode(contents.about.get(ABOUT, b"{}"), type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return {}
    return {
        key: text[:_LONGEST_TEXT]
        for key, text in sorted(said.items())
        if key in _ABOUT and isinstance(text, str) and text
    }


def _decoded(contents: CondaContents, path: str, kind: type[T]) -> T:
    content = contents.about.get(path)
    if content is None:
        raise InvalidArchiveError(f"{contents.archive} has no {path}", hint=_HINT)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidArchiveError(
            f"{contents.archive}: {path} cannot be read: {error}", hint=_HINT
        ) from error


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _digests(path: Path) -> tuple[str, str]:
    # What conda has always called by its MD5; nobody trusts it here.
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
    return md5.hexdigest(), sha256.hexdigest()


def _refuse(name: CondaName, why: str) -> NoReturn:
    raise InvalidArchiveError(f"{name} is refused: {why}", hint=_HINT)
