"""What GitHub answers at which path.

It follows GitHub's documentation of its REST interface (version 2022-11-28): the fields that are read,
and the statuses of refusals.
"""

import re
from collections.abc import Callable

from forge import hands
from forge.github_hub import BOT, GitHub, Json, Pull, RefusalError


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
        more: Json = {"merged": bool(pull.merged), "mergeable": None}
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
