"""``wheelyard builder``: builds for a farm that runs elsewhere.

This command is imported without the rest of the command line, because a builder runs where much of what
the rest needs cannot be installed.
"""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from wheelyard import failpoints
from wheelyard.builder.agent import Agent
from wheelyard.builder.health import Thresholds
from wheelyard.cli import options as o
from wheelyard.errors import ConfigurationError
from wheelyard.executor.settings import CompilerCache, Sandbox
from wheelyard.wiring.builder import BuilderSettings, builder_state_path, open_builder

_FARM = "Which farm"
_WORK = "What it takes"
_CODE_VARIABLE = "WHEELYARD_JOIN_TOKEN"

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Join = Annotated[
    str,
    typer.Option(
        "--join",
        metavar="URL",
        envvar="WHEELYARD_JOIN",
        help="The farm's address. Needed the first time; then it is known.",
        rich_help_panel=_FARM,
        show_default=False,
    ),
]
Code = Annotated[
    str,
    typer.Option(
        "--token",
        metavar="CODE",
        envvar=_CODE_VARIABLE,
        help="The code that lets this builder join, once. @FILE reads it from a file. What the farm gives for it is kept "
        "in the state folder.",
        rich_help_panel=_FARM,
        show_default=False,
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        envvar="WHEELYARD_BUILDER_NAME",
        help="How the farm calls this builder. Without it: the farm chooses.",
        rich_help_panel=_FARM,
        show_default=False,
    ),
]
State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        envvar="WHEELYARD_STATE",
        help="The state folder, one a builder. Without it: 'builder' in the user's own.",
        rich_help_panel=_FARM,
        show_default=False,
    ),
]
Slots = Annotated[
    int | None,
    typer.Option(
        "--slots",
        min=1,
        envvar="WHEELYARD_SLOTS",
        help="How many jobs run at once; they share cores and memory. Without it: one a core, if there are 4 GB of memory for "
        "each.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=VALUE",
        envvar="WHEELYARD_LABEL",
        help="A fact of your own that jobs can ask for.",
        rich_help_panel=_WORK,
    ),
]
Pythons = Annotated[
    list[str] | None,
    typer.Option(
        "--python",
        metavar="NAME",
        envvar="WHEELYARD_PYTHON",
        help="Build for this Python only, for example cp312; several. Without it: for all that are here.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Idle = Annotated[
    bool,
    typer.Option(
        "--idle",
        envvar="WHEELYARD_IDLE",
        help="Take work only while nobody else uses the machine.",
        rich_help_panel=_WORK,
    ),
]
IdleLoad = Annotated[
    float,
    typer.Option(
        "--idle-load",
        metavar="CORES",
        min=0.01,
        envvar="WHEELYARD_IDLE_LOAD",
        help="With --idle: nobody else uses it when others keep fewer processors busy.",
        rich_help_panel=_WORK,
    ),
]
Once = Annotated[
    bool,
    typer.Option(
        "--once",
        envvar="WHEELYARD_ONCE",
        help="Take one job, deliver it and leave; for batch systems.",
        rich_help_panel=_WORK,
    ),
]
FreeDisk = Annotated[
    str,
    typer.Option(
        "--min-free-disk",
        metavar="SIZE",
        envvar="WHEELYARD_MIN_FREE_DISK",
        help="Take nothing while less is free on the disk of the state folder.",
        rich_help_panel=_WORK,
    ),
]
FreeMemory = Annotated[
    str,
    typer.Option(
        "--min-free-memory",
        metavar="SIZE",
        envvar="WHEELYARD_MIN_FREE_MEMORY",
        help="Take nothing while less memory is free.",
        rich_help_panel=_WORK,
    ),
]
MaxLoad = Annotated[
    float,
    typer.Option(
        "--max-load",
        metavar="LOAD",
        min=0,
        envvar="WHEELYARD_MAX_LOAD",
        help="Take nothing while the machine's load average is higher; 0: whatever it is.",
        rich_help_panel=_WORK,
    ),
]
CacheSize = Annotated[
    str,
    typer.Option(
        "--cache-size",
        metavar="SIZE",
        envvar="WHEELYARD_CACHE_SIZE",
        help="Keep so much of what jobs needed, for the next ones.",
        rich_help_panel=_WORK,
    ),
]


@app.callback()
def builder(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    join: Join = "",
    code: Code = "",
    name: Name = "",
    state: State = None,
    slots: Slots = None,
    label: Labels = None,
    python: Pythons = None,
    idle: Idle = False,
    idle_load: IdleLoad = 0.3,
    once: Once = False,
    sandbox: o.Sandbox = Sandbox.AUTO,
    compiler_cache: o.CompilerCacheOption = CompilerCache.NONE,
    allow_network: o.AllowNetwork = False,
    min_free_disk: FreeDisk = "2G",
    min_free_memory: FreeMemory = "256M",
    max_load: MaxLoad = 0,
    cache_size: CacheSize = "20G",
    failpoint: o.Failpoints = "",
) -> None:
    """Build for a farm: take its jobs, run them on this machine, deliver what was built.

    It only opens connections to the farm, so it works behind a firewall. Once it has joined, the
    farm is known and 'wheelyard builder' is enough. Asked to end (Ctrl-C, SIGTERM) it finishes what runs and leaves; asked
    twice it gives that back and leaves at once.
    """
    if context.invoked_subcommand is not None:
        return
    failpoints.arm(failpoint)
    settings = BuilderSettings(
        state=builder_state_path(state),
        join=join.rstrip("/"),
        code=read_code(code),
        name=name,
        slots=slots,
        labels=tuple(label or ()),
        pythons=tuple(dict.fromkeys(python or ())),
        once=once,
        sandbox=sandbox,
        compiler_cache=compiler_cache,
        network=allow_network,
        cache_bytes=o.size(cache_size),
        thresholds=_thresholds(min_free_disk, min_free_memory, max_load, idle_load * idle),
    )
    _begin(settings)


def _begin(settings: BuilderSettings) -> None:
    # What builds are started with is chosen anyhow; this is for whoever looks at this process.
    os.environ.pop(_CODE_VARIABLE, None)
    _print_progress()
    asyncio.run(_run(settings))


def _thresholds(disk: str, memory: str, load: float, others: float) -> Thresholds:
    """Return when a machine takes nothing; ``others`` 0: whatever others do on it."""
    return Thresholds(
        free_disk_bytes=o.size(disk),
        free_memory_bytes=o.size(memory),
        load=load,
        others_load=others or None,
    )


def read_code(text: str) -> str:
    """Return a code that was given, or the one in the file that was. Raises ConfigurationError."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"the code in '{text[1:]}' cannot be read: {error}", hint="Check the path."
            ) from error
    code = text.strip()
    if not code.isascii() or not code.isprintable() or " " in code:
        raise ConfigurationError(
            "what --token gives is not a code",
            hint="Give it as it was made, without spaces or line breaks in it.",
        )
    return code


async def _run(settings: BuilderSettings) -> None:
    async with open_builder(settings) as agent:
        _leave_when_asked(agent)
        await agent.run()


def _leave_when_asked(agent: Agent) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, agent.leave, f"it was sent {number.name}")


def _print_progress() -> None:
    """Print what the builder logs, a line each, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    log = logging.getLogger("wheelyard")
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
    # With TLS it warns of nats-py at each connection (Python 3.11), which nobody can do anything about.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
