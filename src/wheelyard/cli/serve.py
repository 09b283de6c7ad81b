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
from wheelyard.campaigns.version_rounds import Following, VersionRules
from wheelyard.cli import options as o
from wheelyard.cli.addresses import Blobs, Database, FallThrough, Host, OwnProjects, Port
from wheelyard.cli.campaign_options import AutomergeOption, Feedstocks
from wheelyard.cli.recipes import overrides_of
from wheelyard.coordinator.farm.rules import FarmRules
from wheelyard.errors import ConfigurationError
from wheelyard.executor.settings import CompilerCache, Sandbox
from wheelyard.index.serving import keep_what_is_there
from wheelyard.migrate.automerge import Automerge
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
FeedstockIndex = Annotated[
    str,
    typer.Option(
        "--feedstock-index",
        metavar="URL",
        envvar="WHEELYARD_FEEDSTOCK_INDEX",
        help="How builds of feedstocks reach this farm: http://farm:8080. They may then use the network, and trials find what "
        "other trials of their migration left.",
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

HookSecret = Annotated[
    Path | None,
    typer.Option(
        "--hook-secret",
        metavar="FILE",
        envvar="WHEELYARD_HOOK_SECRET",
        help="A file with the secret that web hooks of GitHub are signed with. Without it: none are taken.",
        show_default=False,
    ),
]
Versions = Annotated[
    Following,
    typer.Option(
        "--versions",
        envvar="WHEELYARD_VERSIONS",
        help="What becomes of new versions of recipes: they are looked for and shown, or proposed as well.",
    ),
]

_SHORTEST_SECRET = 16


def serve(  # noqa: PLR0913, PLR0917 - the options of a process
    context: typer.Context,
    state: o.State = None,  # noqa: ARG001 - _machine, _reached and _campaigns read what is not read here
    host: Host = "127.0.0.1",
    port: Port = 8080,
    database: Database = "",
    blobs: Blobs = "",
    bus: BusOption = "",  # noqa: ARG001
    bus_address: BusTold = "",  # noqa: ARG001
    bus_accounts: BusAccounts = None,  # noqa: ARG001
    builders: Builders = 1,
    mail_server: MailServer = "",
    indexes: o.Indexes = None,  # noqa: ARG001
    offline: o.Offline = False,  # noqa: ARG001
    recipes: o.Recipes = None,
    local_repositories: LocalRepositories = False,
    fall_through: FallThrough = "",  # noqa: ARG001
    own_projects: OwnProjects = None,  # noqa: ARG001
    jobs: o.Jobs = None,  # noqa: ARG001
    sandbox: o.Sandbox = Sandbox.AUTO,  # noqa: ARG001
    compiler_cache: o.CompilerCacheOption = CompilerCache.NONE,  # noqa: ARG001
    allow_network: o.AllowNetwork = False,  # noqa: ARG001
    private: Private = False,
    name: Name = "wheelyard",
    openid: OpenId = None,
    lease: Lease = 60,
    min_free_disk: FreeDisk = "1G",
    feedstocks: Feedstocks = None,  # noqa: ARG001
    feedstock_job: FeedstockJob = None,  # noqa: ARG001
    feedstock_index: FeedstockIndex = "",  # noqa: ARG001
    pin_repository: PinRepository = "",  # noqa: ARG001
    trial: Trial = False,  # noqa: ARG001
    versions: Versions = Following.OFF,  # noqa: ARG001
    automerge: AutomergeOption = Automerge.RECIPE,  # noqa: ARG001
    hook_secret: HookSecret = None,  # noqa: ARG001
    failpoint: o.Failpoints = "",
) -> None:
    """Run a farm: take requests, plan them, have them built, and serve the index, until Ctrl-C.

    The first start prints the token of an administrator, once. Other machines join with 'wheelyard builder'.
    """
    failpoints.arm(failpoint)
    settings = ServeSettings(farm=_machine(context), host=host, port=port, name=name)
    settings = _reached(context, replace(settings, database=database, blobs=blobs))
    settings = replace(settings, recipe_of=overrides_of(context.obj, recipes).recipe)
    settings = replace(settings, public=not private, local_repositories=local_repositories)
    settings = replace(settings, mail_server=mail_server, least_disk_bytes=o.size(min_free_disk))
    settings = replace(settings, rules=FarmRules.of_lease(lease), identities=_identities(openid))
    settings = replace(settings, builders=builders, campaigns=_campaigns(context))
    _run(_completed(settings, context.obj.farm))


def _machine(context: typer.Context) -> FarmSettings:
    """Say what this process builds with."""
    # As they were read from the command line: paths are texts still.
    told = context.params
    return FarmSettings(
        state=state_path(Path(told["state"]) if told["state"] else None),
        offline=told["offline"],
        indexes=tuple(told["indexes"] or ()),
        slots=told["jobs"],
        checks=context.obj.checks,
        network=told["allow_network"],
        sandbox=Sandbox(told["sandbox"]).value,
        compiler_cache=CompilerCache(told["compiler_cache"]).value,
    )


def _reached(context: typer.Context, settings: ServeSettings) -> ServeSettings:
    """Say how builders reach the bus, and which index stands behind this farm's."""
    told = context.params
    accounts = Path(told["bus_accounts"]) if told["bus_accounts"] else None
    own = tuple(told["own_projects"] or ())
    return replace(
        settings,
        bus=BusSettings(address=told["bus"], told=told["bus_address"], accounts=accounts),
        fall_through=FallthroughSettings(upstream=told["fall_through"], own=own),
    )


def _campaigns(context: typer.Context) -> CampaignSettings:
    """Say where recipes are, and how what is done to them is built."""
    told = context.params
    feedstocks, job_file = told["feedstocks"], told["feedstock_job"]
    trial, automerge = told["trial"], Automerge(told["automerge"])
    return CampaignSettings(
        feedstocks=Path(feedstocks) if feedstocks else None,
        pin_repository=told["pin_repository"],
        job_file=_job_file(Path(job_file)) if job_file else "",
        index=told["feedstock_index"],
        rules=PinRules(trial=trial, automerge=automerge),
        versions=VersionRules(
            following=Following(told["versions"]), trial=trial, automerge=automerge
        ),
        sources=context.obj.versions,
        hook_secret=_secret(Path(told["hook_secret"]) if told["hook_secret"] else None),
    )


def _secret(path: Path | None) -> bytes:
    """Read the secret of web hooks. Raises ConfigurationError where it is none that nobody guesses."""
    if path is None:
        return b""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be read: {error.strerror}",
            hint="Name the file of the secret with --hook-secret.",
        ) from error
    if len(secret) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"the secret in {str(path)!r} is shorter than {_SHORTEST_SECRET} characters",
            hint="Make one: openssl rand -hex 32.",
        )
    return secret


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
