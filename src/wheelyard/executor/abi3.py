"""The promise of abi3 tags, held against the symbols that extension modules use (PEP 384).

abi3audit knows which symbols are in the stable ABI, and since when.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.tags import Tag

_SUFFIXES = (".so", ".pyd")


def abi3_violations(wheel: Path, tags: Iterable[Tag], compiled: Iterable[str]) -> tuple[str, ...]:
    """Name the compiled files in a wheel that use more than the oldest Python that it is tagged for has."""
    minors = [
        int(tag.interpreter[3:])
        for tag in tags
        if tag.abi == "abi3" and tag.interpreter[:3] == "cp3" and tag.interpreter[3:].isdigit()
    ]
    if not minors:
        return ()
    with zipfile.ZipFile(wheel) as archive:
        return tuple(_violations(archive, compiled, min(minors)))


def _violations(archive: zipfile.ZipFile, compiled: Iterable[str], minor: int) -> Iterator[str]:
    # Most wheels are not tagged abi3, and the import takes the better part of a second.
    from abi3audit._audit import AuditError, audit
    from abi3audit._extract import SharedObjectExtractor, SharedObjectSpec
    from abi3info.models import PyVersion
    from elftools.common.exceptions import ELFError

    with tempfile.TemporaryDirectory() as folder:
        for name in compiled:
            if not name.endswith(_SUFFIXES):
                continue
            file = Path(folder, "module").with_suffix(Path(name).suffix)
            file.write_bytes(archive.read(name))
            try:
                for shared in SharedObjectExtractor(SharedObjectSpec(str(file))):
                    result = audit(shared, assume_minimum_abi3=PyVersion(3, minor))
                    yield from _told(name, minor, result)
            except (AuditError, ELFError) as error:
                yield f"{name} cannot be audited: {error}"


def _told(name: str, minor: int, result: Any) -> Iterator[str]:
    outside = sorted(symbol.name for symbol in result.non_abi3_symbols)
    if outside:
        yield f"{name} uses {', '.join(outside)}, not in the stable ABI"
    later = sorted((str(entry.added), entry.symbol.name) for entry in result.future_abi3_objects)
    if later:
        uses = ", ".join(f"{symbol} (since {version})" for version, symbol in later)
        yield f"{name} is tagged for 3.{minor} and uses {uses}"
