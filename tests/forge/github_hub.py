"""What a server that speaks GitHub's interface knows: repositories, pull requests, and what people do there."""

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forge import hands

TOKEN = "ghs_sEcReT123"
BOT = "yard-bot"
OWNER = "feedstocks"
Json = Any


class RefusalError(Exception):
    def __init__(self, status: int, message: str, *errors: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors
        self.headers = headers


@dataclass
class Pull:
    number: int
    repository: str
    fork: str
    branch: str
    onto: str
    title: str
    body: str
    head: str = ""
    state: str = "open"
    merged: str = ""
    merged_by: str = ""
    labels: list[str] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)
    auto_merge: bool = False


@dataclass
class Asked:
    method: str
    path: str
    status: int = 0


class GitHub:
    """The server; what people do there are its methods.

    ``refusals`` answer the next requests whose ``METHOD /path`` holds a text, one each; ``may_not`` are texts in paths that
    the token has no rights for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pulls: list[Pull] = []
        self.parents: dict[str, str] = {}
        self.archived: set[str] = set()
        self.moved: dict[str, str] = {}
        self.statuses: dict[str, list[Json]] = {}
        self.runs: dict[str, list[Json]] = {}
        self.asked: list[Asked] = []
        self.seen: list[str] = []
        self.refusals: list[tuple[str, RefusalError]] = []
        self.may_not: set[str] = set()
        self.page = 100
        self.pages_at = ""
        self.lock = threading.RLock()
        self._told: dict[tuple[str, str, str], bool] = {}
        self.url = ""

    def refuse(self, method: str, path: str) -> None:
        for number, (what, refusal) in enumerate(self.refusals):
            if what in f"{method} {path}":
                del self.refusals[number]
                raise refusal

    def bare(self, name: str) -> Path:
        return self.folder / f"{name}.git"

    def create(self, name: str, files: dict[str, bytes]) -> str:
        first = hands.create(self.bare(name), files)
        self._allow(name)
        return first

    def fork(self, name: str, owner: str = BOT) -> str:
        fork = f"{owner}/{name.partition('/')[2]}"
        if not self.bare(fork).exists():
            self.bare(fork).parent.mkdir(exist_ok=True)
            clone = ["clone", "--quiet", "--bare", str(self.bare(name)), str(self.bare(fork))]
            hands.git(self.folder, *clone)
            self._allow(fork)
            self.parents[fork] = name
        return fork

    def pull(self, repository: str, branch: str) -> Pull:
        return next(
            pull for pull in self.pulls if (pull.repository, pull.branch) == (repository, branch)
        )

    def sync(self) -> None:
        """Let pull requests follow their branches, and see which were merged by their commits."""
        for pull in self.pulls:
            fork, upstream = self.bare(pull.fork), self.bare(pull.repository)
            if pull.state != "open" or not upstream.exists():
                continue
            head = self.ref(pull.fork, f"refs/heads/{pull.branch}")
            if head and head != pull.head:
                into = f"+refs/heads/{pull.branch}:refs/pull/{pull.number}/head"
                hands.git(upstream, "fetch", "--quiet", str(fork), into)
                pull.head = head
            if self._is_ancestor(pull):
                walk = ["rev-list", "--first-parent", "--ancestry-path"]
                line = hands.git(upstream, *walk, f"{pull.head}..{pull.onto}").split()
                merge = line[-1] if line else pull.head
                by = hands.git(upstream, "show", "-s", "--format=%an", merge)
                self.set_merged(pull, merge, by)

    def set_merged(self, pull: Pull, commit: str, by: str) -> None:
        pull.state, pull.merged, pull.merged_by = "closed", commit, by

    def ref(self, repository: str, ref: str) -> str:
        """The commit of a ref, read as git writes it: a question of each request, so without a process."""
        loose, packed = self.bare(repository) / ref, self.bare(repository) / "packed-refs"
        if loose.is_file():
            return loose.read_text().strip()
        lines = packed.read_text().splitlines() if packed.is_file() else []
        return next((line[:40] for line in lines if line[41:] == ref), "")

    def _allow(self, name: str) -> None:
        for setting in (
            "http.receivepack",
            "uploadpack.allowFilter",
            "uploadpack.allowAnySHA1InWant",
        ):
            hands.git(self.bare(name), "config", setting, "true")

    def _is_ancestor(self, pull: Pull) -> bool:
        return self._tell(pull, "merge-base", "--is-ancestor")

    def clean(self, pull: Pull) -> bool:
        return self._tell(pull, "merge-tree", "--write-tree")

    def _tell(self, pull: Pull, *command: str) -> bool:
        tip = self.ref(pull.repository, f"refs/heads/{pull.onto}")
        key = (command[0], pull.head, tip)
        if key not in self._told:
            bare = self.bare(pull.repository)
            asked = ["git", *command, pull.head, tip]
            ran = subprocess.run(asked, cwd=bare, check=False, capture_output=True)
            self._told[key] = ran.returncode == 0
        return self._told[key]
