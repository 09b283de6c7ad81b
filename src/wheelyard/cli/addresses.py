"""Options that say where a server listens, and where its database is."""

from typing import Annotated

import typer

Database = Annotated[
    str,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="WHEELYARD_DATABASE",
        help="postgresql://… for several machines. Without it: SQLite in the state folder.",
        show_default=False,
    ),
]
Host = Annotated[
    str,
    typer.Option(
        envvar="WHEELYARD_HOST", help="The address to listen on; 0.0.0.0 lets other machines in."
    ),
]
Port = Annotated[
    int,
    typer.Option(envvar="WHEELYARD_PORT", min=0, max=65535, help="The port; 0 takes a free one."),
]
