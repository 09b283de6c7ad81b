"""What is in a wheel and what made it, as a bill of materials in the wheel itself (PEP 770).

CycloneDX 1.6 in JSON. It depends on the offer and on the wheel's content alone, so that a wheel that can be
built twice with the same bytes still can. What auditwheel says of libraries that it bundled is in a file of its own.
"""

import hashlib
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from wheelyard import __version__
from wheelyard.executor.archive_entries import clamped_epoch
from wheelyard.executor.elf import MAGIC
from wheelyard.executor.wheel_archive import dist_info_folder, open_wheel, rewrite_wheel
from wheelyard.model.artifact import InputWheel
from wheelyard.model.job import Offer
from wheelyard.model.release import Release

FILE = "sboms/wheelyard.cdx.json"
_CHUNK = 1 << 20


def add_bill_of_materials(path: Path, offer: Offer) -> None:
    """Write the bill of materials into a wheel, with its RECORD. Raises InvalidArchiveError."""
    with open_wheel(path) as wheel:
        names = [info.filename for info in wheel.infolist() if not info.is_dir()]
        folder = dist_info_folder(path, names)
        binaries = [found for name in sorted(names) if (found := _binary(wheel, name))]
    text = json.dumps(_bill(offer, binaries), indent=1, sort_keys=True) + "\n"
    rewrite_wheel(
        path,
        path,
        epoch=offer.source_date_epoch,
        added={f"{folder}/{FILE}": text.encode()},
    )


def _bill(offer: Offer, binaries: list[dict[str, object]]) -> dict[str, object]:
    made = datetime.fromtimestamp(clamped_epoch(offer.source_date_epoch), UTC)
    product = {
        "type": "library",
        "bom-ref": "product",
        "name": offer.release.project,
        "version": str(offer.release.version),
        "purl": _purl(offer.release),
    }
    tools = [_tool(wheel) for wheel in (*offer.requirements, *offer.host_requirements)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": made.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "component": product,
            "tools": {
                "components": [{"type": "application", "name": "wheelyard", "version": __version__}]
            },
        },
        "components": [_source(offer), *binaries, *tools],
    }


def _source(offer: Offer) -> dict[str, object]:
    algorithm, _, value = offer.source.digest.partition(":")
    source: dict[str, object] = {
        "type": "file",
        "bom-ref": "source",
        "name": offer.source.filename or f"source of {offer.release}",
        "scope": "excluded",
    }
    if algorithm == "sha256":
        source["hashes"] = [{"alg": "SHA-256", "content": value}]
    else:
        source["version"] = offer.source.digest
    return source


def _tool(wheel: InputWheel) -> dict[str, object]:
    """Return a build requirement: it is not in the product, and so its scope is *excluded*."""
    return {
        "type": "library",
        "bom-ref": f"build:{wheel.filename}",
        "name": wheel.release.project,
        "version": str(wheel.release.version),
        "purl": _purl(wheel.release),
        "scope": "excluded",
        "hashes": [{"alg": "SHA-256", "content": wheel.digest.partition(":")[2]}],
    }


def _binary(wheel: zipfile.ZipFile, name: str) -> dict[str, object] | None:
    digest = hashlib.sha256()
    with wheel.open(name) as stream:
        chunk = stream.read(_CHUNK)
        if not chunk.startswith(MAGIC):
            return None
        while chunk:
            digest.update(chunk)
            chunk = stream.read(_CHUNK)
    return {
        "type": "file",
        "bom-ref": f"file:{name}",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest.hexdigest()}],
    }


def _purl(release: Release) -> str:
    return f"pkg:pypi/{quote(release.project)}@{quote(str(release.version))}"
