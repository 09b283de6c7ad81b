"""``wheelyard index verify``: an exported folder, or an index at an address, read again."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wheelyard.errors import ExitCode
from wheelyard.index.verify import Verification
from wheelyard.model.counted import plural

_SCHEMES = ("http://", "https://")


def verify(
    place: Annotated[
        str,
        typer.Argument(
            metavar="DIR|URL", help="An exported folder, or an address that ends in /simple/."
        ),
    ],
    keys: Annotated[
        list[Path] | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="A public key ('wheelyard index key'): each file must have provenance signed with it, or "
            "with another one that is given.",
        ),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--allow-unsigned", help="With --key: files may have no provenance.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Read an index again: links, digests, metadata files, HTML against JSON in a folder, provenance."""
    verification = asyncio.run(_verify(place, keys or [], unsigned=unsigned))
    _print(verification, as_json=as_json)
    if verification.findings:
        raise typer.Exit(ExitCode.STATE)


async def _verify(place: str, paths: list[Path], *, unsigned: bool) -> Verification:
    from wheelyard.index.attested import TrustedKeys

    keys = TrustedKeys.read(paths) if paths else None
    if place.startswith(_SCHEMES):
        from wheelyard.index.remote import verify_url

        return await verify_url(place, keys, unsigned=unsigned)
    from wheelyard.index.verify import verify as verify_folder

    return await verify_folder(Path(place), keys, unsigned=unsigned)


def _print(verification: Verification, *, as_json: bool) -> None:
    findings = [{"path": str(f.path), "problem": f.problem} for f in verification.findings]
    if as_json:
        said = {
            "projects": verification.projects,
            "files": verification.files,
            "findings": findings,
        }
        typer.echo(msgspec.json.format(msgspec.json.encode(said)).decode())
        return
    for finding in findings:
        typer.echo(f"{finding['path']} {finding['problem']}")
    projects = plural(verification.projects, "project")
    files = plural(verification.files, "file")
    typer.echo(f"{projects}, {files}, {len(findings)} wrong.", err=True)
