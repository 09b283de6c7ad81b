"""Joins the process that is a farm: engines, coordinator, HTTP, index, and builders of its own."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from wheelyard import failpoints
from wheelyard.blobs.room import Room
from wheelyard.coordinator.farm.coordinator import Coordinator
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.coordinator.uploads import Uploads
from wheelyard.executor.check_policy import DEFAULT_VERDICTS, CheckPolicy
from wheelyard.executor.delivered import Delivered
from wheelyard.executor.uploaded import inspect_upload
from wheelyard.farm_ports import Role
from wheelyard.index.channel_state import RenderedChannel
from wheelyard.index.serving import allow_many_connections, running
from wheelyard.model.job import Verdict
from wheelyard.model.recipe import DEFAULT_RECIPE, Recipe
from wheelyard.model.release import Release
from wheelyard.model.request import Kind
from wheelyard.notify.messages import AppriseNotifier
from wheelyard.store.clock import SystemClock
from wheelyard.store.folder import StateFolder
from wheelyard.store.signing import signing_key
from wheelyard.store.site import StoredSite
from wheelyard.upstream.client import IndexUpstream
from wheelyard.upstream.memo import MemoResolver
from wheelyard.upstream.pinning import PinningResolver
from wheelyard.upstream.uv import UvResolver
from wheelyard.web.app import WebApp
from wheelyard.web.identities import OpenIdSettings
from wheelyard.web.minting import Mint
from wheelyard.web.ports import Times, WebPorts
from wheelyard.web.stories import Stories
from wheelyard.wiring.behind import NO_FALLTHROUGH, FallthroughSettings, fallthrough_of
from wheelyard.wiring.campaign_builds import FarmPortsOfCampaigns
from wheelyard.wiring.campaign_staging import Staging
from wheelyard.wiring.engines import BusSettings, Engine, open_engine
from wheelyard.wiring.farm_campaigns import CampaignSettings, FarmCampaigns
from wheelyard.wiring.farm_commands import FarmCommands
from wheelyard.wiring.farm_runs import FarmRuns
from wheelyard.wiring.keeping import channel_door, upkeep_of
from wheelyard.wiring.local import FarmSettings, upstream_settings
from wheelyard.wiring.local_builders import LocalBuilders
from wheelyard.wiring.planning import Planning
from wheelyard.wiring.shelving import open_blobs
from wheelyard.wiring.versions import VersionSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """What a farm is told. ``database``, ``blobs`` empty: the state folder's own; ``builders``: how many of its own it has.

    ``least_disk_bytes``: with less free nothing new is given out. ``local_repositories``: requests may name git
    repositories on this machine's disk. ``public``: pages can be read without a token. ``name`` is what people call
    this farm.
    """

    farm: FarmSettings
    host: str = "127.0.0.1"
    port: int = 8080
    database: str = ""
    blobs: str = ""
    bus: BusSettings = field(default_factory=BusSettings)
    builders: int = 1
    mail_server: str = ""
    local_repositories: bool = False
    public: bool = True
    name: str = "wheelyard"
    identities: OpenIdSettings | None = None
    fall_through: FallthroughSettings = NO_FALLTHROUGH
    least_disk_bytes: int = 0
    recipe_of: Callable[[Release], Recipe] = lambda _: DEFAULT_RECIPE
    rules: FarmRules = field(default_factory=FarmRules)
    campaigns: CampaignSettings = field(default_factory=CampaignSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A farm that runs. ``token`` is that of its first administrator, the first time only."""

    address: str
    token: str
    app: WebApp
    coordinator: Coordinator


@asynccontextmanager
async def serving(settings: ServeSettings) -> AsyncIterator[Served]:
    """Run a farm while the block runs. Raises WheelyardError where it cannot begin."""
    allow_many_connections()
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        folder = await stack.enter_async_context(
            await StateFolder.open(settings.farm.state, database=settings.database, clock=clock)
        )
        # Now, because a key that cannot be used would keep every result waiting.
        await asyncio.to_thread(signing_key, folder.path)
        engine = await open_engine(
            settings.bus, state=folder.path, tokens=folder.tokens, stack=stack
        )
        farm = _Farm(settings, folder, engine, clock)
        planning = await farm.planning(stack)
        coordinator = farm.coordinator(planning)
        app = WebApp(farm.web(coordinator, await folder.site()))
        builders = farm.local_builders()
        await stack.enter_async_context(builders.running(settings.builders))
        address = await stack.enter_async_context(
            running(app, host=settings.host, port=settings.port, quick=app.index)
        )
        stack.push_async_callback(app.end)
        await stack.enter_async_context(
            _beside(
                coordinator.run(),
                app.run(),
                engine.keep(),
                farm.campaigns(coordinator).run(),
            )
        )
        token = await farm.first_token()
        yield Served(address=address, token=token, app=app, coordinator=coordinator)


class _Farm:
    """The parts of a farm, as they are joined."""

    def __init__(
        self, settings: ServeSettings, folder: StateFolder, engine: Engine, clock: SystemClock
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._engine = engine
        self._clock = clock
        self._blobs = open_blobs(folder, settings.blobs)
        self._door = channel_door(folder, self._blobs)
        self._stories = Stories()
        self._mint = Mint(tokens=folder.tokens, clock=clock)

    async def planning(self, stack: AsyncExitStack) -> Planning:
        """Open what plans are made with."""
        folder, blobs = self._folder, self._blobs
        await blobs.sweep_temporary()
        upstream = IndexUpstream(
            settings=upstream_settings(self._settings.farm, folder), blobs=blobs
        )
        stack.push_async_callback(upstream.close)
        resolver = UvResolver(upstream=upstream, extra={})
        stack.push_async_callback(resolver.close)
        return Planning(
            folder=folder,
            blobs=blobs,
            upstream=upstream,
            resolver=PinningResolver(
                MemoResolver(resolver, memory=folder.memory),
                fetch=upstream.fetch,
                fetch_wheel=upstream.fetch_wheel,
            ),
            clock=self._clock,
        )

    def coordinator(self, planning: Planning) -> Coordinator:
        """Return the coordinator."""
        policy = CheckPolicy.parse(self._settings.farm.checks)
        runs = FarmRuns(
            planning=planning, stories=self._stories, recipe_of=self._settings.recipe_of
        )
        commands = FarmCommands(
            planning=planning,
            stories=self._stories,
            local=self._settings.local_repositories,
            door=self._door,
        )
        return Coordinator(
            ports=self._farm_ports(),
            intake=planning.intake(),
            prepare=planning.prepare,
            open_run=runs.open,
            rules=self._settings.rules,
            carriers={Kind.COMMAND: commands.carrier},
            holds=lambda finding: policy.verdict(finding.check) is Verdict.HOLD,
        )

    def _farm_ports(self) -> FarmPorts:
        folder = self._folder
        return FarmPorts(
            bus=self._engine.bus,
            queue=folder.queue,
            jobs=folder.jobs,
            requests=folder.requests,
            builders=folder.builders,
            tokens=folder.tokens,
            events=folder.events,
            leadership=folder.leadership,
            artifacts=folder.artifacts,
            blobs=self._blobs,
            memory=folder.memory,
            clock=self._clock,
            inspector=Delivered(blobs=self._blobs, scratch=folder.place("jobs")),
            notifier=AppriseNotifier(mail_server=self._settings.mail_server),
            issue_token=self._mint.for_job,
            reachable=self._engine.reachable,
            ticks=time.monotonic,
            has_room=Room(
                folder.place("blobs"),
                least_bytes=self._settings.least_disk_bytes,
                ticks=time.monotonic,
            ),
            pass_by=failpoints.pass_by,
        )

    def campaigns(self, coordinator: Coordinator) -> FarmCampaigns:
        """Return what carries changes through recipes."""
        folder = self._folder
        return FarmCampaigns(
            settings=self._settings.campaigns,
            folder=folder,
            farm=FarmPortsOfCampaigns(
                desk=coordinator,
                requests=folder.requests,
                artifacts=folder.artifacts,
                jobs=folder.jobs,
                staging=Staging(
                    store=folder.staging,
                    blobs=self._blobs,
                    scratch=folder.place("jobs") / "staged",
                ),
            ),
            clock=self._clock,
            leads=lambda: coordinator.leads,
            upstream=VersionSettings(
                state=folder.path,
                indexes=self._settings.farm.indexes,
                addresses=self._settings.campaigns.sources,
                offline=self._settings.farm.offline,
            ),
        )

    def web(self, coordinator: Coordinator, site: StoredSite) -> WebPorts:
        """Return what the HTTP interface needs."""
        folder = self._folder
        return WebPorts(
            tokens=folder.tokens,
            builders=folder.builders,
            requests=folder.requests,
            queue=folder.queue,
            jobs=folder.jobs,
            artifacts=folder.artifacts,
            blobs=self._blobs,
            events=folder.events,
            site=site,
            campaigns=site.campaigns,
            bus=self._engine.bus,
            bus_of=self._engine.bus_of,
            end_of=self._engine.end_of,
            desk=coordinator,
            clock=self._clock,
            times=Times(presence=presence_seconds(self._settings.rules)),
            stories=self._stories,
            admit=self._engine.admit,
            free_bytes=lambda: shutil.disk_usage(folder.path).free,
            public=self._settings.public,
            name=self._settings.name,
            policies=self._policies(),
            identities=self._settings.identities,
            housekeeping=upkeep_of(folder, self._blobs),
            snapshots=folder.snapshots,
            uploads=Uploads(
                inspect=inspect_upload,
                artifacts=folder.artifacts,
                blobs=self._blobs,
                events=folder.events,
                scratch=folder.place("jobs"),
            ),
            hook_secret=self._settings.campaigns.hook_secret,
            channel=RenderedChannel(folder.channel),
            packages=self._door,
            fallthrough=fallthrough_of(self._settings.fall_through, folder.artifacts),
        )

    def _policies(self) -> Mapping[str, str]:
        """Say what is in force, for administrators."""
        rules = self._settings.rules
        checks = CheckPolicy.parse(self._settings.farm.checks)
        proof = "wait for a second maker" if rules.stranger_proof else "count at once"
        return {
            "Wheels of strangers": proof,
            "A builder is lost when it was silent for": f"{rules.lease:.0f} s",
            "Pages can be read by": "everybody" if self._settings.public else "who is signed in",
            **{f"Check {name}": checks.verdict(name).value for name in DEFAULT_VERDICTS},
        }

    def local_builders(self) -> LocalBuilders:
        """Return the builders of this process."""
        farm = self._settings.farm
        return LocalBuilders(
            state=self._folder.path,
            blobs=self._blobs,
            builders=self._folder.builders,
            tokens=self._folder.tokens,
            mint=self._mint,
            own_end=self._engine.own_end,
            sandbox=farm.sandbox,
            compiler_cache=farm.compiler_cache,
            slots=farm.slots,
            network=farm.network,
        )

    async def first_token(self) -> str:
        """Make the first administrator's token; empty where there is one already."""
        tokens = await self._folder.tokens.all()
        if any(token.role is Role.ADMINISTRATOR for token in tokens):
            return ""
        credential, _ = await self._mint.make(Role.ADMINISTRATOR, "admin", note="the first one")
        return str(credential)


def presence_seconds(rules: FarmRules) -> float:
    """Return how often builders are to say that they are there, so that a lease outlives a few that are lost."""
    return min(5.0, rules.lease / 12)


@asynccontextmanager
async def _beside(*services: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run services beside the block, and end them with it; a bug in one ends the process."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service) for service in services]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
