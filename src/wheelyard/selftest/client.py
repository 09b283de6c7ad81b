"""The farm under test as its administrator asks it, over HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec

from wheelyard.depot.http import AwayError, Farm, Query, fields_of
from wheelyard.errors import BusError

_JSON = {"Content-Type": "application/json"}
_PAGE = 1000
_TRIES, _PAUSE_SECONDS = 4, 0.25


class Client:
    """Asks a farm. Close it when it is done with."""

    def __init__(self, address: str, token: str) -> None:
        self._farm = Farm(address, token=token)

    async def close(self) -> None:
        """Drop the connections."""
        await self._farm.close()

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Return an answer. Raises BusError, ProtocolError and DeniedError."""
        return fields_of(await self._ask("GET", path, Query(params=params)))

    async def text(self, path: str, **params: str | int) -> str:
        """Return an answer as text."""
        answer = await self._ask("GET", path, Query(params=params))
        return answer.content.decode("utf-8", "replace")

    async def bytes(self, path: str) -> bytes:
        """Return an answer as it is."""
        answer = await self._ask("GET", path, Query())
        return answer.content

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Say something, and return the answer."""
        query = Query(content=msgspec.json.encode(body or {}), headers=_JSON)
        return fields_of(await self._ask("POST", path, query))

    async def _ask(self, method: str, path: str, query: Query) -> httpx.Response:
        """Ask, and ask again where the connection was at its end: a server drops those that were idle for a while."""
        for tries_left in reversed(range(_TRIES)):
            try:
                return await self._farm.ask(method, path, query)
            except AwayError:
                if not tries_left:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("it was answered, or the last try was refused")

    async def code(self, *, owner: str = "selftest") -> str:
        """Make a code with which a builder joins."""
        made = await self.post("/api/tokens", {"role": "enrolment", "subject": owner})
        return str(made["token"])

    async def submit(self, asked: Mapping[str, Any], *, notify: Sequence[str] = ()) -> str:
        """Ask for wheels, and return the request's name."""
        body = {"kind": "wheels", "asked": asked, "notify": list(notify)}
        return str((await self.post("/api/requests", body))["id"])

    async def request(self, name: str) -> dict[str, Any]:
        """Return a request."""
        return await self.get(f"/api/requests/{name}")

    async def jobs(self, **wanted: str) -> list[dict[str, Any]]:
        """Return all jobs, by their projects."""
        found = await self.get("/api/jobs", limit=_PAGE, **wanted)
        return sorted(found["jobs"], key=lambda job: str(job["release"]))

    async def job(self, project: str) -> dict[str, Any]:
        """Return the newest job of a project, or nothing."""
        found = await self.jobs(project=project)
        return max(found, key=lambda job: str(job["changed"])) if found else {}

    async def detail(self, key: str) -> dict[str, Any]:
        """Return all about a job."""
        return await self.get(f"/api/jobs/{key}")

    async def log(self, key: str, **wanted: str) -> str:
        """Return the log of a job's newest attempt."""
        return await self.text(f"/api/jobs/{key}/log", **wanted)

    async def builders(self) -> dict[str, dict[str, Any]]:
        """Return all builders by name."""
        found = await self.get("/api/builders")
        return {one["name"]: one for one in found["builders"]}

    async def events(self) -> list[dict[str, Any]]:
        """Return the whole event log, oldest first."""
        found: list[dict[str, Any]] = []
        after = 0
        while page := (await self.get("/api/events", after=after, limit=_PAGE))["events"]:
            found += page
            after = page[-1]["id"]
        return found

    async def happened(self, action: str, **wanted: object) -> list[dict[str, Any]]:
        """Return the lines of an action whose fields are as given."""
        return [
            one
            for one in await self.events()
            if one["action"] == action
            and all(one.get(name, one["detail"].get(name)) == v for name, v in wanted.items())
        ]

    async def pools(self) -> list[dict[str, Any]]:
        """Return the pools in which something waits or runs."""
        found: list[dict[str, Any]] = (await self.get("/api/queue"))["pools"]
        return found

    async def rows(self, request: str) -> list[dict[str, Any]]:
        """Return how each unit of a request that has ended came out, as those who watched it were told."""
        rows: list[dict[str, Any]] = []
        async with self._farm.stream("GET", f"/api/requests/{request}/events") as answer:
            kind = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "told":
                    told = msgspec.json.decode(value)
                    rows = told["body"].get("rows", rows) if isinstance(told, dict) else rows
                elif kind == "end":
                    break
        return rows

    async def follow(self, key: str) -> str:
        """Follow the log of a job to its end, and return it; of several attempts, the last one's."""
        text, place = "", ""
        while True:
            headers = {"Last-Event-ID": place} if place else {}
            try:
                path = f"/api/jobs/{key}/log/events"
                async with self._farm.stream("GET", path, Query(headers=headers)) as answer:
                    kind = ""
                    async for line in answer.aiter_lines():
                        name, _, value = line.partition(": ")
                        if name == "id":
                            place = value
                        elif name == "event":
                            kind = value
                            text = "" if kind == "attempt" else text
                        elif name == "data" and kind == "log":
                            text += msgspec.json.decode(value)["text"]
                        if kind == "end":
                            return text
            except BusError:
                await asyncio.sleep(0.2)
