"""``wheelyard request``: what was asked of a farm."""

from typing import Annotated

import typer

from wheelyard.cli import options as o
from wheelyard.cli.display.console import results, say
from wheelyard.cli.farm_build import Notify, Priority, submit_selection
from wheelyard.cli.farm_options import (
    FarmUrl,
    Token,
    day,
    on_farm,
    pick,
    print_json,
    print_rows,
)
from wheelyard.cli.request import Selection, takes_selection
from wheelyard.cli.watching import Telling
from wheelyard.model.request import RequestState

app = typer.Typer(help="Requests: what was asked of a farm.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="REQUEST", help="The id of a request.")]


@app.command("list")
def list_requests(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    status: Annotated[
        RequestState | None, typer.Option("--status", help="Only those that stand so.")
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="Only those of somebody.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 50,
    farm: FarmUrl = "",
    token: Token = "",
    as_json: o.AsJson = False,
) -> None:
    """List requests, the newest first."""
    wanted = status.value if status else ""
    found = on_farm(
        context,
        farm,
        token,
        lambda client: client.get("/api/requests", state=wanted, owner=owner, limit=limit),
    )["requests"]
    if as_json:
        print_json(found)
        return
    rows = [
        (*pick(one, "id", "state", "owner", "summary"), day(one["created"]), one["reason"])
        for one in found
    ]
    columns = ("request", "is", "whose", "what", "since", "because")
    print_rows(columns, rows, none="There is no request that fits.")


@app.command("show")
def show(
    context: typer.Context,
    name: Name,
    farm: FarmUrl = "",
    token: Token = "",
    as_json: o.AsJson = False,
) -> None:
    """Show a request: what was asked, where it stands."""
    found = on_farm(context, farm, token, lambda client: client.get(f"/api/requests/{name}"))
    if as_json:
        print_json(found)
        return
    console = results()
    say(console, f"{found['id']}: {found['summary']}", "bold")
    say(console, f"  is       {found['state']} {found['reason']}".rstrip())
    say(console, f"  whose    {found['owner']}, priority {found['priority']}")
    say(console, f"  since    {day(found['created'])}")
    if found["ended"]:
        say(console, f"  until    {day(found['ended'])}")
    say(console, f"  told     {found['waiters']} of its end")
    for sentence in found.get("waits") or ():
        say(console, f"  waits    {sentence}")


@app.command("cancel")
def cancel(context: typer.Context, name: Name, farm: FarmUrl = "", token: Token = "") -> None:
    """End a request, and the jobs that nobody else wants."""
    path = f"/api/requests/{name}/cancel"
    found = on_farm(context, farm, token, lambda client: client.post(path))
    typer.echo(f"{name} is cancelled" if found["changed"] else f"{name} had ended before")


@takes_selection
def submit(  # noqa: PLR0913, PLR0917 - its own options beside the shared ones
    selection: Selection,
    context: typer.Context,
    farm: FarmUrl = "",
    token: Token = "",
    priority: Priority = 0,
    notify: Notify = None,
    as_json: o.AsJson = False,
) -> None:
    """Ask a farm for something and return at once; 'wheelyard build --farm' waits for it."""
    telling = Telling(priority=priority, notify=tuple(notify or ()))
    made = on_farm(
        context,
        farm,
        token,
        lambda client: submit_selection(client, selection, telling),
    )
    if as_json:
        print_json(made)
    else:
        typer.echo(made["id"])


app.command("submit")(submit)
