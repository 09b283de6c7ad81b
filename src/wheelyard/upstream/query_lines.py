"""A query's requirements, constraints and overrides as they are on its target."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from wheelyard.errors import NoSolutionError
from wheelyard.model.release import ProjectName, project_name
from wheelyard.model.resolution import Query
from wheelyard.model.secrets import without_secrets
from wheelyard.upstream.target_metadata import Need, needs_of, parse_requirement

_NEVER = ' ; python_version < "0"'


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLines:
    """What a query asks for, with every marker decided.

    An override without needs stands for a project that must not be required at all.
    """

    roots: tuple[Need, ...]
    constraints: tuple[Need, ...]
    overrides: dict[ProjectName, tuple[Need, ...]]
    provided: frozenset[ProjectName]

    @classmethod
    def of(cls, query: Query, provided: frozenset[ProjectName]) -> Self:
        """Read a query. Raises InvalidNameError, and NoSolutionError for an unknown direct reference."""
        overrides: dict[ProjectName, tuple[Need, ...]] = {}
        for line in query.overrides:
            requirement = parse_requirement(line)
            project = project_name(requirement.name)
            found = _decided([line], query, provided)
            overrides[project] = overrides.get(project, ()) + found
        return cls(
            roots=_decided(query.requirements, query, provided),
            constraints=_decided(query.constraints, query, provided),
            overrides=overrides,
            provided=provided,
        )

    def requirement_text(self) -> str:
        """Write the requirements, a line each."""
        return self._text(need.line(provided=self.provided) for need in self.roots)

    def constraint_text(self) -> str:
        """Write the constraints, which take no extras."""
        return self._text(f"{need.project}{need.specifier}" for need in self.constraints)

    def override_text(self) -> str:
        """Write the overrides; one that removes a project says so with a marker that never holds."""
        return self._text(
            line
            for project, needs in self.overrides.items()
            for line in [need.line(provided=self.provided) for need in needs]
            or [f"{project}{_NEVER}"]
        )

    def applied(self, need: Need) -> tuple[Need, ...]:
        """Return what a requirement becomes under the overrides."""
        return self.overrides.get(need.project, (need,))

    @staticmethod
    def _text(lines: Iterable[str]) -> str:
        return "".join(f"{line}\n" for line in lines)


def _decided(
    lines: Iterable[str], query: Query, provided: Collection[ProjectName]
) -> tuple[Need, ...]:
    needs = tuple(
        need for line in lines for need in needs_of(parse_requirement(line), query.target)
    )
    for need in needs:
        # A resolver that may follow an address downloads and even builds what lies there.
        if need.url and need.project not in provided:
            raise NoSolutionError(
                f"{without_secrets(need.line())!r} is a direct reference that nobody looked at",
                hint="Name it among the requirements of the request itself, "
                "so that it is fetched and checked before it is used.",
            )
    # Sorted, because the order of lines must not decide between two solutions.
    return tuple(sorted(needs, key=Need.line))
