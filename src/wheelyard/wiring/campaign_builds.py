"""Builds of campaigns, as requests to the farm: a command on the tree of a feedstock.

A repository says itself how it is built (``wheelyard-job.toml``); what it does not say is the farm's
command for feedstocks.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from wheelyard.campaign_ports import BuildAnswer, BuildState, BuildWish
from wheelyard.farm_ports import RequestStore
from wheelyard.forge.addresses import place_of
from wheelyard.forge.running import Place
from wheelyard.forge.staging import staged
from wheelyard.model.request import Kind, Request, RequestId, RequestState, Wish
from wheelyard.protocol.commands import CommandWanted, encode_command

Submit = Callable[[Wish], Awaitable[Request]]
_OWNER = "campaigns"


class FarmBuilds:
    """The ``Builds`` port on the farm's requests.

    ``place`` tells where a repository of the forge lies; ``staging`` is a folder for what is tried.
    ``line`` and ``artifacts`` are the command for repositories that have none of their own, and what it leaves.
    """

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        *,
        submit: Submit,
        requests: RequestStore,
        place: Callable[[str], Place],
        staging: Path,
        line: str = "",
        artifacts: tuple[str, ...] = (),
    ) -> None:
        self._submit = submit
        self._requests = requests
        self._place = place
        self._staging = staging
        self._line = line
        self._artifacts = artifacts
        self._open: set[str] = set()

    async def ask(self, wish: BuildWish) -> str:
        """Have a commit built, or one that is only tried; return the request's name."""
        place, commit = self._place(wish.repository), wish.commit
        if wish.staging:
            key = hashlib.sha256(place.address.encode()).hexdigest()[:24]
            bare, commit = await staged(self._staging, place, commit, wish.files, key=key)
            place = place_of(str(bare), None)
        wanted = CommandWanted(
            repository=_address(place),
            revision=commit,
            line=self._line,
            artifacts=self._artifacts,
            name=f"{wish.package}-trial" if wish.staging else wish.package,
        )
        asked = encode_command(wanted)
        request = await self._submit(Wish(kind=Kind.COMMAND, asked=asked, owner=_OWNER))
        self._open.add(request.id)
        return request.id

    async def answer(self, build: str) -> BuildAnswer:
        """Return how a build stands."""
        request = await self._requests.get(RequestId(build))
        if request is None:
            return BuildAnswer(state=BuildState.FAILED, reason=f"the request {build} is gone")
        match request.state:
            case RequestState.OPEN:
                self._open.add(build)
                return BuildAnswer(state=BuildState.WAITING)
            case RequestState.DONE:
                return BuildAnswer(state=BuildState.BUILT)
            case RequestState.FAILED | RequestState.CANCELLED:
                return BuildAnswer(state=BuildState.FAILED, reason=request.reason)

    async def seconds(self, packages: Sequence[str]) -> dict[str, float]:
        """Return what the newest builds took, where they went well."""
        found: dict[str, float] = {}
        for request in await self._requests.find(owner=_OWNER, state=RequestState.DONE, limit=1000):
            name = str(msgspec.json.decode(request.text).get("name", ""))
            if name in packages and request.ended is not None:
                found.setdefault(name, (request.ended - request.created).total_seconds())
        return found

    async def watch(self, built: Callable[[str], Awaitable[None]], *, seconds: float) -> None:
        """Tell of each build that ends, for ever."""
        while True:
            for build in sorted(self._open):
                request = await self._requests.get(RequestId(build))
                if request is None or request.state is not RequestState.OPEN:
                    self._open.discard(build)
                    await built(build)
            await asyncio.sleep(seconds)


def _address(place: Place) -> str:
    return place.path.as_uri() if place.path else place.address
