"""How a wheel came to be, as an in-toto statement with SLSA's provenance, version 1.

It names what went in by digest: the source, every build requirement, the recipe. What the builder says
of itself (its name, its sandbox) is said in its name; who signs it vouches for having been told so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from wheelyard.model.artifact import Artifact, InputWheel
from wheelyard.model.job import Offer, Report
from wheelyard.model.source import Source, SourceKind

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:wheelyard:wheel-build:1"
_SHOWN = frozenset({"http", "https", "ssh", "git"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Who built, and when; ``version`` is that of the wheelyard that says so."""

    builder: str
    fence: int
    attempt: int
    finished: datetime
    version: str


def provenance_statement(
    offer: Offer, report: Report, artifact: Artifact, circumstances: Circumstances
) -> bytes:
    """Return the statement about an artifact, as JSON whose bytes depend on its content alone."""
    return msgspec.json.encode(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": artifact.filename, "digest": _digests(artifact.digest)}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "buildDefinition": _definition(offer, report, artifact),
                "runDetails": _run(offer, report, circumstances),
            },
        },
        order="deterministic",
    )


def _definition(offer: Offer, report: Report, artifact: Artifact) -> Mapping[str, object]:
    external = {
        "release": str(offer.release),
        "target": str(offer.target),
        "source": _source(offer.source),
        "recipeDigest": _digests(f"sha256:{artifact.recipe_digest}"),
        "sourceDateEpoch": offer.source_date_epoch,
    }
    if offer.as_of:
        external["requirementsAsOf"] = offer.as_of
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": external,
        "internalParameters": {"buildKey": str(offer.key), "sandbox": list(report.sandbox)},
        "resolvedDependencies": [
            {"name": "source", **_source(offer.source)},
            *(_requirement(wheel) for wheel in offer.requirements),
            *(_requirement(wheel) for wheel in offer.host_requirements),
        ],
    }


def _run(offer: Offer, report: Report, circumstances: Circumstances) -> Mapping[str, object]:
    started = circumstances.finished - timedelta(seconds=report.wall_seconds)
    details: dict[str, object] = {
        "builder": {
            "id": f"urn:wheelyard:builder:{quote(circumstances.builder, safe='')}",
            "version": {"wheelyard": circumstances.version},
        },
        "metadata": {
            "invocationId": f"{offer.key}/{circumstances.attempt}/{circumstances.fence}",
            "startedOn": _moment(started),
            "finishedOn": _moment(circumstances.finished),
        },
    }
    if report.log_digest:
        details["byproducts"] = [{"name": "log", "digest": _digests(report.log_digest)}]
    return details


def _source(source: Source) -> Mapping[str, object]:
    found: dict[str, object] = {"digest": _digests(source.digest)}
    parts = urlsplit(source.location)
    if parts.scheme in _SHOWN:
        # A password for an index is nobody's business who reads this.
        host = parts.netloc.rpartition("@")[2]
        address = urlunsplit((parts.scheme, host, parts.path, "", ""))
        found["uri"] = f"git+{address}" if source.kind is SourceKind.GIT else address
    if source.archive and source.archive != source.digest:
        found["annotations"] = {"archive": source.archive}
    if source.subdirectory:
        found["annotations"] = {"subdirectory": source.subdirectory}
    return found


def _requirement(wheel: InputWheel) -> Mapping[str, object]:
    release = wheel.release
    return {
        "name": wheel.filename,
        "uri": f"pkg:pypi/{quote(release.project)}@{quote(str(release.version))}",
        "digest": _digests(wheel.digest),
        "annotations": {"origin": wheel.origin.value},
    }


def _digests(digest: str) -> Mapping[str, str]:
    """Return a digest set: in-toto's name of the algorithm, and the digest in hexadecimal."""
    algorithm, _, value = digest.partition(":")
    names = {"git": "gitCommit", "tree": "wheelyardTree"}
    return {names.get(algorithm, algorithm): value} if value else {}


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
