"""The tree of commands."""

from pathlib import Path
from typing import Annotated

import typer

from wheelyard import __version__
from wheelyard.cli import builders, configured, targets
from wheelyard.cli.build import build, plan
from wheelyard.cli.builder import app as builder_app
from wheelyard.cli.graph import app as graph_app
from wheelyard.cli.index import index_app
from wheelyard.cli.jobs import app as jobs_app
from wheelyard.cli.migrate import app as migrate_app
from wheelyard.cli.platforms import app as platforms_app
from wheelyard.cli.recipes import app as recipes_app
from wheelyard.cli.requests import app as requests_app
from wheelyard.cli.selftest import selftest
from wheelyard.cli.serve import serve
from wheelyard.cli.state import app as state_app
from wheelyard.cli.tokens import app as tokens_app
from wheelyard.cli.watch import app as watch_app
from wheelyard.wiring.keeping import open_index

app = typer.Typer(
    name="wheelyard",
    help="Rebuild Python packages from source, for every Python and platform, and serve the result.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wheelyard {__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            envvar="WHEELYARD_CONFIG",
            help="The configuration file. Without it: the nearest wheelyard.toml, here or above.",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does all
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Rebuild Python packages from source, for every Python and platform, and serve the result."""
    context.obj = configured.load(config)
    context.default_map = configured.defaults(context.obj, context.command)


app.command("build")(build)
app.command("plan")(plan)
app.command("serve")(serve)
app.command("selftest")(selftest)
builders.add_commands(builder_app)
app.add_typer(builder_app, name="builder")
app.add_typer(requests_app, name="request")
app.add_typer(tokens_app, name="token")
app.add_typer(targets.app, name="target")
app.add_typer(platforms_app, name="platform")
app.add_typer(jobs_app, name="job")
app.add_typer(recipes_app, name="recipe")
app.add_typer(migrate_app, name="migrate")
app.add_typer(graph_app, name="graph")
app.add_typer(index_app(open_index), name="index")
app.add_typer(watch_app, name="watch")
app.add_typer(state_app, name="state")
app.command("config")(configured.show)
