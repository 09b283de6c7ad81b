"""Whether an environment has what a back end asks for."""

from collections.abc import Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelyard.model.artifact import InputWheel


def unmet(
    asked: Sequence[str], wheels: Sequence[InputWheel], markers: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the requirements that no wheel of the environment satisfies, in their order.

    ``markers`` are those of the interpreter that builds. Extras are the resolver's business: what
    they bring was resolved together with the rest. Raises InvalidRequirement.
    """
    versions: dict[str, Version] = {
        str(wheel.release.project): wheel.release.version for wheel in wheels
    }
    environment = dict(markers)
    return tuple(line for line in asked if not _met(Requirement(line), versions, environment))


def _met(requirement: Requirement, versions: dict[str, Version], markers: dict[str, str]) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate(dict(markers)):
        return True
    version = versions.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def invalid(asked: Sequence[str]) -> str | None:
    """Return the first line that is no requirement, an empty one included, or None."""
    for line in asked:
        try:
            Requirement(line)
        except InvalidRequirement:
            return line
    return None
