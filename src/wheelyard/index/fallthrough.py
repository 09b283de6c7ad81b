"""Projects that are not here, from upstream: by a redirect, and never for a project that is ours.

A page is ours whole or upstream's whole. Whoever publishes a name upstream that is ours, even one of which
nothing is left here, puts no file on a page that comes from here.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from wheelyard.model.release import ProjectName


@runtime_checkable
class KnownProjects(Protocol):
    """Remembers every project of which anything was ever built or published here."""

    async def known(self, project: ProjectName) -> bool:
        """Whether that is so."""
        ...


class Fallthrough:
    """Where to send those who ask for what is not here.

    ``upstream`` is the address of an index's pages; ``own`` are patterns of names that are never asked for
    elsewhere, whether anything of them is here yet or not.
    """

    def __init__(self, *, upstream: str, projects: KnownProjects, own: Sequence[str] = ()) -> None:
        self._upstream = upstream if upstream.endswith("/") else f"{upstream}/"
        self._projects = projects
        self._own = tuple(own)

    async def address(self, project: ProjectName) -> str | None:
        """Return where upstream's page of a project is; None where the project is ours."""
        if any(fnmatchcase(project, pattern) for pattern in self._own):
            return None
        if await self._projects.known(project):
            return None
        return f"{self._upstream}{project}/"
