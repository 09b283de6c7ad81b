"""Which repository a text means: a name below the forge's folder, a path of this machine, an address."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from wheelyard.errors import ConfigurationError, GoneError
from wheelyard.forge.running import Place
from wheelyard.model.secrets import without_secrets

_REMOTE = frozenset({"https", "http", "ssh"})
_DEEPEST = 3
"""Repositories lie at most so many folders below the forge's: ``owner/name.git``, and one to spare."""


def place_of(repository: str, folder: Path | None) -> Place:
    """Return where a repository lies. Raises GoneError, and ConfigurationError for no address at all."""
    if "://" in repository or _is_scp(repository):
        return _remote(repository)
    path = Path(repository).expanduser()
    if folder is not None and not path.is_absolute():
        path = folder / path
        if ".." in Path(repository).parts:
            raise ConfigurationError(
                f"{repository!r} leads out of the folder of repositories",
                hint="Name it as 'wheelyard migrate' lists it, or by its whole path.",
            )
    for found in (path, path.with_name(path.name + ".git")):
        if is_repository(found):
            # git takes a relative path that begins with a dash or holds a colon for something else.
            return Place(address=str(found.absolute()), path=found.absolute())
    raise GoneError(
        f"There is no repository at {str(path)!r}", hint="Check its path, or 'git init --bare' it."
    )


def _remote(address: str) -> Place:
    parts = urlsplit(address)
    if parts.scheme == "file":
        return place_of(unquote(parts.path), None)
    if parts.scheme not in _REMOTE and "://" in address:
        raise ConfigurationError(
            f"{without_secrets(address)!r} is no address that is pushed to",
            hint="Use https, ssh or a path; git's own protocol and helpers are not used.",
        )
    if "://" not in address or parts.scheme == "ssh":
        return Place(address=address)
    userinfo, at, host = parts.netloc.rpartition("@")
    user, _, token = userinfo.partition(":")
    bare = urlunsplit(parts._replace(netloc=host, query="", fragment=""))
    if not at:
        return Place(address=bare)
    return Place(address=bare, user=unquote(user), token=unquote(token))


def _is_scp(repository: str) -> bool:
    """Whether this is how ssh's own tools write an address: ``git@host:path``."""
    host, colon, path = repository.partition(":")
    return bool(colon and path) and "@" in host and "/" not in host and not host.startswith("-")


def is_repository(path: Path) -> bool:
    """Whether a folder is a git repository, bare or with a tree."""
    return (
        any(
            (place / "HEAD").is_file() and (place / "objects").is_dir()
            for place in (path, path / ".git")
        )
        or (path / ".git").is_file()
    )


def repositories_below(folder: Path) -> tuple[str, ...]:
    """Return the names of the repositories in a folder, without ``.git``, sorted."""
    try:
        found = list(_below(folder, _DEEPEST))
    except OSError as error:
        raise GoneError(
            f"The folder of repositories {str(folder)!r} cannot be read: {error.strerror}",
            hint="Check that it is there and that you may read it.",
        ) from error
    return tuple(sorted(path.relative_to(folder).as_posix().removesuffix(".git") for path in found))


def _below(folder: Path, depth: int) -> Iterator[Path]:
    for path in folder.iterdir():
        # A link may lead anywhere, and back here.
        if path.is_symlink() or not path.is_dir():
            continue
        if is_repository(path):
            yield path
        elif depth > 1:
            yield from _below(path, depth - 1)
