"""``wheelyard builder list`` and its like: the builders of a farm, for those who look after it."""

from typing import Annotated, Any

import typer

from wheelyard.cli import options as o
from wheelyard.cli.display.console import results, say
from wheelyard.cli.farm_options import (
    FarmClient,
    FarmUrl,
    Token,
    day,
    on_farm,
    print_json,
    print_rows,
)
from wheelyard.model.builder import Tier

Name = Annotated[str, typer.Argument(metavar="NAME", help="A builder.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; others see it.")]


def add_commands(app: typer.Typer) -> None:
    """Give a group the commands of those who look after builders."""
    app.command("list")(list_builders)
    app.command("show")(show)
    app.command("enrol")(enrol)
    app.command("pause")(pause)
    app.command("drain")(drain)
    app.command("resume")(resume)
    app.command("revoke")(revoke)


def list_builders(
    context: typer.Context, farm: FarmUrl = "", token: Token = "", as_json: o.AsJson = False
) -> None:
    """List the builders of a farm: which are there, and what each does."""
    found = on_farm(context, farm, token, lambda client: client.get("/api/builders"))["builders"]
    if as_json:
        print_json(found)
        return
    rows: list[tuple[object, ...]] = [
        (
            one["name"],
            one["mode"] if one["present"] or one["mode"] != "active" else "away",
            f"{len(one['running'])} of {one['slots']}",
            one["facts"].get("arch", ""),
            " ".join(map(str, _as_list(one["facts"].get("python", ())))),
            one["reason"] or one["ailment"] or one["why"],
        )
        for one in found
    ]
    columns = ("builder", "is", "runs", "machine", "Pythons", "because")
    print_rows(
        columns, rows, none="No builder is enrolled: 'wheelyard builder enrol' lets one join."
    )


def show(
    context: typer.Context,
    name: Name,
    farm: FarmUrl = "",
    token: Token = "",
    as_json: o.AsJson = False,
) -> None:
    """Show a builder: what it has, how it fares, what it runs."""
    found = on_farm(context, farm, token, lambda client: client.get(f"/api/builders/{name}"))
    if as_json:
        print_json(found)
        return
    console = results()
    there = "there" if found["present"] else "not there"
    say(console, f"{found['name']}: {found['mode']}, {there}", "bold")
    for label, value in _lines(found):
        say(console, f"  {label:<9} {value}")
    for job in found["running"]:
        took = f"{job['seconds']:.0f} s"
        say(console, f"  runs      {job['key'][:12]} at step {job['step'] or '?'}, for {took}")


def enrol(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    owner: Annotated[
        str, typer.Option("--owner", metavar="WHO", help="Who lends the machine.")
    ] = "",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="How it is to be called.")
    ] = "",
    tier: Annotated[
        Tier,
        typer.Option(
            "--tier",
            help="How far it is believed: wheels of strangers count when somebody else made the same bytes.",
        ),
    ] = Tier.TRUSTED,
    expires: Annotated[
        str, typer.Option("--expires", metavar="TIME", help="For how long the code counts.")
    ] = "24h",
    farm: FarmUrl = "",
    token: Token = "",
) -> None:
    """Make a one-time code for a new builder, and say what to type on its machine."""

    async def work(client: FarmClient) -> tuple[str, str]:
        wanted = {
            "role": "enrolment",
            "subject": owner or "farm",
            "tier": tier.value,
            "seconds": o.duration(expires).total_seconds(),
        }
        made = await client.post("/api/tokens", wanted)
        return client.url, str(made["token"])

    address, code = on_farm(context, farm, token, work)
    typer.echo(code)
    called = f" --name {name}" if name else ""
    typer.echo("On the other machine:", err=True)
    typer.echo(f"  wheelyard builder --join {address} --token {code}{called}", err=True)


def pause(
    context: typer.Context, name: Name, reason: Reason = "", farm: FarmUrl = "", token: Token = ""
) -> None:
    """Let a builder keep what it runs, and give it nothing new."""
    _decide(context, name, "pause", reason, farm, token)


def drain(
    context: typer.Context, name: Name, reason: Reason = "", farm: FarmUrl = "", token: Token = ""
) -> None:
    """Let a builder finish what it runs, and leave."""
    _decide(context, name, "drain", reason, farm, token)


def resume(context: typer.Context, name: Name, farm: FarmUrl = "", token: Token = "") -> None:
    """Let a builder work again: after a pause, a drain or quarantine."""
    _decide(context, name, "resume", "", farm, token)


def revoke(
    context: typer.Context, name: Name, reason: Reason = "", farm: FarmUrl = "", token: Token = ""
) -> None:
    """Shut a builder out for good; what it runs is built elsewhere."""
    _decide(context, name, "revoke", reason, farm, token)


def _decide(  # noqa: PLR0913, PLR0917 - what a command was given
    context: typer.Context, name: str, verb: str, reason: str, farm: str, token: str
) -> None:
    path = f"/api/builders/{name}/{verb}"
    found = on_farm(context, farm, token, lambda client: client.post(path, {"reason": reason}))
    typer.echo(f"{found['name']} is {found['mode']}")


def _lines(found: dict[str, Any]) -> list[tuple[str, object]]:
    because = [one for one in (found["reason"], found["ailment"], found["why"]) if one]
    facts = (f"{name}={_written(value)}" for name, value in sorted(found["facts"].items()))
    return [
        *(("because", one) for one in because),
        ("owner", f"{found['owner'] or 'nobody named'} ({found['tier']})"),
        ("enrolled", day(found["enrolled"])),
        ("heard", day(found["heard"]) or "never"),
        ("slots", f"{found['slots']}, {found['free']} free"),
        ("load", f"{found['load']:.1f}"),
        ("streak", f"{found['streak']} failures in a row"),
        ("has", ", ".join(facts)),
    ]


def _written(value: object) -> str:
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
