"""Which forge is meant: repositories below a folder, or those of GitHub; in a dry run nothing gets there."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wheelyard.errors import ConfigurationError
from wheelyard.forge.dry import DryRunForge
from wheelyard.forge.git import GitForge
from wheelyard.forge.github.api import DEFAULT_ADDRESS
from wheelyard.forge.github.forge import GitHubForge, GitHubSettings
from wheelyard.forge_ports import Forge
from wheelyard.model.proposal import Author

GITHUB = "github:"
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
_ADDRESS = "GITHUB_API_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeSettings:
    """Which forge is meant.

    ``where`` is a folder of bare repositories, or ``github:`` and names (``owner/name``, ``owner/*``) with commas
    between; empty: every repository is named by its whole path or address. ``token_file`` holds
    GitHub's token; without it the environment does. ``address`` is that of GitHub's interface.
    """

    where: str = ""
    token_file: Path | None = None
    address: str = ""
    author: Author | None = None
    direct: bool = False
    method: str = "merge"


@asynccontextmanager
async def open_forge(
    settings: ForgeSettings,
    *,
    dry_run: Callable[[str], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Forge]:
    """Open a forge; with ``dry_run`` nothing is changed there, and it is told what would be."""
    real = forge_of(settings, environment=environment)
    try:
        yield DryRunForge(real, tell=dry_run) if dry_run else real
    finally:
        await close_forge(real)


def is_github(where: Path | str | None) -> bool:
    """Whether repositories of GitHub are meant."""
    return str(where or "").startswith(GITHUB)


def forge_of(
    settings: ForgeSettings, *, environment: Mapping[str, str] | None = None
) -> GitForge | GitHubForge:
    """Return the forge that is meant; ``close_forge`` it in the end. Raises ConfigurationError."""
    if is_github(settings.where):
        return GitHubForge(_github(settings, os.environ if environment is None else environment))
    folder = _folder(settings.where) if settings.where else None
    return GitForge(folder=folder, author=settings.author)


async def close_forge(forge: Forge) -> None:
    """Close what a forge has open."""
    if isinstance(forge, GitHubForge):
        await forge.aclose()


def _folder(where: str) -> Path:
    folder = Path(where).expanduser().absolute()
    if not folder.is_dir():
        raise ConfigurationError(
            f"{where!r} is no folder of repositories",
            hint="Name a folder that holds bare repositories, or github:OWNER/NAME.",
        )
    return folder


def _github(settings: ForgeSettings, variables: Mapping[str, str]) -> GitHubSettings:
    names = settings.where.removeprefix(GITHUB).replace(",", " ").split()
    return GitHubSettings(
        token=_token(settings, variables),
        address=settings.address or variables.get(_ADDRESS) or DEFAULT_ADDRESS,
        repositories=tuple(names),
        direct=settings.direct,
        method=settings.method,
    )


def _token(settings: ForgeSettings, variables: Mapping[str, str]) -> str:
    if settings.token_file is not None:
        try:
            token = settings.token_file.expanduser().read_text("utf-8").strip()
        except OSError as error:
            raise ConfigurationError(
                f"the token file {str(settings.token_file)!r} cannot be read: {error.strerror}",
                hint="Check that it is there and that you may read it.",
            ) from error
    else:
        token = next((variables[name].strip() for name in _TOKENS if variables.get(name)), "")
    if not token or not token.isascii() or any(character.isspace() for character in token):
        raise ConfigurationError(
            "there is no token for GitHub, or it is more than one word",
            hint=f"Put it into a file, or into {_TOKENS[0]}.",
        )
    return token
