"""``wheelyard migrate``: changes carried through all recipes, planned, begun, followed and closed."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from wheelyard.campaign_ports import Campaign, CampaignName
from wheelyard.campaigns.pin_watch import PinRules
from wheelyard.campaigns.planning import Planned, planned
from wheelyard.cli import campaign_options as c
from wheelyard.cli import options as o
from wheelyard.cli.addresses import Database
from wheelyard.cli.campaign_wish import Wish, intention
from wheelyard.cli.display import campaigns as shown
from wheelyard.cli.display.console import results, say
from wheelyard.cli.request import takes
from wheelyard.errors import ConfigurationError
from wheelyard.migrate.preview import Pace, Preview, preview
from wheelyard.wiring.campaigns import Workplace

app = typer.Typer(
    help="Changes carried through all recipes: planned, begun, followed and closed.",
    no_args_is_help=True,
)


@app.command("plan")
@takes(wish=Wish)
def plan(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    wish: Wish,
    slots: c.Slots = 4,
    review: c.Review = "0s",
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """Show what a campaign would be: who is in it, in which order, what it costs and when it may end."""
    wanted = intention(wish)
    review_seconds = o.duration(review).total_seconds()

    async def work(place: Workplace) -> tuple[Planned, Preview]:
        graph = (await place.scan(wheels=wish.wheels)).graph
        found = planned(wanted, graph, place.clock.now())
        pace = Pace(
            build_seconds=await place.build_seconds(found.members.parents),
            review_seconds=review_seconds,
            slots=slots,
        )
        return found, preview(found.members, found.campaign.limits, pace)

    found, ahead = c.with_workplace(context, wish.feedstocks, state, database, work)
    if as_json:
        _json(shown.preview_json(found, ahead))
    else:
        shown.show_preview(found, ahead)


@app.command("start")
@takes(wish=Wish)
def start(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    wish: Wish,
    pin_repository: c.PinRepository = "",
    builds: c.Builds = False,
    trial: c.Trial = False,
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """Begin a campaign, and offer what can be offered at once."""
    builds = builds or wish.wheels
    wanted = replace(intention(wish), builds=builds, trial=trial, pin_repository=pin_repository)

    async def work(place: Workplace) -> Campaign:
        if not wish.wheels and not await place.recipes.is_forge():
            raise ConfigurationError(
                f"there is no git repository in {str(place.recipes.folder)!r}",
                hint="Proposals are made to repositories; name a folder of them with --feedstocks.",
            )
        scan = await place.scan(wheels=wish.wheels)
        found = planned(wanted, scan.graph, place.clock.now())
        if builds:
            return await place.campaigns.record(found, scan.places)
        return await place.campaigns.start(found, scan.places)

    begun = c.with_workplace(context, wish.feedstocks, state, database, work)
    _status(context, begun.name, state, database, as_json=as_json)


@app.command("status")
def status(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A campaign. Without it: all of them.")
    ] = "",
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """Show how campaigns stand, or the packages of one."""
    if name:
        _status(context, CampaignName(name), state, database, as_json=as_json)
        return

    async def work(place: Workplace) -> list[dict[str, Any]]:
        return [
            shown.campaign_json(await place.campaigns.campaign(one.name))
            for one in await place.store.campaigns()
        ]

    rows = c.with_workplace(context, None, state, database, work)
    if as_json:
        _json(rows)
    else:
        shown.show_campaigns(rows)


def _status(
    context: typer.Context,
    name: CampaignName,
    state: Path | None,
    database: str,
    *,
    as_json: bool,
) -> None:
    async def work(place: Workplace) -> dict[str, Any]:
        return shown.status_json(await place.campaigns.campaign(name))

    found = c.with_workplace(context, None, state, database, work)
    if as_json:
        _json(found)
    else:
        shown.show_status(found)


@app.command("why")
def why(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: c.Name,
    package: c.Package,
    state: o.State = None,
    database: Database = "",
    as_json: o.AsJson = False,
) -> None:
    """Say why a package stands where it does, and whom it waits for."""

    async def work(place: Workplace) -> dict[str, Any]:
        running = await place.campaigns.campaign(CampaignName(name))
        told = await place.campaigns.why(CampaignName(name), package)
        return {
            "package": package,
            "state": running.progress.state(package).value,
            "why": told,
            "waits_for": running.progress.missing(package),
            "in_the_end_for": running.progress.roots(package),
        }

    found = c.with_workplace(context, None, state, database, work)
    if as_json:
        _json(found)
    else:
        say(results(), f"{package} ({found['state']}): {found['why']}")


@app.command("pause")
def pause(
    context: typer.Context, name: c.Name, state: o.State = None, database: Database = ""
) -> None:
    """Ask nobody any more; what is offered already goes on."""
    c.with_workplace(
        context, None, state, database, lambda place: place.campaigns.pause(CampaignName(name))
    )


@app.command("resume")
def resume(
    context: typer.Context,
    name: c.Name,
    feedstocks: c.Feedstocks = None,
    state: o.State = None,
    database: Database = "",
) -> None:
    """Go on asking."""

    async def work(place: Workplace) -> None:
        _ = place.recipes
        await place.campaigns.resume(CampaignName(name))

    c.with_workplace(context, feedstocks, state, database, work)


@app.command("retry")
def retry(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: c.Name,
    packages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PACKAGE]...", help="Some packages. Without it: all that ended badly."
        ),
    ] = None,
    feedstocks: c.Feedstocks = None,
    state: o.State = None,
    database: Database = "",
) -> None:
    """Try again what failed, has no solution, or was closed without being merged."""

    async def work(place: Workplace) -> list[str]:
        _ = place.recipes
        return await place.campaigns.retry(CampaignName(name), packages or ())

    found = c.with_workplace(context, feedstocks, state, database, work)
    say(results(), f"tried again: {', '.join(found)}" if found else "there is nothing to try again")


@app.command("exclude")
def exclude_command(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: c.Name,
    package: c.Package,
    feedstocks: c.Feedstocks = None,
    state: o.State = None,
    database: Database = "",
) -> None:
    """Take a package out; those above it wait for what it waited for."""

    async def work(place: Workplace) -> None:
        _ = place.recipes
        await place.campaigns.exclude(CampaignName(name), package)

    c.with_workplace(context, feedstocks, state, database, work)


@app.command("close")
def close(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: c.Name,
    force: Annotated[
        bool, typer.Option("--force", help="Also where not all packages are published.")
    ] = False,
    feedstocks: c.Feedstocks = None,
    state: o.State = None,
    database: Database = "",
) -> None:
    """End a campaign, and offer the edit of the pin file that makes its pins everybody's."""

    async def work(place: Workplace) -> Campaign:
        return await place.campaigns.close(CampaignName(name), force=force)

    closed = c.with_workplace(context, feedstocks, state, database, work)
    say(
        results(),
        f"{closed.name} is {closed.mode.value}" + (f": {closed.note}" if closed.note else ""),
    )


@app.command("run")
def run(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    feedstocks: c.Feedstocks = None,
    pin_repository: c.PinWatched = "",
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help="How often repositories are looked at.")
    ] = "2s",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Offer nothing, and say what would be. The state folder learns of it all: name one to throw away.",
        ),
    ] = False,
    state: o.State = None,
    database: Database = "",
) -> None:
    """Carry all campaigns on: see what was merged, closed or changed by hand, and offer what is ready then."""
    seconds = o.duration(every).total_seconds()

    async def work(place: Workplace) -> None:
        watching = place.watching(pin_repository, replace(PinRules(), builds=False), _tell)
        if not once:
            await watching.run(seconds)
            return
        for begun in await watching.begin_what_pins_want():
            say(results(), f"{begun} began")
        await place.campaigns.recover()

    told = _tell if dry_run else None
    c.with_workplace(context, feedstocks, state, database, work, dry_run=told)


def _tell(text: str) -> None:
    typer.echo(text, err=True)


def _json(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
