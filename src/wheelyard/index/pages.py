"""What the index says about a project: one value, from which HTML and JSON are made.

Both are written from the same ``SimplePage``, so that they cannot disagree. PEP 503, 592, 629, 658,
691, 700, 714, 740 and 792.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from packaging.version import Version

from wheelyard.index.address import PROVENANCE_SUFFIX, fault_of
from wheelyard.model.artifact import Artifact
from wheelyard.model.listing import ACTIVE, ProjectStatus, Status
from wheelyard.model.release import ProjectName
from wheelyard.model.source import FileEntry

API_VERSION = "1.4"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimplePage:
    """One project: files in the order of their names, versions in PEP 440's order.

    ``url`` of each file is relative to the page. ``status`` is one of PEP 792's.
    """

    project: ProjectName
    files: tuple[FileEntry, ...]
    versions: tuple[str, ...]
    status: str = "active"
    status_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A page with more on it; ``kept`` are names that stood there with other bytes."""

    page: SimplePage
    kept: tuple[str, ...]


def page_of(
    project: ProjectName,
    artifacts: Iterable[Artifact],
    address: Callable[[Artifact], str],
    status: ProjectStatus = ACTIVE,
) -> SimplePage:
    """Make the page of a project; artifacts that cannot be listed are left out.

    A project in quarantine has a page, and nothing on it: PEP 792 wants none of its files offered.
    """
    shown = () if status.status is Status.QUARANTINED else artifacts
    listed = [artifact for artifact in shown if not fault_of(artifact)]
    return SimplePage(
        project=project,
        files=_by_name(_entry(artifact, address(artifact)) for artifact in listed),
        versions=_in_order({str(artifact.release.version) for artifact in listed}),
        status=status.status.value,
        status_reason=_one_line(status.reason),
    )


def merge(before: SimplePage, after: SimplePage) -> Merged:
    """Add what is on the second page to the first.

    Where both have a name with the same bytes the second knows better (it may be yanked by now);
    where the bytes differ the first stays, because published bytes never change.
    """
    if after.status == Status.QUARANTINED:
        return Merged(page=after, kept=())
    files = {entry.filename: entry for entry in before.files}
    kept = []
    for entry in after.files:
        if files.get(entry.filename, entry).digest == entry.digest:
            files[entry.filename] = entry
        else:
            kept.append(entry.filename)
    page = replace(
        after,
        files=_by_name(files.values()),
        versions=_in_order({*before.versions, *after.versions}),
    )
    return Merged(page=page, kept=tuple(kept))


def _entry(artifact: Artifact, url: str) -> FileEntry:
    return FileEntry(
        filename=artifact.filename,
        url=url,
        digest=artifact.digest,
        size=artifact.size,
        requires_python=_one_line(artifact.requires_python),
        yanked=None if artifact.yanked is None else _one_line(artifact.yanked),
        uploaded=_utc(artifact.created),
        metadata_digest=artifact.metadata_digest or None,
        provenance=url + PROVENANCE_SUFFIX if artifact.provenance_digest else "",
    )


def _one_line(text: str) -> str:
    """Replace what HTML and JSON cannot both carry: control characters and lone surrogates."""
    return "".join(
        {"Cc": " ", "Cs": "\N{REPLACEMENT CHARACTER}"}.get(
            unicodedata.category(character), character
        )
        for character in text
    )


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _by_name(entries: Iterable[FileEntry]) -> tuple[FileEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.filename))


def _in_order(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(versions, key=Version))
