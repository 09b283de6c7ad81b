"""What people decide about migrations, by forms: paused, resumed, tried again, without a package, closed.

A form only records what was decided, and by whom; the process that carries migrations on hears of it.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from wheelyard.campaign_ports import CampaignName, CampaignStore
from wheelyard.campaigns.deciding import Decisions
from wheelyard.campaigns.record import CampaignRecord
from wheelyard.errors import ConfigurationError
from wheelyard.web.access import OPERATORS
from wheelyard.web.endpoint import Call
from wheelyard.web.ports import WebPorts
from wheelyard.web.refusals import Refusal, not_there
from wheelyard.web.site.page import Deed

_YES = "yes"


class MigrationForms:
    """Takes decisions from people."""

    def __init__(self, *, store: CampaignStore, decisions: Decisions) -> None:
        self._store = store
        self._decisions = decisions

    async def pause(self, call: Call, _: Mapping[str, str]) -> str:
        """Ask nobody any more."""
        name = await self._name(call)
        await self._decisions.pause(name, actor=call.bearer.subject)
        return _page(name)

    async def resume(self, call: Call, _: Mapping[str, str]) -> str:
        """Go on asking."""
        name = await self._name(call)
        await self._decisions.resume(name, actor=call.bearer.subject)
        return _page(name)

    async def retry(self, call: Call, fields: Mapping[str, str]) -> str:
        """Try one package again, or all that ended badly."""
        name, package = await self._name(call), fields.get("package", "")
        packages = (await self._package(name, package),) if package else ()
        await self._decisions.retry(name, packages, actor=call.bearer.subject)
        return _page(name, package)

    async def exclude(self, call: Call, fields: Mapping[str, str]) -> str:
        """Take a package out."""
        name = await self._name(call)
        package = await self._package(name, fields.get("package", ""))
        await self._decisions.exclude(name, package, actor=call.bearer.subject)
        return _page(name)

    async def close(self, call: Call, fields: Mapping[str, str]) -> str:
        """Let it come to its end; where not all is published, only with ``force``."""
        name, force = await self._name(call), fields.get("force") == _YES
        try:
            await self._decisions.close(name, force=force, actor=call.bearer.subject)
        except ConfigurationError as error:
            hint = "Tick the box to close it nevertheless, or exclude them."
            raise Refusal(409, error.message, hint) from error
        return _page(name)

    async def _name(self, call: Call) -> CampaignName:
        name = CampaignName(call.place("name"))
        if await self._store.campaign(name) is None:
            raise not_there("migration", name)
        return name

    async def _package(self, name: CampaignName, package: str) -> str:
        if all(one.campaign != name for one in await self._store.of_package(package)):
            raise not_there("package of this migration", package)
        return package


def _page(name: str, package: str = "") -> str:
    address = f"/migrations/{quote(name, safe='')}"
    return f"{address}/packages/{quote(package, safe='')}" if package else address


def deeds(ports: WebPorts) -> Sequence[Deed]:
    """Return where these forms are sent."""
    record = CampaignRecord(store=ports.campaigns, clock=ports.clock, events=ports.events)
    forms = MigrationForms(store=ports.campaigns, decisions=Decisions(record))
    rows = (
        ("pause", forms.pause, "Ask nobody any more in a migration.", ()),
        ("resume", forms.resume, "Go on asking.", ()),
        ("retry", forms.retry, "Try again what ended badly: a package, or all.", ("package",)),
        ("exclude", forms.exclude, "Take a package out of a migration.", ("package",)),
        ("close", forms.close, "Let a migration come to its end.", ("force",)),
    )
    return [
        Deed(
            path=f"/migrations/{{name}}/{what}",
            do=do,
            says=says,
            allowed=OPERATORS,
            fields=fields,
        )
        for what, do, says, fields in rows
    ]
