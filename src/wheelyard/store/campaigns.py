"""Campaigns, their members and the turns of these, in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from wheelyard.campaign_ports import Campaign, CampaignName, Member, SeenVersion, Turn
from wheelyard.migrate.states import State
from wheelyard.store.database import Connection, Database, Row
from wheelyard.store.moments import to_moment, to_ticks
from wheelyard.store.texts import read_value, write_value

_ADD = """
INSERT INTO campaigns (name, mode, created, detail) VALUES (:name, :mode, :created, :detail)
ON CONFLICT (name) DO NOTHING
"""
_UPDATE = "UPDATE campaigns SET mode = :mode, detail = :detail WHERE name = :name"
_CAMPAIGN = "SELECT detail FROM campaigns WHERE name = :name"
_CAMPAIGNS = "SELECT detail FROM campaigns ORDER BY created DESC, name"
_MEMBERS = "SELECT detail FROM campaign_members WHERE campaign = :campaign ORDER BY package"
_OF_PACKAGE = """
SELECT campaign_members.detail FROM campaign_members
JOIN campaigns ON campaigns.name = campaign_members.campaign
WHERE package = :package ORDER BY campaigns.created DESC, campaigns.name
"""
_STATE = """
SELECT state FROM campaign_members WHERE campaign = :campaign AND package = :package FOR UPDATE
"""
_KEEP = """
INSERT INTO campaign_members (campaign, package, state, changed, detail)
VALUES (:campaign, :package, :state, :changed, :detail)
ON CONFLICT (campaign, package) DO UPDATE
SET state = excluded.state, changed = excluded.changed, detail = excluded.detail
"""
_TURN = """
INSERT INTO campaign_turns (campaign, package, state, at, reason)
VALUES (:campaign, :package, :state, :changed, :reason)
"""
_LEAVE = "DELETE FROM campaign_members WHERE campaign = :campaign AND package = :package"
_TURNS = "SELECT * FROM campaign_turns {where} ORDER BY id DESC LIMIT :limit"
_UNSEE = "DELETE FROM seen_versions WHERE package = :package"
_SEE = """
INSERT INTO seen_versions (package, source, at, version, current, error, again)
VALUES (:package, :source, :at, :version, :current, :error, :again)
ON CONFLICT (package, source) DO UPDATE
SET at = excluded.at, version = excluded.version, current = excluded.current,
error = excluded.error, again = excluded.again
"""
_VERSIONS = """
SELECT * FROM seen_versions {where}
ORDER BY CASE WHEN error <> '' THEN 0 ELSE 1 END, package, source LIMIT :limit
"""
# So many members of campaigns are kept as they were read last.
_KEPT = 40_000


class StoredCampaigns:
    """The ``CampaignStore`` of a database."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._read: dict[CampaignName, Mapping[str, Member]] = {}

    async def add(self, campaign: Campaign, members: Sequence[Member]) -> bool:
        """Keep a new campaign with its members; False where one of its name is there already."""

        def work(connection: Connection) -> bool:
            if not connection.execute(_ADD, _columns(campaign)).rowcount:
                return False
            rows = [_row(member) for member in members]
            connection.execute_all(_KEEP, rows)
            connection.execute_all(_TURN, rows)
            return True

        return await self._database.write(work)

    async def campaign(self, name: CampaignName) -> Campaign | None:
        """Return a campaign."""
        row = await self._database.first(_CAMPAIGN, {"name": name})
        return None if row is None else read_value(Campaign, row["detail"])

    async def campaigns(self) -> Sequence[Campaign]:
        """Return all of them, the newest first."""
        return [read_value(Campaign, row["detail"]) for row in await self._select(_CAMPAIGNS, {})]

    async def update(self, campaign: Campaign) -> None:
        """Keep what is other about a campaign now."""
        names = _columns(campaign)
        await self._database.write(lambda connection: connection.execute(_UPDATE, names))

    async def members(self, name: CampaignName) -> Sequence[Member]:
        """Return the members of a campaign, by name."""
        rows = await self._select(_MEMBERS, {"campaign": name})
        # Of thousands a handful changed since they were read last, and reading one takes longer than fetching it.
        known = self._read.pop(name, {})
        texts = [str(row["detail"]) for row in rows]
        found = {text: known.get(text) or read_value(Member, text) for text in texts}
        self._read[name] = found
        while len(self._read) > 1 and sum(map(len, self._read.values())) > _KEPT:
            del self._read[next(iter(self._read))]
        return [found[text] for text in texts]

    async def of_package(self, package: str) -> Sequence[Member]:
        """Return a package as a member of each campaign that it is in, the newest campaign first."""
        return _members(await self._select(_OF_PACKAGE, {"package": package}))

    async def save(self, members: Sequence[Member]) -> None:
        """Keep how members stand; each that came into another state makes a turn."""

        def work(connection: Connection) -> None:
            for member in members:
                row = _row(member)
                before = connection.execute(
                    _STATE, {"campaign": row["campaign"], "package": row["package"]}
                ).fetchone()
                connection.execute(_KEEP, row)
                if before is None or before["state"] != row["state"]:
                    connection.execute(_TURN, row)

        await self._database.write(work)

    async def leave(self, name: CampaignName, package: str) -> None:
        """Take a member out of a campaign; what happened to it before is kept."""
        names = {"campaign": name, "package": package}
        await self._database.write(lambda connection: connection.execute(_LEAVE, names))

    async def turns(
        self, *, campaign: str = "", package: str = "", after: int = 0, limit: int = 1000
    ) -> Sequence[Turn]:
        """Return turns with a number greater than ``after``, the newest first."""
        names = _given(campaign=campaign, package=package)
        where = _where(names, "id > :after" if after else "")
        given = {**names, "after": after} if after else names
        rows = await self._select(_TURNS.format(where=where), {**given, "limit": limit})
        return [
            Turn(
                number=row["id"],
                campaign=CampaignName(row["campaign"]),
                package=row["package"],
                state=State(row["state"]),
                at=to_moment(int(row["at"])),
                reason=row["reason"],
            )
            for row in rows
        ]

    async def seen(self, versions: Sequence[SeenVersion]) -> None:
        """Keep what sources said of packages, in place of all that was said of these before."""
        rows = [
            {**asdict(one), "at": to_ticks(one.at), "again": to_ticks(one.again)}
            for one in versions
        ]
        packages = [{"package": name} for name in sorted({one.package for one in versions})]

        def work(connection: Connection) -> None:
            connection.execute_all(_UNSEE, packages)
            connection.execute_all(_SEE, rows)

        await self._database.write(work)

    async def versions(self, *, package: str = "", limit: int = 1000) -> Sequence[SeenVersion]:
        """Return what sources said, those with errors first, then by package and source."""
        names = _given(package=package)
        rows = await self._select(_VERSIONS.format(where=_where(names)), {**names, "limit": limit})
        return [
            SeenVersion(
                package=row["package"],
                source=row["source"],
                at=to_moment(int(row["at"])),
                version=row["version"],
                current=row["current"],
                error=row["error"],
                again=to_moment(row["again"]),
            )
            for row in rows
        ]

    async def _select(self, statement: str, names: dict[str, Any]) -> Sequence[Row]:
        return await self._database.read(
            lambda connection: connection.execute(statement, names).fetchall()
        )


def _given(**names: str) -> dict[str, Any]:
    return {name: value for name, value in names.items() if value}


def _where(names: dict[str, Any], more: str = "") -> str:
    conditions = " AND ".join([*(f"{name} = :{name}" for name in names), *filter(None, [more])])
    return f"WHERE {conditions}" if conditions else ""


def _columns(campaign: Campaign) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "mode": campaign.mode.value,
        "created": to_ticks(campaign.created),
        "detail": write_value(campaign),
    }


def _row(member: Member) -> dict[str, Any]:
    return {
        "campaign": member.campaign,
        "package": member.package,
        "state": member.state.value,
        "changed": to_ticks(member.changed),
        "reason": member.reason,
        "detail": write_value(member),
    }


def _members(rows: Sequence[Row]) -> Sequence[Member]:
    return [read_value(Member, row["detail"]) for row in rows]
