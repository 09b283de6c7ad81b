"""``wheelyard serve``: a farm."""

import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from wheelyard import failpoints
from wheelyard.campaigns.pin_watch import PinRules
from wheelyard.cli import options as o
from wheelyard.cli.addresses import Blobs, Database, FallThrough, Host, OwnProjects, Port
from wheelyard.cli.campaign_options import Feedstocks
from wheelyard.cli.recipes import overrides_of
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.errors import ConfigurationError
from wheelyard.executor.settings import CompilerCache, Sandbox
from wheelyard.index.serving import keep_what_is_there
from wheelyard.settings.overrides import load
from wheelyard.web.identities import OpenIdSettings
from wheelyard.wiring.behind import FallthroughSettings
from wheelyard.wiring.engines import BusSettings
from wheelyard.wiring.farm_campaigns import CampaignSettings
from wheelyard.wiring.local import FarmSettings
from wheelyard.wiring.places import state_path
from wheelyard.wiring.serve import Served, ServeSettings, serving

BusOption = Annotated[
    str,
    typer.Option(
        "--bus",
        metavar="URL",
        envvar="WHEELYARD_BUS",
        help="nats://USER:PASSWORD@HOST:4222; or nats-server://HOST for a server of the farm's own that builders reach as HOST. "
        "Without it: in this process, and builders come over HTTP.",
        show_default=False,
    ),
]
BusTold = Annotated[
    str,
    typer.Option(
        "--bus-address",
        metavar="URL",
        envvar="WHEELYARD_BUS_ADDRESS",
        help="How builders reach the bus where that is not by the address of --bus: tls://bus.example.org:4222.",
        show_default=False,
    ),
]
BusAccounts = Annotated[
    Path | None,
    typer.Option(
        "--bus-accounts",
        metavar="FILE",
        envvar="WHEELYARD_BUS_ACCOUNTS",
        help="For a nats-server of yours: the file, included by its configuration, in which this farm writes who may "
        "connect.",
        show_default=False,
    ),
]
Builders = Annotated[
    int,
    typer.Option(
        "--builders",
        min=0,
        max=64,
        envvar="WHEELYARD_BUILDERS",
        help="How many builders run in this process; 0 where others do all.",
    ),
]
MailServer = Annotated[
    str,
    typer.Option(
        "--mail-server",
        metavar="URL",
        envvar="WHEELYARD_MAIL_SERVER",
        help="How mail goes out, as apprise writes it: mailto://localhost:25?from=farm@example.org.",
        show_default=False,
    ),
]

LocalRepositories = Annotated[
    bool,
    typer.Option(
        "--local-repositories",
        envvar="WHEELYARD_LOCAL_REPOSITORIES",
        help="Let whoever may ask for something name git repositories on this machine's disk.",
    ),
]
Private = Annotated[
    bool,
    typer.Option(
        "--private",
        envvar="WHEELYARD_PRIVATE",
        help="Show the site's pages only to whoever is signed in or bears a token.",
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--name", envvar="WHEELYARD_NAME", help="What people call this farm; its pages show it."
    ),
]
OpenId = Annotated[
    Path | None,
    typer.Option(
        "--openid",
        metavar="FILE",
        envvar="WHEELYARD_OPENID",
        help="Let people sign in by a provider of OpenID Connect, too: a TOML file with issuer, client, secret, role-claim, roles.",
        show_default=False,
    ),
]

Lease = Annotated[
    float,
    typer.Option(
        "--lease",
        metavar="SECONDS",
        min=1,
        max=3600,
        envvar="WHEELYARD_LEASE",
        help="A builder that was not heard of for so long has lost its jobs.",
    ),
]
FreeDisk = Annotated[
    str,
    typer.Option(
        "--min-free-disk",
        metavar="SIZE",
        envvar="WHEELYARD_MIN_FREE_DISK",
        help="Give nothing new out while less is free on the disk of the state folder.",
    ),
]
FeedstockJob = Annotated[
    Path | None,
    typer.Option(
        "--feedstock-job",
        metavar="FILE",
        envvar="WHEELYARD_FEEDSTOCK_JOB",
        help="The job file by which feedstocks are built. Without it: each one's own.",
        show_default=False,
    ),
]
PinRepository = Annotated[
    str,
    typer.Option(
        "--pin-repository",
        metavar="REPOSITORY",
        envvar="WHEELYARD_PIN_REPOSITORY",
        help="The feedstock of the pin file: what changes there begins migrations by itself.",
        show_default=False,
    ),
]
Trial = Annotated[
    bool,
    typer.Option(
        "--trial",
        envvar="WHEELYARD_TRIAL",
        help="Migrations that begin by themselves build each change before people are asked.",
    ),
]


def serve(  # noqa: PLR0913, PLR0917 - the options of a process
    context: typer.Context,
    state: o.State = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    database: Database = "",
    blobs: Blobs = "",
    bus: BusOption = "",
    bus_address: BusTold = "",
    bus_accounts: BusAccounts = None,
    builders: Builders = 1,
    mail_server: MailServer = "",
    indexes: o.Indexes = None,
    offline: o.Offline = False,
    recipes: o.Recipes = None,
    local_repositories: LocalRepositories = False,
    fall_through: FallThrough = "",
    own_projects: OwnProjects = None,
    jobs: o.Jobs = None,
    sandbox: o.Sandbox = Sandbox.AUTO,
    compiler_cache: o.CompilerCacheOption = CompilerCache.NONE,
    allow_network: o.AllowNetwork = False,
    private: Private = False,
    name: Name = "wheelyard",
    openid: OpenId = None,
    lease: Lease = 60,
    min_free_disk: FreeDisk = "1G",
    feedstocks: Feedstocks = None,  # noqa: ARG001 - _campaigns reads this one and the next three
    feedstock_job: FeedstockJob = None,  # noqa: ARG001
    pin_repository: PinRepository = "",  # noqa: ARG001
    trial: Trial = False,  # noqa: ARG001
    failpoint: o.Failpoints = "",
) -> None:
    """Run a farm: take requests, plan them, have them built, and serve the index, until Ctrl-C.

    The first start prints the token of an administrator, once. Other machines join with 'wheelyard builder'.
    """
    failpoints.arm(failpoint)
    machine = FarmSettings(state=state_path(state), offline=offline, indexes=tuple(indexes or ()))
    machine = replace(machine, slots=jobs, checks=context.obj.checks, network=allow_network)
    machine = replace(machine, sandbox=sandbox.value, compiler_cache=compiler_cache.value)
    settings = ServeSettings(farm=machine, host=host, port=port, database=database, blobs=blobs)
    behind = FallthroughSettings(upstream=fall_through, own=tuple(own_projects or ()))
    told = BusSettings(address=bus, told=bus_address, accounts=bus_accounts)
    settings = replace(settings, bus=told, fall_through=behind, builders=builders, name=name)
    settings = replace(settings, recipe_of=overrides_of(context.obj, recipes).recipe)
    settings = replace(settings, public=not private, local_repositories=local_repositories)
    settings = replace(settings, mail_server=mail_server, least_disk_bytes=o.size(min_free_disk))
    settings = replace(settings, rules=FarmRules.of_lease(lease), identities=_identities(openid))
    _run(_completed(replace(settings, campaigns=_campaigns(context)), context.obj.farm))


def _campaigns(context: typer.Context) -> CampaignSettings:
    """Say where recipes are, and how what is done to them is built."""
    # As they were read from the command line: paths are texts still.
    told = context.params
    feedstocks, job_file = told["feedstocks"], told["feedstock_job"]
    return CampaignSettings(
        feedstocks=Path(feedstocks) if feedstocks else None,
        pin_repository=told["pin_repository"],
        job_file=_job_file(Path(job_file)) if job_file else "",
        rules=PinRules(trial=told["trial"]),
    )


def _job_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be read: {error}", hint="Name a job file with --feedstock-job."
        ) from error


def _completed(settings: ServeSettings, farm: Mapping[str, str]) -> ServeSettings:
    """Say where things are that no option said: as the ``[farm]`` table does."""
    behind = settings.fall_through
    return replace(
        settings,
        database=settings.database or farm.get("database", ""),
        blobs=settings.blobs or farm.get("blobs", ""),
        bus=replace(settings.bus, address=settings.bus.address or farm.get("bus", "")),
        mail_server=settings.mail_server or farm.get("mail-server", ""),
        fall_through=FallthroughSettings(
            upstream=behind.upstream or farm.get("fall-through", ""),
            own=behind.own or tuple(farm.get("own-projects", "").split()),
        ),
    )


def _run(settings: ServeSettings) -> None:
    _print_log()
    asyncio.run(_serve(settings))


def _identities(path: Path | None) -> OpenIdSettings | None:
    """Return who tells the farm who people are; None: nobody but itself. Raises ConfigurationError."""
    return None if path is None else OpenIdSettings.of(load(path))


async def _serve(settings: ServeSettings) -> None:
    _print_log()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(RuntimeError, NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with serving(settings) as served:
        keep_what_is_there()
        _announce(served)
        await stop.wait()


def _announce(served: Served) -> None:
    typer.echo(served.address)
    if served.token:
        typer.echo(f"token {served.token}")
        typer.echo("That is the administrator's token; it is not shown again.", err=True)
    # Whoever reads the address through a pipe waits for it now, not when the farm ends.
    sys.stdout.flush()
    typer.echo(f"Install from it: pip install --index-url {served.address}/simple/ …", err=True)
    typer.echo(f"Look at it: {served.address}/", err=True)
    typer.echo(f"Ask it: wheelyard build --farm {served.address} --token TOKEN …", err=True)
    typer.echo("Stop with Ctrl-C.", err=True)


def _print_log() -> None:
    """Print what a farm logs, but for each single request, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    log = logging.getLogger("wheelyard")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
    # With TLS it warns of nats-py at each connection (Python 3.11), which nobody can do anything about.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    logging.getLogger("wheelyard.web.tracing").setLevel(logging.WARNING)
