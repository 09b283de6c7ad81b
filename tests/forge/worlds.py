"""Forges of each kind, with people beside them who merge, close, push, and change things by hand."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from forge import hands
from forge.github_hub import OWNER, TOKEN, Pull
from forge.github_server import GitHubServer
from wheelyard.forge.git import GitForge
from wheelyard.forge.github.forge import GitHubForge, GitHubSettings
from wheelyard.forge_ports import Forge
from wheelyard.model.proposal import ProposalName
from wheelyard.testing.forge import MemoryForge


class World(Protocol):
    """A forge, and what people do there."""

    @property
    def forge(self) -> Forge: ...
    def create(self, name: str, files: Mapping[str, bytes]) -> str: ...
    def repository(self, name: str) -> str: ...
    def remove(self, name: str) -> None: ...
    def change(self, name: str, files: Mapping[str, bytes | None], title: str) -> str: ...
    def merge(self, proposal: ProposalName, *, squash: bool = False) -> None: ...
    def reject(self, proposal: ProposalName) -> None: ...
    def push(self, proposal: ProposalName, files: Mapping[str, bytes | None]) -> None: ...
    async def comments(self, proposal: ProposalName) -> Sequence[str]: ...
    async def close(self) -> None: ...


class MemoryWorld:
    """The forge in memory."""

    def __init__(self) -> None:
        self.forge = MemoryForge()

    def create(self, name: str, files: Mapping[str, bytes]) -> str:
        return self.forge.create(name, files)

    def repository(self, name: str) -> str:
        return name

    def remove(self, name: str) -> None:
        self.forge.remove(name)

    def change(self, name: str, files: Mapping[str, bytes | None], title: str) -> str:
        return self.forge.change(name, files, title)

    def merge(self, proposal: ProposalName, *, squash: bool = False) -> None:
        self.forge.merge_by_hand(proposal, squash=squash)

    def reject(self, proposal: ProposalName) -> None:
        self.forge.reject(proposal)

    def push(self, proposal: ProposalName, files: Mapping[str, bytes | None]) -> None:
        self.forge.push(proposal, files)

    async def comments(self, proposal: ProposalName) -> Sequence[str]:
        return list(self.forge.comments(proposal))

    async def close(self) -> None:
        """There is nothing to be closed."""


class GitWorld:
    """Bare repositories in a folder; people work from clones."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.forge: Forge = GitForge(folder=folder)

    def bare(self, name: str) -> Path:
        return self.folder / f"{name}.git"

    def repository(self, name: str) -> str:
        return name

    def create(self, name: str, files: Mapping[str, bytes]) -> str:
        return hands.create(self.bare(name), files)

    def remove(self, name: str) -> None:
        shutil.rmtree(self.bare(name))

    def change(self, name: str, files: Mapping[str, bytes | None], title: str) -> str:
        return hands.change(self.bare(name), files, title)

    def merge(self, proposal: ProposalName, *, squash: bool = False) -> None:
        hands.merge(self._of(proposal), proposal.branch, squash=squash)

    def reject(self, proposal: ProposalName) -> None:
        hands.git(self._of(proposal), "branch", "-D", proposal.branch)

    def push(self, proposal: ProposalName, files: Mapping[str, bytes | None]) -> None:
        hands.change(self._of(proposal), files, "Mend it", branch=proposal.branch)

    async def comments(self, proposal: ProposalName) -> Sequence[str]:
        import json

        ref = "refs/wheelyard/remarks/" + proposal.branch.removeprefix("wheelyard/")
        said = json.loads(hands.read(self._of(proposal), "remarks.json", ref))
        return list(said["comments"].values())

    async def close(self) -> None:
        """There is nothing to be closed."""

    def _of(self, proposal: ProposalName) -> Path:
        return self.bare(proposal.repository.removesuffix(".git").rpartition("/")[2])


class GitHubWorld:
    """A server that speaks GitHub's interface; people use its buttons, or push past it."""

    def __init__(self, folder: Path) -> None:
        (folder / OWNER).mkdir(parents=True)
        self.hub = GitHubServer(folder)
        self.forge = self.another()

    def another(self, **changes: object) -> GitHubForge:
        """A forge as another process has it, which waits for nothing."""
        settings = GitHubSettings(
            token=TOKEN, address=self.hub.url, repositories=(f"{OWNER}/*",), apart=0
        )
        return GitHubForge(replace(settings, **changes), delay=self._delay)  # type: ignore[arg-type]

    async def _delay(self, seconds: float) -> None:
        self.waited = [*getattr(self, "waited", ()), seconds]

    def repository(self, name: str) -> str:
        return f"{OWNER}/{name}"

    def create(self, name: str, files: Mapping[str, bytes]) -> str:
        return self.hub.create(self.repository(name), dict(files))

    def remove(self, name: str) -> None:
        shutil.rmtree(self.hub.bare(self.repository(name)))

    def change(self, name: str, files: Mapping[str, bytes | None], title: str) -> str:
        return hands.change(self.hub.bare(self.repository(name)), files, title)

    def merge(self, proposal: ProposalName, *, squash: bool = False) -> None:
        self.hub.sync()
        pull = self._pull(proposal)
        ref = f"refs/pull/{pull.number}/head"
        bare = self.hub.bare(proposal.repository)
        commit = hands.merge(bare, "", squash=squash, ref=ref)
        self.hub.set_merged(pull, commit, "maintainer")

    def reject(self, proposal: ProposalName) -> None:
        self._pull(proposal).state = "closed"

    def push(self, proposal: ProposalName, files: Mapping[str, bytes | None]) -> None:
        fork = self.hub.bare(self._pull(proposal).fork)
        hands.change(fork, files, "Mend it", branch=proposal.branch)

    async def comments(self, proposal: ProposalName) -> Sequence[str]:
        said = self._pull(proposal).comments
        return [body.partition("<!--")[0].strip() for _, body in said]

    async def close(self) -> None:
        await self.forge.aclose()
        self.hub.close()

    def _pull(self, proposal: ProposalName) -> Pull:
        return self.hub.pull(proposal.repository, proposal.branch)
