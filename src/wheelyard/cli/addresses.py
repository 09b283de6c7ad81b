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
Blobs = Annotated[
    str,
    typer.Option(
        "--blobs",
        metavar="URL",
        envvar="WHEELYARD_BLOBS",
        help="s3://BUCKET/PREFIX, for wheels and logs in S3; endpoint and keys are what AWS's variables say. Without it: "
        "the state folder.",
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
FallThrough = Annotated[
    str,
    typer.Option(
        "--fall-through",
        metavar="URL",
        envvar="WHEELYARD_FALL_THROUGH",
        help="Another index, which is asked for every project that is not here; its pages end in /simple/.",
        show_default=False,
    ),
]
OwnProjects = Annotated[
    list[str] | None,
    typer.Option(
        "--own-projects",
        metavar="PATTERN",
        envvar="WHEELYARD_OWN_PROJECTS",
        help="With --fall-through: names that are never asked for elsewhere (inner-*), even before anything of them is here.",
        show_default=False,
    ),
]
