"""A server that speaks the parts of GitHub's interface that are used, over real git repositories.

What it answers follows GitHub's documentation of its REST interface (version 2022-11-28): the fields
that are read, the statuses of refusals, pages, ETags and limits.
"""

import base64
import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from forge import hands
from forge.git_http import serve_git

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
    """The server; what people do there are its methods. ``refusals`` answer the next requests."""

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
        self.refusals: list[RefusalError] = []
        self.may_not: set[str] = set()
        self.die_after_push = False
        self.page = 100
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

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
            if self._is_ancestor(upstream, pull.head, pull.onto):
                walk = ["rev-list", "--first-parent", "--ancestry-path"]
                line = hands.git(upstream, *walk, f"{pull.head}..{pull.onto}").split()
                merge = line[-1] if line else pull.head
                by = hands.git(upstream, "show", "-s", "--format=%an", merge)
                self.set_merged(pull, merge, by)

    def set_merged(self, pull: Pull, commit: str, by: str) -> None:
        pull.state, pull.merged, pull.merged_by = "closed", commit, by

    def ref(self, repository: str, ref: str) -> str:
        bare = self.bare(repository)
        ran = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", ref],
            cwd=bare,
            capture_output=True,
            check=False,
        )
        return ran.stdout.decode().strip()

    def _allow(self, name: str) -> None:
        for setting in (
            "http.receivepack",
            "uploadpack.allowFilter",
            "uploadpack.allowAnySHA1InWant",
        ):
            hands.git(self.bare(name), "config", setting, "true")

    def _is_ancestor(self, bare: Path, commit: str, branch: str) -> bool:
        command = ["git", "merge-base", "--is-ancestor", commit, branch]
        return subprocess.run(command, cwd=bare, check=False, capture_output=True).returncode == 0

    def clean(self, pull: Pull) -> bool:
        command = ["git", "merge-tree", "--write-tree", pull.onto, pull.head]
        ran = subprocess.run(
            command, cwd=self.bare(pull.repository), check=False, capture_output=True
        )
        return ran.returncode == 0


class Routes:
    """What is answered at which path."""

    def __init__(self, hub: GitHub) -> None:
        self.hub = hub
        name = r"/repos/([\w.-]+/[\w.-]+)"
        self.table: list[tuple[str, re.Pattern[str], Callable[..., Json]]] = [
            ("GET", re.compile(r"/user"), lambda _: {"login": BOT}),
            ("GET", re.compile(r"/orgs/([\w-]+)/repos"), self.of_owner),
            ("GET", re.compile(name), self.repository),
            ("GET", re.compile(name + r"/git/ref/(.+)"), self.git_ref),
            ("GET", re.compile(name + r"/git/commits/(\w+)"), self.git_commit),
            ("POST", re.compile(name + r"/forks"), self.forked),
            ("POST", re.compile(name + r"/merge-upstream"), self.merge_upstream),
            ("GET", re.compile(name + r"/pulls"), self.list_pulls),
            ("POST", re.compile(name + r"/pulls"), self.open_pull),
            ("GET", re.compile(name + r"/pulls/(\d+)"), self.one_pull),
            ("PATCH", re.compile(name + r"/pulls/(\d+)"), self.change_pull),
            ("PUT", re.compile(name + r"/pulls/(\d+)/merge"), self.merge_pull),
            ("POST", re.compile(name + r"/issues/(\d+)/labels"), self.label),
            ("GET", re.compile(name + r"/issues/(\d+)/comments"), self.list_comments),
            ("POST", re.compile(name + r"/issues/(\d+)/comments"), self.comment),
            ("GET", re.compile(name + r"/commits/(\w+)/check-runs"), self.list_runs),
            ("GET", re.compile(name + r"/commits/(\w+)/statuses"), self.list_statuses),
            ("POST", re.compile(name + r"/statuses/(\w+)"), self.status),
            ("POST", re.compile(r"/graphql"), self.graphql),
        ]

    def of_owner(self, asked: Json, owner: str) -> Json:
        found = sorted((self.hub.folder / owner).glob("*.git"))
        return [{"full_name": f"{owner}/{path.stem}"} for path in found]

    def repository(self, asked: Json, name: str) -> Json:
        self._there(name)
        found = {
            "full_name": name,
            "clone_url": f"{self.hub.url}/git/{name}.git",
            "default_branch": "main",
            "archived": name in self.hub.archived,
            "permissions": {"push": name.startswith(BOT)},
        }
        parent = self.hub.parents.get(name)
        return found | ({"parent": {"full_name": parent}} if parent else {})

    def git_ref(self, asked: Json, name: str, ref: str) -> Json:
        self._there(name)
        sha = self.hub.ref(name, f"refs/{ref}")
        if not sha:
            raise RefusalError(404, "Not Found")
        return {"ref": f"refs/{ref}", "object": {"sha": sha, "type": "commit"}}

    def git_commit(self, asked: Json, name: str, commit: str) -> Json:
        self._there(name)
        line = hands.git(self.hub.bare(name), "rev-list", "--parents", "-1", commit).split()
        return {"sha": line[0], "parents": [{"sha": parent} for parent in line[1:]]}

    def forked(self, asked: Json, name: str) -> Json:
        self._there(name)
        return self.repository(asked, self.hub.fork(name))

    def merge_upstream(self, asked: Json, name: str) -> Json:
        branch = asked["branch"]
        parent = self.hub.bare(self.hub.parents[name])
        hands.git(self.hub.bare(name), "fetch", "--quiet", str(parent), f"{branch}:{branch}")
        return {"merge_type": "fast-forward"}

    def list_pulls(self, asked: Json, name: str) -> Json:
        self._there(name)
        state, head = asked.get("state", "open"), asked.get("head", "")
        return [
            self._pull(pull)
            for pull in reversed(self.hub.pulls)
            if pull.repository == name
            and state in {"all", pull.state}
            and head in {"", f"{pull.fork.partition('/')[0]}:{pull.branch}"}
        ]

    def open_pull(self, asked: Json, name: str) -> Json:
        owner, _, branch = asked["head"].partition(":")
        fork = f"{owner}/{name.partition('/')[2]}"
        if not self.hub.ref(fork, f"refs/heads/{branch}"):
            raise RefusalError(422, "Validation Failed", "head invalid")
        mine = (pull for pull in self.hub.pulls if (pull.fork, pull.branch) == (fork, branch))
        if any(pull.state == "open" for pull in mine):
            raise RefusalError(
                422, "Validation Failed", f"A pull request already exists for {owner}:{branch}."
            )
        said = {"title": asked["title"], "body": asked["body"], "onto": asked["base"]}
        number = len(self.hub.pulls) + 1
        pull = Pull(number=number, repository=name, fork=fork, branch=branch, **said)
        self.hub.pulls.append(pull)
        self.hub.sync()
        return self._pull(pull)

    def one_pull(self, asked: Json, name: str, number: str) -> Json:
        pull = self._number(name, number)
        more = {"merged": bool(pull.merged), "mergeable": None}
        if pull.state == "open":
            more["mergeable"] = self.hub.clean(pull)
        if pull.merged_by:
            more["merged_by"] = {"login": pull.merged_by}
        return self._pull(pull) | more

    def change_pull(self, asked: Json, name: str, number: str) -> Json:
        pull = self._number(name, number)
        for key in {"title", "body", "state"} & set(asked):
            setattr(pull, key, asked[key])
        return self._pull(pull)

    def merge_pull(self, asked: Json, name: str, number: str) -> Json:
        pull = self._number(name, number)
        if pull.head != asked["sha"]:
            raise RefusalError(409, "Head branch was modified. Review and try the merge again.")
        if not self.hub.clean(pull):
            raise RefusalError(405, "Pull Request is not mergeable")
        merge = hands.merge(
            self.hub.bare(name), f"pull/{pull.number}", ref=f"refs/pull/{number}/head"
        )
        self.hub.set_merged(pull, merge, BOT)
        return {"merged": True, "sha": merge}

    def label(self, asked: Json, name: str, number: str) -> Json:
        pull = self._number(name, number)
        pull.labels += asked["labels"]
        return [{"name": label} for label in pull.labels]

    def list_comments(self, asked: Json, name: str, number: str) -> Json:
        comments = self._number(name, number).comments
        return [{"body": body, "user": {"login": login}} for login, body in comments]

    def comment(self, asked: Json, name: str, number: str) -> Json:
        self._number(name, number).comments.append((BOT, asked["body"]))
        return {"id": 1}

    def list_runs(self, asked: Json, name: str, commit: str) -> Json:
        runs = self.hub.runs.get(commit, [])
        return {"total_count": len(runs), "check_runs": runs}

    def list_statuses(self, asked: Json, name: str, commit: str) -> Json:
        return list(reversed(self.hub.statuses.get(commit, [])))

    def status(self, asked: Json, name: str, commit: str) -> Json:
        assert len(asked["description"]) <= 140
        self.hub.statuses.setdefault(commit, []).append(asked)
        return asked

    def graphql(self, asked: Json) -> Json:
        number = int(asked["variables"]["pull"].removeprefix("PR_"))
        pull = self.hub.pulls[number - 1]
        if "auto-merge" in self.hub.may_not:
            return {"errors": [{"message": "Auto merge is not allowed for this repository"}]}
        pull.auto_merge = True
        return {"data": {"enablePullRequestAutoMerge": {}}}

    def _there(self, name: str) -> None:
        if not self.hub.bare(name).exists():
            raise RefusalError(404, "Not Found")

    def _number(self, name: str, number: str) -> Pull:
        self._there(name)
        return self.hub.pulls[int(number) - 1]

    def _pull(self, pull: Pull) -> Json:
        owner = pull.fork.partition("/")[0]
        return {
            "number": pull.number,
            "node_id": f"PR_{pull.number}",
            "html_url": f"{self.hub.url}/{pull.repository}/pull/{pull.number}",
            "state": pull.state,
            "title": pull.title,
            "body": pull.body,
            "labels": [{"name": label} for label in pull.labels],
            "merged_at": "2026-01-01T00:00:00Z" if pull.merged else None,
            "merge_commit_sha": pull.merged or None,
            "base": {"ref": pull.onto},
            "head": {
                "ref": pull.branch,
                "sha": pull.head,
                "user": {"login": owner},
                "repo": {"full_name": pull.fork} if self.hub.bare(pull.fork).exists() else None,
            },
        }


def _handler(hub: GitHub) -> type[BaseHTTPRequestHandler]:
    routes = Routes(hub)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            pass

        def answer(self) -> None:
            with hub.lock:
                hub.seen.append(f"{self.command} {self.path}")
                hub.asked.append(Asked(self.command, self.path))
                if self.path.startswith("/git/"):
                    self.git()
                else:
                    self.interface()

        do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the parent's names

        def git(self) -> None:
            secret = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {secret}":
                self.reply(401, {"message": "Bad credentials"}, {"WWW-Authenticate": "Basic"})
                return
            name = unquote(self.path).removeprefix("/git/").partition(".git")[0]
            pushes = "git-receive-pack" in self.path
            if not hub.bare(name).exists() or (pushes and not name.startswith(BOT)):
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.reply(404 if not pushes else 403, {"message": "Not Found"})
                return
            hub.sync()
            serve_git(self, hub.folder, BOT)

        def interface(self) -> None:
            parts = urlsplit(self.path)
            said = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = json.loads(said) if said else query
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise RefusalError(401, "Bad credentials")
                if hub.refusals:
                    raise hub.refusals.pop(0)
                self.found(self.command, unquote(parts.path), asked, query)
            except RefusalError as refusal:
                hub.asked[-1].status = refusal.status
                body = {
                    "message": refusal.message,
                    "errors": [{"message": e} for e in refusal.errors],
                }
                headers = {name.replace("_", "-"): value for name, value in refusal.headers.items()}
                self.reply(refusal.status, body, headers)

        def found(self, method: str, path: str, asked: Json, query: dict[str, str]) -> None:
            for old, new in hub.moved.items():
                if path.startswith(f"/repos/{old}"):
                    location = hub.url + path.replace(old, new, 1)
                    self.reply(301, {"message": "Moved Permanently"}, {"Location": location})
                    return
            hub.sync()
            for verb, pattern, route in routes.table:
                match = pattern.fullmatch(path)
                if verb == method and match:
                    if any(word in path for word in hub.may_not):
                        raise RefusalError(403, "Resource not accessible by integration")
                    self.listed(route(asked, *match.groups()), query)
                    return
            raise RefusalError(404, "Not Found")

        def listed(self, body: Json, query: dict[str, str]) -> None:
            if not isinstance(body, list) or len(body) <= hub.page:
                self.reply(201 if self.command == "POST" else 200, body)
                return
            page = int(query.get("page", "1"))
            part = body[(page - 1) * hub.page : page * hub.page]
            url = f"{hub.url}{self.path.partition('&page')[0]}&page={page + 1}"
            more = {"Link": f'<{url}>; rel="next"'} if page * hub.page < len(body) else {}
            self.reply(200, part, more)

        def reply(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            if self.command == "GET" and status == 200:
                if self.headers.get("If-None-Match") == etag:
                    status, content = 304, b""
                headers = {**(headers or {}), "ETag": etag}
            hub.asked[-1].status = status
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
