"""Queries and answers in the short form that tests of resolving write them in."""

from typing import Any

from wheelyard.model.resolution import CandidatePolicy, Query, Resolution
from wheelyard.targets.target import Target

LINUX = Target.parse("cp312-manylinux_2_28_x86_64")
_POLICY = ("sources_only", "exclude_newer", "before", "prereleases")


def query(*requirements: str, target: str = str(LINUX), **fields: Any) -> Query:
    policy = {name: fields.pop(name) for name in _POLICY if name in fields}
    return Query(
        requirements=requirements,
        target=Target.parse(target),
        policy=CandidatePolicy(**policy),
        **fields,
    )


def pins(resolution: Resolution) -> list[str]:
    return [str(pin.release) for pin in resolution.pins]


def dependencies(resolution: Resolution) -> dict[str, list[str]]:
    return {str(pin.release.project): list(map(str, pin.dependencies)) for pin in resolution.pins}
