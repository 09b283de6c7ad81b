"""What campaigns keep, and what they need of the world beside a forge.

A campaign is a migration that is carried out. The database is the truth about what people decided and what
we did; what a recipe says and what is published is looked up again, and wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from wheelyard.migrate.automerge import Automerge
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.membership import LeftOut, Rank, Scope
from wheelyard.migrate.priority import Limits
from wheelyard.migrate.states import NOTHING, Evidence, State
from wheelyard.model.proposal import FileEdit
from wheelyard.recipes.answers import RecordedAnswers

CampaignName = NewType("CampaignName", str)


class Mode(StrEnum):
    """What people decided about a campaign. ``CLOSING``: all is published, the pin file's edit is being offered."""

    RUNNING = "running"
    PAUSED = "paused"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign. ``rule`` names a migrator with its options, ``pins`` is the text of its pin file, where it has one.

    ``trial``: what is offered is built first, where nobody sees it. ``builds``: something is built of what is merged, so
    that only what is published counts; else what is merged does. ``pin_repository``, ``pin_path``: where its pin
    file lies, and is edited at the end. ``left_out``: who would be in it, and why they are not. ``waits_for``: campaigns
    that must have closed before this one asks anybody. ``revision`` grows when people changed its members.
    """

    name: CampaignName
    rule: str
    owner: str
    created: datetime
    pins: str = ""
    scope: Scope = field(default_factory=Scope)
    limits: Limits = field(default_factory=Limits)
    mode: Mode = Mode.RUNNING
    trial: bool = False
    builds: bool = True
    pin_repository: str = ""
    pin_path: str = ""
    left_out: tuple[tuple[str, LeftOut], ...] = ()
    waits_for: tuple[CampaignName, ...] = ()
    closed: datetime | None = None
    note: str = ""
    revision: int = 0
    answers: str = ""
    says: str = ""
    automerge: Automerge = Automerge.RECIPE
    everybody: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A member that another one needs, and how much that is worth. ``ignored``: it is not waited for."""

    parent: str
    rank: Rank
    ignored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A package in a campaign. ``changed``: since when it is in its state; ``reason``: why, where something went wrong.

    ``round`` counts how often people were asked; ``url`` is where the proposal is; ``base`` the commit that
    it was made on; ``trial``, ``build``: the requests that build it, before and after it is merged. ``seen`` is the commit
    that was looked at last; ``began``: what the recipe said when the campaign began, its version and build number.
    ``staged``: its trial passed, and what it left is in the staging index; ``ahead``: why a trial failed that was made with
    what those of its parents had left.
    """

    campaign: CampaignName
    package: str
    repository: str
    state: State
    changed: datetime
    links: tuple[Link, ...] = ()
    evidence: Evidence = NOTHING
    reason: str = ""
    round: int = 1
    url: str = ""
    base: str = ""
    trial: str = ""
    build: str = ""
    seen: str = ""
    began: str = ""
    staged: bool = False
    ahead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A member came into a state."""

    number: int
    campaign: CampaignName
    package: str
    state: State
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenVersion:
    """What a source last said of a package's newest version, or why it could not be asked."""

    package: str
    source: str
    at: datetime
    version: str = ""
    current: str = ""
    error: str = ""
    again: datetime | None = None


class CampaignStore(Protocol):
    """Campaigns, their members, and how these came to stand where they do. Each method is one transaction."""

    async def add(self, campaign: Campaign, members: Sequence[Member]) -> bool:
        """Keep a new campaign with its members; False where one of its name is there already."""
        ...

    async def campaign(self, name: CampaignName) -> Campaign | None:
        """Return a campaign."""
        ...

    async def campaigns(self) -> Sequence[Campaign]:
        """Return all of them, the newest first."""
        ...

    async def update(self, campaign: Campaign) -> None:
        """Keep what is other about a campaign now."""
        ...

    async def members(self, name: CampaignName) -> Sequence[Member]:
        """Return the members of a campaign, by name."""
        ...

    async def of_package(self, package: str) -> Sequence[Member]:
        """Return a package as a member of each campaign that it is in, the newest campaign first."""
        ...

    async def save(self, members: Sequence[Member]) -> None:
        """Keep how members stand; each that came into another state makes a turn."""
        ...

    async def leave(self, name: CampaignName, package: str) -> None:
        """Take a member out of a campaign; what happened to it before is kept."""
        ...

    async def turns(
        self, *, campaign: str = "", package: str = "", after: int = 0, limit: int = 1000
    ) -> Sequence[Turn]:
        """Return turns with a number greater than ``after``, the newest first."""
        ...

    async def seen(self, versions: Sequence[SeenVersion]) -> None:
        """Keep what sources said of packages, in place of all that was said of these before."""
        ...

    async def versions(self, *, package: str = "", limit: int = 1000) -> Sequence[SeenVersion]:
        """Return what sources said, those with errors first, then by package and source."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLook:
    """What is new upstream of a recipe: ``version`` is the one to go to, or empty; ``again`` when sources are asked next."""

    current: str
    again: datetime
    version: str = ""
    seen: tuple[SeenVersion, ...] = ()


class NewVersions(Protocol):
    """Where new versions of recipes show."""

    async def look(self, package: str, feedstock: Feedstock) -> VersionLook:
        """Ask what is due, and return what is known. Raises RecipeError where the recipe cannot be read."""
        ...

    async def remarks(self, feedstock: Feedstock, version: str) -> tuple[str, ...]:
        """Say what a version requires otherwise than the recipe, a line each; nothing where nobody tells."""
        ...

    async def answers(self, feedstock: Feedstock, version: str) -> RecordedAnswers:
        """Return all that an edit to a version asks of the network. Raises RefusedEditError where there is no such edit."""
        ...


class BuildState(StrEnum):
    """How a build stands that a campaign asked for."""

    WAITING = "waiting"
    BUILT = "built"
    FAILED = "failed"
    NOT_SOLVABLE = "not-solvable"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWish:
    """What is to be built: a package as a commit of its repository has it.

    ``files`` are changed in it before: a trial, whose result nobody sees but who asks for it.
    """

    campaign: CampaignName
    package: str
    repository: str
    commit: str
    files: tuple[FileEdit, ...] = ()

    @property
    def staging(self) -> bool:
        """Whether it is a trial."""
        return bool(self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildAnswer:
    """How a build stands, and why where it went wrong."""

    state: BuildState
    reason: str = ""


class Builds(Protocol):
    """The farm, as campaigns use it."""

    async def ask(self, wish: BuildWish) -> str:
        """Have something built; return what names the build. The same wish joins the build that goes on."""
        ...

    async def answer(self, build: str) -> BuildAnswer:
        """Return how a build stands; what was built and is not staging is published."""
        ...

    async def stage(self, campaign: CampaignName, build: str) -> int:
        """Let other trials of a campaign have what a trial left; return how many files these are."""
        ...

    async def unstage(self, campaign: CampaignName) -> None:
        """Forget what the trials of a campaign left."""
        ...

    async def seconds(self, packages: Sequence[str]) -> dict[str, float]:
        """Return what earlier builds of packages took, where there were any."""
        ...
