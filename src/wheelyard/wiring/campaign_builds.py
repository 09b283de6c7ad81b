"""The farm as campaigns use it: what they want built becomes a request like everybody's."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelyard.campaign_ports import BuildAnswer, BuildState, BuildWish, CampaignName
from wheelyard.campaigns.wheel_scan import newest
from wheelyard.errors import ConfigurationError, ForgeError
from wheelyard.farm_ports import RequestStore
from wheelyard.forge.addresses import place_of
from wheelyard.forge.git import GitForge
from wheelyard.forge.running import GitCommand
from wheelyard.jobs.reasons import is_unsolvable
from wheelyard.model.proposal import Draft
from wheelyard.model.release import project_name
from wheelyard.model.request import Kind, RequestId, RequestState, Wish
from wheelyard.model.resolution import FromSource
from wheelyard.ports import ArtifactStore, JobStore
from wheelyard.protocol.commands import CommandWanted, encode_command
from wheelyard.protocol.requests import WheelsWanted, encode_wanted
from wheelyard.web.ports import Desk
from wheelyard.wiring.campaign_staging import Staging, staging_name
from wheelyard.wiring.campaigns import is_project_name

_STATES = {
    RequestState.OPEN: BuildState.WAITING,
    RequestState.DONE: BuildState.BUILT,
    RequestState.FAILED: BuildState.FAILED,
    RequestState.CANCELLED: BuildState.FAILED,
}
_OWNER = "campaigns"
_GIT_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmPortsOfCampaigns:
    """What of a farm campaigns need."""

    desk: Desk
    requests: RequestStore
    artifacts: ArtifactStore
    jobs: JobStore
    staging: Staging | None = None


class FarmBuilds:
    """The ``Builds`` port of a farm.

    A feedstock is built by the command of its job file, or of ``job_file``; a project without a repository as
    wheels, again, for the targets that it has wheels for. Trials are made of a copy of the repository below ``trials``.
    ``index`` is how builds of feedstocks reach the farm's index; empty: they reach nothing.
    """

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        *,
        farm: FarmPortsOfCampaigns,
        folder: Path | None,
        trials: Path,
        job_file: str = "",
        index: str = "",
        address_of: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        self._farm = farm
        self._folder = folder
        self._trials = trials
        self._job_file = job_file
        self._index = index.rstrip("/")
        self._address_of = address_of

    async def ask(self, wish: BuildWish) -> str:
        """Ask the farm; the same wish joins the request that is open."""
        if not wish.repository:
            asked = Wish(kind=Kind.WHEELS, asked=await self._wheels(wish), owner=_OWNER)
        else:
            address, commit = await self._revision(wish)
            command = CommandWanted(
                repository=address,
                revision=commit,
                job_file=self._job_file,
                name=_named(wish),
                network=bool(self._index),
                variables=await self.variables(wish),
                # What the staging index has is no part of what names a build.
                rebuild=wish.staging and bool(self._index),
                # What nobody has agreed to yet is for nobody to install.
                channel=not wish.staging,
            )
            asked = Wish(kind=Kind.COMMAND, asked=encode_command(command), owner=_OWNER)
        return str((await self._farm.desk.submit(asked)).id)

    async def answer(self, build: str) -> BuildAnswer:
        """Return how a request stands."""
        request = await self._farm.requests.get(RequestId(build))
        if request is None:
            return BuildAnswer(state=BuildState.FAILED, reason="the farm does not know its build")
        state = _STATES[request.state]
        if state is BuildState.FAILED and is_unsolvable(request.reason):
            state = BuildState.NOT_SOLVABLE
        return BuildAnswer(state=state, reason=request.reason)

    async def stage(self, campaign: CampaignName, build: str) -> int:
        """Put the wheels that a trial left into the staging index of its campaign."""
        staging = self._farm.staging
        return 0 if staging is None else await staging.stage(campaign, build)

    async def unstage(self, campaign: CampaignName) -> None:
        """Forget the staging index of a campaign."""
        if self._farm.staging is not None:
            await self._farm.staging.clear(campaign)

    async def variables(self, wish: BuildWish) -> tuple[tuple[str, str], ...]:
        """Say where a build finds the index, and a trial what other trials left."""
        if not self._index:
            return ()
        index = f"{self._index}/simple/"
        found = [("PIP_INDEX_URL", index), ("UV_DEFAULT_INDEX", index)]
        staging = self._farm.staging
        if wish.staging and staging is not None and await staging.has(wish.campaign):
            staged = f"{self._index}/snapshots/{staging_name(wish.campaign)}/simple/"
            found += [("PIP_EXTRA_INDEX_URL", staged), ("UV_INDEX", staged)]
        return tuple(found)

    async def seconds(self, packages: Sequence[str]) -> dict[str, float]:
        """Return what earlier builds took."""
        names = [project_name(one) for one in packages if is_project_name(one)]
        return {str(name): took for name, took in (await self._farm.jobs.durations(names)).items()}

    async def _wheels(self, wish: BuildWish) -> bytes:
        wheels = newest(await self._farm.artifacts.of_project(project_name(wish.package)))
        targets = sorted({str(one.target) for one in wheels if one.target is not None})
        if not targets:
            raise ConfigurationError(
                f"there is no wheel of {wish.package!r} that would say for which targets",
                hint="Build it once, for the targets that are wanted.",
            )
        return encode_wanted(
            WheelsWanted(
                requirements=(str(wheels[0].release),),
                targets=tuple(targets),
                from_source=FromSource.REQUESTED,
                rebuild=True,
            )
        )

    async def _revision(self, wish: BuildWish) -> tuple[str, str]:
        """Return the address and the commit that are built."""
        address = await self._address(wish.repository)
        return await self._tried(wish, address) if wish.staging else (address, wish.commit)

    async def _address(self, repository: str) -> str:
        if self._address_of is not None:
            return await self._address_of(repository)
        if "://" in repository or self._folder is None:
            return repository
        path = (self._folder / repository).absolute()
        return (path if path.is_dir() else path.with_name(f"{path.name}.git")).as_uri()

    async def _tried(self, wish: BuildWish, address: str) -> tuple[str, str]:
        """Make the change in a copy of the repository that nobody looks at."""
        name = hashlib.sha256(f"{wish.campaign} {wish.repository}".encode()).hexdigest()[:20]
        place = self._trials / f"{name}.git"
        await asyncio.to_thread(self._trials.mkdir, parents=True, exist_ok=True)
        source = place_of(address, self._folder)
        if not place.is_dir():
            arguments = ["clone", "--quiet", "--bare", "--", source.address, str(place)]
        else:
            every = "+refs/heads/*:refs/heads/*"
            arguments = [f"--git-dir={place}", "fetch", "--quiet", "--", source.address, every]
        await GitCommand(seconds=_GIT_SECONDS).run(source, arguments)
        files = hashlib.sha256(repr(wish.files).encode()).hexdigest()[:12]
        draft = Draft(
            repository=str(place),
            key=f"trial-{files}",
            base=wish.commit,
            files=wish.files,
            title=f"Try {wish.campaign}",
        )
        proposal = await GitForge().propose(draft)
        if not proposal.head:
            raise ForgeError(f"the trial of {wish.package} cannot be made", hint="Try it again.")
        return place.as_uri(), proposal.head


def _named(wish: BuildWish) -> str:
    return wish.package if is_project_name(wish.package) else ""
