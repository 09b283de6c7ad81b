"""``wheelyard job list``, ``show``, ``retry`` and ``approve`` of a farm's jobs."""

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.cli.display.console import results
from wheelyard.cli.display.lines import seconds
from wheelyard.cli.display.report import say_line
from wheelyard.cli.farm_options import (
    FarmClient,
    day,
    on_farm,
    pick,
    print_json,
    print_rows,
)
from wheelyard.cli.watching import bring
from wheelyard.errors import ConfigurationError
from wheelyard.jobs.selection import Selection

T = TypeVar("T")
_SHORTEST_KEY = 6
_SHOWN_KEY = 12
NO_CALLS = "They are where a wheel is built for another machine than the builder."


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmJobs:
    """The jobs of the farm that a command means."""

    context: typer.Context
    url: str
    token: str

    def list(self, wanted: Selection, *, limit: int, as_json: bool) -> None:
        """Print jobs, the last changed first."""
        query = _query(wanted)
        jobs = self._ask(lambda client: client.get("/api/jobs", **query, limit=limit))["jobs"]
        if as_json:
            print_json(jobs)
            return
        rows = [
            (
                job["key"][:_SHOWN_KEY],
                *pick(job, "release", "target"),
                _standing(job),
                *pick(job, "builder", "attempt"),
                day(job["changed"]),
                job["reason"],
            )
            for job in jobs
        ]
        columns = ("job", "release", "target", "is", "builder", "tries", "since", "because")
        print_rows(columns, rows, none="There is no job that fits.")

    def show(self, name: str, *, as_json: bool) -> None:
        """Print all about a job, and why it waits."""

        async def work(client: FarmClient) -> dict[str, Any]:
            return await client.get(f"/api/jobs/{await key_of(client, name)}")

        found = self._ask(work)
        if as_json:
            print_json(found)
        else:
            _print_job(found)

    def retry(self, wanted: Selection, *, preview: bool) -> None:
        """Let jobs be tried again, and print which."""
        body = {"filter": _query(wanted), "preview": preview}
        jobs = self._ask(lambda client: client.post("/api/jobs/retry", body))["jobs"]
        if not jobs:
            typer.echo("There is no job that did not end well and fits.", err=True)
        for job in jobs:
            text = f"{job['release']} for {job['target']}: {_standing(job)} {job['reason']}"
            typer.echo(text.rstrip())

    def approve(self, name: str) -> None:
        """Let a wheel count that was held."""

        async def work(client: FarmClient) -> bool:
            key = await key_of(client, name)
            return bool((await client.post(f"/api/jobs/{key}/approve"))["changed"])

        if not self._ask(work):
            raise ConfigurationError(
                f"no wheel of {name!r} is held",
                hint="'wheelyard job list --held --farm URL' shows what is.",
            )
        typer.echo(f"{name} counts now")

    def calls(self, name: str) -> bytes:
        """Return the compiler commands of a job's newest attempt that has some, as they are kept. Raises ConfigurationError."""

        async def work(client: FarmClient) -> bytes:
            found = await client.get(f"/api/jobs/{await key_of(client, name)}")
            digest = next((one["calls"] for one in found["attempts"] if one.get("calls")), "")
            if not digest:
                raise ConfigurationError(
                    f"no compiler command of {name!r} was written down", hint=NO_CALLS
                )
            with tempfile.TemporaryDirectory(prefix="wheelyard-") as folder:
                blobs = FolderBlobs(Path(folder), flush=False)
                await bring(client, blobs, digest)
                return await blobs.read(digest)

        return self._ask(work)

    def _ask(self, work: Callable[[FarmClient], Awaitable[T]]) -> T:
        return on_farm(self.context, self.url, self.token, work)


async def key_of(client: FarmClient, name: str) -> str:
    """Return the key of a job, its beginning, or that of a project's newest job. Raises ConfigurationError."""
    if len(name) >= _SHORTEST_KEY and set(name) <= set("0123456789abcdef"):
        return name
    jobs = (await client.get("/api/jobs", project=name, limit=1))["jobs"]
    if not jobs:
        raise ConfigurationError(
            f"the farm has no job {name!r}", hint="'wheelyard job list --farm URL' shows them."
        )
    return str(jobs[0]["key"])


def _query(wanted: Selection) -> dict[str, str]:
    """Write a choice of jobs as the farm takes it."""
    values = {
        "project": wanted.project or "",
        "target": str(wanted.target or ""),
        "outcome": wanted.outcome.value if wanted.outcome else "",
        "state": wanted.state.value if wanted.state else "",
        "builder": wanted.builder,
        "reason": wanted.reason,
        "since": wanted.since.isoformat() if wanted.since else "",
    }
    return {name: value for name, value in values.items() if value}


def _standing(job: Mapping[str, Any]) -> str:
    """Say in a word where a job stands: what waits or runs is not what its last try was."""
    return str(job["outcome"] if job["state"] == "done" else job["state"])


def _print_job(found: Mapping[str, Any]) -> None:
    console, job = results(), found["job"]
    say_line(console, f"{job['release']} for {job['target']}", "bold")
    say_line(console, f"  key      {job['key']}")
    say_line(console, f"  is       {_standing(job)} {job['reason']}".rstrip())
    if job["state"] in {"ready", "leased"}:
        say_line(console, f"  why      {found['why']}")
    if found["needs"]:
        needs = ", ".join(f"{name}={value}" for name, value in found["needs"].items())
        say_line(console, f"  needs    {needs}")
    say_line(console, f"  wanted   by {', '.join(found['requests']) or 'nobody'}")
    for one in found["attempts"]:
        ended = f"{one['outcome']} {one['reason']}".rstrip() if one["outcome"] else "running"
        text = f"  attempt  {one['number']}, on {one['builder']}, {day(one['started'])}: {ended}"
        say_line(console, f"{text} ({seconds(one['wall_seconds'])})" if one["outcome"] else text)
    if found["attempts"]:
        say_line(console, f"  log      wheelyard job log {job['key'][:_SHOWN_KEY]} --farm URL")
