"""Joins campaigns: recipes on this machine, the state folder, and a farm that builds, where there is one."""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wheelyard import failpoints
from wheelyard.campaign_ports import Builds, CampaignStore
from wheelyard.campaigns.pin_watch import PinRules, PinWatch
from wheelyard.campaigns.scanning import Scan, Scanner
from wheelyard.campaigns.service import Campaigns
from wheelyard.campaigns.watching import Watching
from wheelyard.campaigns.wheel_scan import WheelScanner
from wheelyard.errors import ConfigurationError
from wheelyard.forge.dry import DryRunForge
from wheelyard.forge.git import GitForge
from wheelyard.forge_ports import Forge
from wheelyard.model.release import project_name
from wheelyard.plan.forecast import usual_seconds
from wheelyard.ports import Clock, Memory
from wheelyard.store.clock import SystemClock
from wheelyard.store.folder import StateFolder
from wheelyard.store.jobs import StoredJobs
from wheelyard.wiring.forges import ForgeSettings, close_forge, forge_of, is_github
from wheelyard.wiring.places import state_path

_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipePlace:
    """Where recipes are: a folder of git repositories, of feedstocks, or a monorepo."""

    folder: Path
    forge: Forge
    scanner: Scanner

    async def is_forge(self) -> bool:
        """Whether there are git repositories in it, that proposals can be made to."""
        if is_github(self.folder):
            return True
        return bool(await self.forge.repositories())

    async def scan(self) -> Scan:
        """Read all recipes; those that did not change are not read again. Raises ConfigurationError."""
        if await self.is_forge():
            return await self.scanner.forge(self.forge)
        return await self.scanner.folder(self.folder.absolute())


def recipe_place(folder: Path, memory: Memory) -> RecipePlace:
    """Return a place of recipes: a folder, or ``github:OWNER/*``. Raises ConfigurationError where there is none."""
    if not is_github(folder) and not folder.is_dir():
        raise ConfigurationError(
            f"{str(folder)!r} is no folder",
            hint="Name one that has recipes or git repositories in it, or github:OWNER/*.",
        )
    forge = forge_of(ForgeSettings(where=str(folder)))
    return RecipePlace(folder=folder, forge=forge, scanner=Scanner(memory=memory))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What the commands of campaigns work with; ``place`` is None where no recipes were named."""

    store: CampaignStore
    memory: Memory
    clock: Clock
    place: RecipePlace | None
    campaigns: Campaigns
    jobs: StoredJobs
    wheels: WheelScanner

    async def scan(self, *, wheels: bool) -> Scan:
        """Read the recipes, or the farm's own projects. Raises ConfigurationError."""
        return await (self.wheels.scan() if wheels else self.recipes.scan())

    async def build_seconds(self, packages: Iterable[str]) -> Callable[[str], float]:
        """Say what builds of packages take: as earlier ones did here, else as is usual."""
        names = [project_name(one) for one in packages if is_project_name(one)]
        took = await self.jobs.durations(names)

        def seconds(package: str) -> float:
            if not is_project_name(package):
                return usual_seconds(package)
            name = project_name(package)
            return took.get(name) or usual_seconds(name)

        return seconds

    @property
    def recipes(self) -> RecipePlace:
        """The place of recipes. Raises ConfigurationError where none was named."""
        if self.place is None:
            raise ConfigurationError(
                "it is not said where the recipes are", hint="Name their folder with --feedstocks."
            )
        return self.place

    def watching(
        self, pin_repository: str, rules: PinRules, tell: Callable[[str], None]
    ) -> Watching:
        """Return what tells campaigns of what happened; ``pin_repository`` empty: no pin file is watched."""
        forge = self.recipes.forge
        pins = None
        if pin_repository:
            pins = PinWatch(
                forge=forge,
                store=self.store,
                memory=self.memory,
                clock=self.clock,
                repository=pin_repository,
                rules=rules,
                tell=tell,
            )
        return Watching(
            campaigns=self.campaigns,
            store=self.store,
            forge=forge,
            clock=self.clock,
            scan=self.recipes.scan,
            pins=pins,
        )


def is_project_name(text: str) -> bool:
    """Whether a package's name can be that of a project: only then was it built here."""
    return _PROJECT.fullmatch(text) is not None


@asynccontextmanager
async def open_workplace(
    recipes: Path | None,
    *,
    state: Path | None,
    database: str = "",
    builds: Builds | None = None,
    dry_run: Callable[[str], None] | None = None,
) -> AsyncIterator[Workplace]:
    """Open a state folder for campaigns on the recipes of a folder; ``dry_run`` is told what is not done."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(
            await StateFolder.open(state_path(state), database=database, clock=clock)
        )
        place = recipe_place(recipes, folder.memory) if recipes is not None else None
        real: Forge = place.forge if place is not None else GitForge()
        forge = DryRunForge(real, tell=dry_run) if dry_run else real
        if place is not None:
            place = replace(place, forge=forge)
        stack.push_async_callback(close_forge, real)
        yield Workplace(
            store=folder.campaigns,
            memory=folder.memory,
            clock=clock,
            place=place,
            jobs=folder.jobs,
            wheels=WheelScanner(artifacts=folder.artifacts, queue=folder.queue),
            campaigns=Campaigns(
                store=folder.campaigns,
                forge=forge,
                clock=clock,
                builds=builds,
                events=folder.events,
                pass_by=failpoints.pass_by,
                trial_suffices=not is_github(recipes),
            ),
        )
