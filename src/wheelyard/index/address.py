"""Where a published file stands, and which files can stand anywhere at all.

A digest is part of every address, so that what lies at an address never changes and may be cached
for ever. Addresses are relative to a project's page: an index works behind any prefix, from a
folder and under any host name.
"""

import re
from pathlib import PurePosixPath
from urllib.parse import quote

from wheelyard.model.artifact import Artifact

METADATA_SUFFIX = ".metadata"
PROVENANCE_SUFFIX = ".provenance"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# The longest name of a file on common file systems, less the longest of the suffixes.
_LONGEST_NAME = 255 - len(PROVENANCE_SUFFIX)


def sha256_of(digest: str) -> str:
    """Return the hexadecimal part of ``sha256:HEX``."""
    return digest.removeprefix("sha256:")


def fault_of(artifact: Artifact) -> str:
    """Say why an artifact cannot be listed, or return an empty string.

    Intake refuses such names long before; an index that trusted it would turn one slip there into
    a file written outside of its folder.
    """
    name = artifact.filename
    if not name or name.startswith(".") or set(name) & {"/", "\\"} or not name.isprintable():
        return "its name is not a plain file name"
    if len(name.encode()) > _LONGEST_NAME:
        return f"its name is longer than {_LONGEST_NAME} bytes"
    if name.endswith((METADATA_SUFFIX, PROVENANCE_SUFFIX)):
        return f"its name ends in .{name.rpartition('.')[2]}, as only files about another one do"
    if not _DIGEST.fullmatch(artifact.digest):
        return f"its digest {artifact.digest!r} is not a SHA-256"
    if artifact.metadata_digest and not _DIGEST.fullmatch(artifact.metadata_digest):
        return f"the digest {artifact.metadata_digest!r} of its metadata is not a SHA-256"
    if artifact.provenance_digest and not _DIGEST.fullmatch(artifact.provenance_digest):
        return f"the digest {artifact.provenance_digest!r} of its provenance is not a SHA-256"
    return ""


def exported_path(digest: str, filename: str) -> PurePosixPath:
    """Return where a file lies in an exported folder: at most 256 folders on the first level."""
    name = sha256_of(digest)
    return PurePosixPath("files", name[:2], name, filename)


def exported_address(artifact: Artifact) -> str:
    """Return the address in an exported folder, relative to the page of a project."""
    return "../../" + quote(str(exported_path(artifact.digest, artifact.filename)))


def served_address(artifact: Artifact) -> str:
    """Return the address on the server, relative to the page of a project."""
    return f"../../files/{sha256_of(artifact.digest)}/{quote(artifact.filename)}"
