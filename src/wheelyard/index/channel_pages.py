"""The files of a conda channel that say what is in it, as bytes.

A package's entry was written when the package came (``CondaPackage.record``); here entries are only joined.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from wheelyard.index.markup import GENERATOR
from wheelyard.model.channel import NOARCH, CondaPackage
from wheelyard.recipes.version_order import Version, version_of

REPODATA = "repodata.json"
CURRENT = "current_repodata.json"
RUN_EXPORTS = "run_exports.json"
CHANNELDATA = "channeldata.json"
COMPRESSED = ".zst"
# More takes several times as long and saves next to nothing: most of what is said are digests.
_LEVEL = 3
_EMPTY = "{}"


def subdir_pages(subdir: str, packages: Iterable[CondaPackage]) -> dict[str, bytes]:
    """Write what is said of a subdir, by the names of the files; solvers read them as they are or compressed."""
    found = sorted(packages, key=lambda one: one.filename)
    return _pages(subdir, found) if found else dict(_empty_pages(subdir))


@cache
def _empty_pages(subdir: str) -> dict[str, bytes]:
    return _pages(subdir, ())


def _pages(subdir: str, found: Sequence[CondaPackage]) -> dict[str, bytes]:
    shown = [one for one in found if one.removed is None]
    removed = [one.filename for one in found if one.removed is not None]
    pages = {
        REPODATA: _repodata(subdir, shown, removed),
        CURRENT: _repodata(subdir, newest(shown), removed),
        RUN_EXPORTS: _run_exports(subdir, shown),
    }
    return pages | {name + COMPRESSED: compressed(page) for name, page in pages.items()}


def compressed(content: bytes) -> bytes:
    """Compress a page (zstd); its size is in the header, as some readers want it."""
    import zstandard

    return zstandard.ZstdCompressor(level=_LEVEL).compress(content)


def newest(packages: Iterable[CondaPackage]) -> list[CondaPackage]:
    """Return the packages of the newest version of each name, in the order that they came in."""
    found = list(packages)
    best: dict[str, Version] = {}
    for one in found:
        version = version_of(one.version)
        if one.name not in best or version > best[one.name]:
            best[one.name] = version
    return [one for one in found if version_of(one.version) == best[one.name]]


def order(package: CondaPackage) -> tuple[Version, int, str]:
    """Return what packages of one name are ordered by: the newest is the greatest."""
    return version_of(package.version), package.build_number, package.build


def channeldata(entries: Iterable[str], subdirs: Iterable[str]) -> bytes:
    """Write what is said of the whole channel, from ``name_entry``'s in the order of their names."""
    written = sorted({NOARCH, *subdirs})
    return (
        f'{{"channeldata_version":1,{_mark()},"packages":{{{",".join(entries)}}},'
        f'"subdirs":{_strings(written)}}}\n'
    ).encode()


def name_entry(name: str, packages: Sequence[CondaPackage]) -> str:
    """Write what channeldata.json says of a name that has these packages, the newest first."""
    last = packages[0]
    about = last.about.removeprefix("{").removesuffix("}")
    exports = {
        one.version: one.run_exports for one in reversed(packages) if one.run_exports != _EMPTY
    }
    parts = (
        *([about] if about else []),
        f'"reference_package":{_string(last.place)}',
        f'"run_exports":{_object(exports)}',
        f'"subdirs":{_strings(sorted({one.subdir for one in packages}))}',
        f'"version":{_string(last.version)}',
    )
    return f"{_string(name)}:{{{','.join(parts)}}}"


def _repodata(subdir: str, packages: Sequence[CondaPackage], removed: Sequence[str]) -> bytes:
    old = {one.filename: one.record for one in packages if not one.filename.endswith(".conda")}
    new = {one.filename: one.record for one in packages if one.filename.endswith(".conda")}
    return (
        f'{{"info":{{"subdir":{_string(subdir)}}},{_mark()},"packages":{_object(old)},'
        f'"packages.conda":{_object(new)},"removed":{_strings(removed)},"repodata_version":1}}\n'
    ).encode()


def _run_exports(subdir: str, packages: Sequence[CondaPackage]) -> bytes:
    said = [(one.filename, f'{{"run_exports":{one.run_exports}}}') for one in packages]
    old = {name: text for name, text in said if not name.endswith(".conda")}
    new = {name: text for name, text in said if name.endswith(".conda")}
    return (
        f'{{"info":{{"subdir":{_string(subdir)},"version":1}},{_mark()},"packages":{_object(old)},'
        f'"packages.conda":{_object(new)}}}\n'
    ).encode()


def _mark() -> str:
    return f'"_generator":{_string(GENERATOR)}'


def _object(entries: Mapping[str, str]) -> str:
    return f"{{{','.join([f'{_string(name)}:{text}' for name, text in entries.items()])}}}"


def _strings(texts: Iterable[str]) -> str:
    return f"[{','.join(map(_string, texts))}]"


def _string(text: str) -> str:
    # Names of files, versions and subdirs hold neither quotes nor backslashes (``model.channel``).
    return f'"{text}"'
