"""Projects: the list, and one with its releases by targets, its files, and what waits for it."""

from collections.abc import Sequence

import msgspec

from wheelyard.errors import InvalidNameError
from wheelyard.jobs.cells import FAILURES, Cell
from wheelyard.model.release import ProjectName, project_name
from wheelyard.site_ports import Choice, ProjectRow, SiteStore
from wheelyard.web.endpoint import Call, Parameter
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal, not_there
from wheelyard.web.site.matrix import address, choice_of, limit_of
from wheelyard.web.site.page import Page
from wheelyard.web.site.project import ProjectBook, ProjectView
from wheelyard.web.site.versions import newest_first

_RELEASES = 30


class ProjectLine(msgspec.Struct, kw_only=True):
    """A project in the list: its newest version that there is a job for, and how many targets stand how."""

    project: str
    version: str
    targets: int
    built: int
    failed: int
    regressed: int
    busy: int


class ProjectList(msgspec.Struct, kw_only=True):
    """Some projects, by name."""

    name: str
    projects: Sequence[ProjectLine]
    first: str | None
    after: str | None


class ProjectPages:
    """Shows projects."""

    def __init__(self, *, site: SiteStore, book: ProjectBook) -> None:
        self._site = site
        self._book = book

    async def list(self, call: Call) -> ProjectList:
        """Show some projects."""
        choice, limit = choice_of(call), limit_of(call)
        choice = Choice(name=choice.name, after=choice.after)
        rows = await self._site.rows(choice, limit=limit + 1)
        more = len(rows) > limit
        return ProjectList(
            name=choice.name,
            projects=[_line(row) for row in rows[:limit]],
            first=address(choice, limit) if choice.after else None,
            after=address(choice, limit, rows[limit - 1].project) if more else None,
        )

    async def show(self, call: Call) -> ProjectView:
        """Show one project."""
        project = await named(self._site, call)
        offset = call.number("offset", 0, most=100_000)
        return await self._book.view(
            project, offset=offset, releases=_RELEASES, base=str(call.request.base_url).rstrip("/")
        )


async def named(site: SiteStore, call: Call) -> ProjectName:
    """Return the project that an address names, however it spells it. Raises a Refusal."""
    name = call.place("name")
    try:
        project = project_name(name)
    except InvalidNameError:
        raise not_there("project", name) from None
    if not await site.known(project):
        near = await site.search(project[:20], limit=1)
        hint = f"Is it {near[0]}?" if near else "/projects lists all."
        raise Refusal(404, f"there is no project {project[:80]!r}", hint)
    return project


def _line(row: ProjectRow) -> ProjectLine:
    cells = row.cells
    versions = newest_first({cell.version for cell in cells})
    return ProjectLine(
        project=row.project,
        version=versions[0] if versions else "",
        targets=len(cells),
        built=_count(cells, {"built"}),
        failed=_count(cells, FAILURES),
        regressed=sum(cell.regressed for cell in cells),
        busy=_count(cells, {"waiting", "running"}),
    )


def _count(cells: Sequence[Cell], states: set[str] | frozenset[str]) -> int:
    return sum(cell.state in states for cell in cells)


def pages(ports: WebPorts) -> Sequence[Page]:
    """Return what there is of projects."""
    book = ProjectBook(site=ports.site, blobs=ports.blobs, stories=ports.stories)
    site = ProjectPages(site=ports.site, book=book)
    return (
        Page(
            path="/projects",
            template="projects.html",
            title="Projects",
            show=site.list,
            says="Projects by name, with how many of their targets are built.",
            query=(
                Parameter(name="name", says="Only those with this in their name."),
                Parameter(name="after", says="Those beyond a name."),
                Parameter(name="limit", says="At most so many, 500 at most.", kind="integer"),
            ),
        ),
        Page(
            path="/projects/{name}",
            template="project.html",
            title="{project}",
            show=site.show,
            says="A project: its releases by targets, its files, what it needs, and what waits for it.",
            query=(Parameter(name="offset", says="Leave out so many releases.", kind="integer"),),
            follows=("jobs",),
        ),
    )
