"""How campaigns are shown on a terminal, and what of them is told as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from wheelyard.campaigns.planning import Planned
from wheelyard.campaigns.running import Running
from wheelyard.cli.display.console import results, say
from wheelyard.cli.display.neutral import neutral
from wheelyard.jobs.waiting import duration
from wheelyard.migrate.preview import Preview
from wheelyard.migrate.states import State
from wheelyard.model.counted import plural

_SHOWN = 20
_HOUR = 3600.0


def preview_json(found: Planned, ahead: Preview) -> dict[str, Any]:
    """Return a preview as JSON."""
    return {
        "name": found.campaign.name,
        "packages": ahead.order,
        "parents": found.members.parents,
        "levels": ahead.levels,
        "depth": ahead.depth,
        "cycles": ahead.cycles,
        "cut": ahead.cut,
        "left_out": {name: reason.value for name, reason in ahead.left_out.items()},
        "machine_hours": round(ahead.machine_hours, 3),
        "seconds": round(ahead.seconds),
    }


def show_preview(found: Planned, ahead: Preview) -> None:
    """Print a preview."""
    console = results()
    say(
        console,
        f"{found.campaign.name}: {plural(len(ahead.order), 'package')} on {plural(ahead.depth, 'level')}, "
        f"about {duration(ahead.machine_hours * _HOUR)} of machine time, done in about {duration(ahead.seconds)}",
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("package", "waits for"):
        table.add_column(column, overflow="fold")
    for name in ahead.order:
        table.add_row(Text(neutral(name)), Text(neutral(", ".join(found.members.parents[name]))))
    console.print(table)
    for source, to in ahead.cut:
        say(console, f"in a cycle: {to} does not wait for {source}")
    for name, reason in ahead.left_out.items():
        say(console, f"left out: {name} ({reason.value})")


def campaign_json(running: Running) -> dict[str, Any]:
    """Return how a campaign stands as JSON."""
    campaign = running.campaign
    counts = running.progress.counts()
    return {
        "name": campaign.name,
        "mode": campaign.mode.value,
        "rule": campaign.rule,
        "owner": campaign.owner,
        "created": campaign.created,
        "closed": campaign.closed,
        "note": campaign.note,
        "packages": len(running.members),
        "counts": {state.value: count for state, count in counts.items()},
    }


def show_campaigns(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print campaigns, one a line."""
    if not rows:
        say(results(), "there is no campaign")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("campaign", "mode", "published", "packages", "began"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            Text(neutral(row["name"])),
            row["mode"],
            str(row["counts"][State.PUBLISHED.value]),
            str(row["packages"]),
            f"{row['created']:%Y-%m-%d %H:%M}",
        )
    results().print(table)


def status_json(running: Running) -> dict[str, Any]:
    """Return a campaign with its packages as JSON, in the order of the work."""
    progress = running.progress
    order = progress.members.order()
    return {
        **campaign_json(running),
        "blockers": [
            {"package": package, "waiting": count} for package, count in progress.blockers()
        ],
        "left_out": {name: reason.value for name, reason in running.campaign.left_out},
        "members": [
            {
                "package": package,
                "repository": running.members[package].repository,
                "state": progress.state(package).value,
                "since": running.members[package].changed,
                "why": running.why(package),
                "proposal": running.members[package].url,
                "waits_for": progress.missing(package),
                "descendants": progress.layout.descendants[package],
            }
            for package in order
        ],
    }


def show_status(found: Mapping[str, Any]) -> None:
    """Print how a campaign stands."""
    console = results()
    counts = ", ".join(f"{count} {state}" for state, count in found["counts"].items() if count)
    say(console, f"{found['name']} ({found['mode']}): {counts}")
    if found["note"]:
        say(console, found["note"])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("package", "state", "why", "proposal"):
        table.add_column(column, overflow="fold")
    for one in found["members"]:
        texts = (one["package"], one["state"], one["why"], one["proposal"])
        table.add_row(*(Text(neutral(text)) for text in texts))
    console.print(table)
    for one in found["blockers"][:_SHOWN]:
        say(console, f"{one['package']} keeps {plural(one['waiting'], 'package')} waiting")
