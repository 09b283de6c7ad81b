"""A farm's own projects as packages of the graph: from the wheels that it built, and what they were built with."""

from collections.abc import Iterable, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wheelyard.graph.packages import EdgeKind, Need, Package
from wheelyard.model.artifact import Artifact

_EXTRA = "extra"


def package_of_wheels(
    project: str, wheels: Sequence[Artifact], built_with: Iterable[str]
) -> Package:
    """Return a project as a package.

    ``built_with`` are the projects of its build environments: what a wheel is compiled against is among them, so that
    they count as its host section. A project of pure wheels alone is noarch: no other build would be of use.
    """
    needs = [
        Need(name=canonicalize_name(name), kind=EdgeKind.HOST)
        for name in sorted(set(built_with))
        if canonicalize_name(name) != project
    ]
    needs += [
        Need(name=name, kind=EdgeKind.RUN)
        for name in sorted({name for wheel in wheels for name in _run_needs(wheel)} - {project})
    ]
    pure = bool(wheels) and all(wheel.filename.endswith("-none-any.whl") for wheel in wheels)
    return Package(name=project, needs=tuple(needs), noarch="python" if pure else "")


def _run_needs(wheel: Artifact) -> Iterable[str]:
    for line in wheel.requires_dist:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or _EXTRA not in str(requirement.marker):
            yield canonicalize_name(requirement.name)
