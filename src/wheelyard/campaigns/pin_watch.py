"""A pin file that changed starts its migrations by itself.

That is, a file in ``recipe/migrations`` that no campaign is named after, or other values in the pin file: one
campaign then for all pins that move together.
"""

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wheelyard.campaign_ports import CampaignName, CampaignStore
from wheelyard.campaigns.planning import Intention
from wheelyard.errors import WheelyardError
from wheelyard.forge_ports import Forge
from wheelyard.migrate.automerge import Automerge
from wheelyard.migrate.pins.opening import started
from wheelyard.migrate.priority import Limits
from wheelyard.model.proposal import Tree
from wheelyard.ports import Clock, Memory

_KIND = "pin-file"
_FILES = ("recipe/migrations/*.yaml", "migrations/*.yaml")
_PINS = ("recipe/conda_build_config.yaml", "conda_build_config.yaml")
OWNER = "pins"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRules:
    """How campaigns are begun that nobody asked for."""

    limits: Limits = field(default_factory=Limits)
    trial: bool = False
    builds: bool = True
    automerge: Automerge = Automerge.RECIPE


class PinWatch:
    """Looks at the repository of the pin file."""

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        *,
        forge: Forge,
        store: CampaignStore,
        memory: Memory,
        clock: Clock,
        repository: str,
        rules: PinRules,
        tell: Callable[[str], None],
    ) -> None:
        self._forge = forge
        self._store = store
        self._memory = memory
        self._clock = clock
        self.repository = repository
        self._rules = rules
        self._tell = tell

    async def wanted(self) -> Sequence[Intention]:
        """Return the campaigns that are to begin; a file that cannot be read is told of and keeps no other back.

        What the pin file said before is kept only by ``remember``, once they have begun.
        """
        tree = await self._forge.look(self.repository, (*_FILES, *_PINS))
        found = [*self._from_files(tree), *await self._from_pins(tree)]
        return [one for one in found if await self._store.campaign(CampaignName(one.name)) is None]

    async def remember(self) -> None:
        """Keep what the pin file says now."""
        tree = await self._forge.look(self.repository, _PINS)
        path = _pin_path(tree)
        if path:
            await self._memory.keep(_KIND, self.repository, tree.get(path) or b"")

    def _from_files(self, tree: Tree) -> list[Intention]:
        found = []
        for path, content in tree.files:
            if path in _PINS:
                continue
            name = posixpath.basename(path).removesuffix(".yaml")
            try:
                found.append(self._intention(name, content.decode(), path))
            except UnicodeDecodeError:
                self._tell(f"{path} of {self.repository} is no text")
        return found

    async def _from_pins(self, tree: Tree) -> list[Intention]:
        path = _pin_path(tree)
        before = await self._memory.recall(_KIND, self.repository)
        if not path or before is None:
            return []
        now = (tree.get(path) or b"").decode(errors="replace")
        if now == before.decode(errors="replace"):
            return []
        try:
            migrations = started(
                before.decode(errors="replace"), now, timestamp=self._clock.now().timestamp()
            )
        except WheelyardError as error:
            self._tell(f"{path} of {self.repository}: {error.message}. {error.hint}")
            return []
        return [self._intention(one.name, one.text, path) for one in migrations]

    def _intention(self, name: str, text: str, path: str) -> Intention:
        rules = self._rules
        return Intention(
            name=name,
            owner=OWNER,
            pins=text,
            limits=rules.limits,
            trial=rules.trial,
            builds=rules.builds,
            automerge=rules.automerge,
            pin_repository=self.repository,
            pin_path=path,
        )


def _pin_path(tree: Tree) -> str:
    return next((path for path in _PINS if tree.get(path) is not None), "")
