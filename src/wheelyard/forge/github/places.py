"""Repositories on GitHub: what is known of one, and the fork from which proposals to it come."""

import re
from dataclasses import dataclass

from wheelyard.errors import ConfigurationError, ForgeError, GoneError
from wheelyard.forge.github.api import Api, Json
from wheelyard.forge.github.limits import Delay
from wheelyard.forge.github.words import field, text
from wheelyard.forge.running import Place

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_FORK_TRIES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository of GitHub; ``may_push`` is whether the token may."""

    name: str
    place: Place
    default: str
    is_archived: bool = False
    may_push: bool = False

    @property
    def owner(self) -> str:
        """Who it belongs to."""
        return self.name.partition("/")[0]


class Places:
    """Looks repositories up, and forks them. ``login`` is who forks; empty: who the token is of."""

    def __init__(self, api: Api, *, token: str, login: str, direct: bool, delay: Delay) -> None:
        self._api = api
        self._token = token
        self._login = login
        self._direct = direct
        self._delay = delay
        self._forks: dict[str, Repository] = {}

    async def login(self) -> str:
        """Return who the token is of."""
        if not self._login:
            self._login = text(await self._api.get("/user"), "login")
        return self._login

    async def owner(self, repository: str) -> str:
        """Return whose branches are offered to a repository."""
        return repository.partition("/")[0] if self._direct else await self.login()

    async def repository(self, name: str) -> Repository:
        """Return what is known of a repository. Raises GoneError."""
        check_name(name)
        return self._read(await self._api.get(f"/repos/{name}"))

    async def branch(self, name: str, branch: str = "") -> str:
        """Return the newest commit of a branch. Raises GoneError."""
        asked = branch or (await self.repository(name)).default
        found = await self.ref(name, f"heads/{asked}")
        if not found:
            raise GoneError(
                f"{name} has no branch {asked!r}", hint="Name one that it has, or push to it first."
            )
        return found

    async def ref(self, name: str, ref: str) -> str:
        """Return the commit of a ref below ``refs/``, or nothing."""
        try:
            # What begins like it is listed where it is not there itself; an empty repository is a 409.
            found = await self._api.get(f"/repos/{name}/git/ref/{_quoted(ref)}")
        except GoneError:
            return ""
        except ForgeError as error:
            if getattr(error, "status", 0) == 409:  # noqa: PLR2004 - conflict: it has no commit
                return ""
            raise
        return text(found, "object", "sha") if field(found, "ref") == f"refs/{ref}" else ""

    async def fork(self, upstream: Repository) -> Repository:
        """Return where branches are pushed to, forking the repository where that was never done."""
        if self._direct:
            return upstream
        if upstream.name not in self._forks:
            self._forks[upstream.name] = await self._forked(upstream)
        return self._forks[upstream.name]

    async def sync(self, fork: Repository, branch: str) -> None:
        """Bring a branch of a fork up to the original's, where nobody changed it."""
        try:
            await self._api.change("POST", f"/repos/{fork.name}/merge-upstream", {"branch": branch})
        except ForgeError as error:
            # A fork that somebody committed to still takes branches, only more slowly.
            if getattr(error, "status", 404) not in {404, 409, 422}:
                raise

    async def _forked(self, upstream: Repository) -> Repository:
        login = await self.login()
        named = f"{login}/{upstream.name.partition('/')[2]}"
        try:
            found = await self._api.get(f"/repos/{named}")
            if text(found, "parent", "full_name").lower() == upstream.name.lower():
                return self._read(found)
        except GoneError:
            pass
        made = self._read(await self._api.change("POST", f"/repos/{upstream.name}/forks", {}))
        for number in range(_FORK_TRIES):
            # GitHub copies a repository after it has answered.
            if await self.ref(made.name, f"heads/{upstream.default}"):
                return made
            await self._delay(min(0.5 * 2**number, 30))
        raise ForgeError(
            f"The fork {made.name} of {upstream.name} is still not there",
            hint="Try again later; GitHub copies large repositories slowly.",
        )

    def _read(self, found: Json) -> Repository:
        return Repository(
            name=text(found, "full_name"),
            place=Place(address=text(found, "clone_url"), token=self._token),
            default=text(found, "default_branch") or "main",
            is_archived=bool(field(found, "archived")),
            may_push=bool(field(field(found, "permissions"), "push")),
        )


def check_name(name: str) -> None:
    """Raise ConfigurationError where a text is no name of a repository."""
    if not _NAME.fullmatch(name) or name.endswith(("/.", "/..")):
        raise ConfigurationError(
            f"{name!r} is no repository of GitHub", hint="Write owner/name, as in its address."
        )


def _quoted(ref: str) -> str:
    from urllib.parse import quote

    return quote(ref, safe="/")
