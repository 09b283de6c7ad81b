"""What holds after every row: each job has one result, the index holds what was accepted, and nothing is left over."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin

from wheelyard.jobs.selection import Selection
from wheelyard.model.job import Outcome
from wheelyard.selftest import graph
from wheelyard.selftest.farm import FarmUnderTest
from wheelyard.selftest.verdict import check, until
from wheelyard.store.folder import StateFolder

_LINK = re.compile(r'<a href="([^"#]+)#sha256=([0-9a-f]{64})"')
_MOST = 10_000
_CLOSES = frozenset({"job.ended", "job.lost", "job.returned", "job.cancelled", "job.held"})


async def hold(
    farm: FarmUnderTest, *, built: Collection[str] | None = None, others: Mapping[str, str] = {}
) -> None:
    """Raise NotSurvivedError where an invariant does not hold.

    ``built`` are the projects that are there (None: all sixty), ``others`` how the rest ended, by project.
    """
    expected = set(graph.names() if built is None else built)
    await until(
        lambda: _quiet(farm), "the queue is empty and every slot is free", seconds=25, every=0.3
    )
    jobs = {str(job["release"]).partition("==")[0]: job for job in await farm.client.jobs()}
    check(
        set(jobs) == expected | set(others),
        f"there are jobs of {len(jobs)} projects, not of {len(expected | set(others))}",
    )
    for project in sorted(expected):
        job = jobs[project]
        check(
            (job["state"], job["outcome"]) == ("done", "built") and job["artifact"],
            f"{project} is {job['state']}, {job['outcome']}: {job['reason']}",
        )
    for project, state in others.items():
        how = (jobs[project]["state"], jobs[project]["outcome"])
        check(state in how, f"{project} is {how}, not {state}")
    await _events(farm, {jobs[project]["key"]: project for project in expected})
    await _index(farm, {project: jobs[project]["artifact"] for project in expected})
    await _database(farm, {jobs[project]["key"]: jobs[project]["artifact"] for project in expected})
    _tidy(farm)


async def _quiet(farm: FarmUnderTest) -> bool:
    if any(pool["waiting"] or pool["running"] for pool in await farm.client.pools()):
        return False
    for name, one in (await farm.client.builders()).items():
        if not one["present"]:
            continue
        if one["running"]:
            return False
        if one["mode"] == "active" and name in farm.builders and one["free"] != one["slots"]:
            return False
    return True


async def _events(farm: FarmUnderTest, keys: Mapping[str, str]) -> None:
    events = await farm.client.events()
    fences = Counter(
        (one["subject"], one["detail"]["fence"]) for one in events if one["action"] == "job.leased"
    )
    twice = [subject for subject, count in fences.items() if count > 1]
    check(not twice, f"a fence was given out twice: {twice[:3]}")
    ended = Counter(
        (one["subject"], one["detail"].get("fence"))
        for one in events
        if one["action"] == "job.ended"
    )
    check(all(count == 1 for count in ended.values()), "a result is written down twice")
    last = {one["subject"]: one for one in events if one["action"] in _CLOSES}
    for key, project in keys.items():
        built = [
            one
            for one in events
            if one["subject"] == key
            and one["action"] == "job.ended"
            and one["detail"]["outcome"] == "built"
        ]
        reopened = any(
            one["subject"] == key and one["action"] in {"job.retried", "artifact.lost"}
            for one in events
        )
        check(
            len(built) == 1 or (built and reopened),
            f"the event log has {len(built)} accepted results of {project}",
        )
        check(key in last, f"the event log does not say how {project} ended")
    for one in events:
        if one["action"] == "job.leased":
            closed = [
                other
                for other in events
                if other["subject"] == one["subject"]
                and other["id"] > one["id"]
                and other["action"] in _CLOSES
            ]
            check(closed, f"the event log does not say what became of fence {one['detail']}")


async def _index(farm: FarmUnderTest, accepted: Mapping[str, str]) -> None:
    root = await farm.client.text("/simple/")
    listed = {unquote(name) for name in re.findall(r'<a href="(?:[^"]*/)?([^"/]+)/"', root)}
    check(listed == set(accepted), f"the index lists {len(listed)} projects, not {len(accepted)}")
    pages = await asyncio.gather(*(_page(farm, project) for project in accepted))
    for project, files in zip(accepted, pages, strict=True):
        check(
            list(files.values()) == [accepted[project]],
            f"the index has {files} of {project}, and {accepted[project]} was accepted",
        )


async def _page(farm: FarmUnderTest, project: str) -> Mapping[str, str]:
    """Return the digests of a project's files as their bytes have them, which must be what the page says."""
    path = f"/simple/{project}/"
    page = await farm.client.text(path)
    found: dict[str, str] = {}
    for href, digest in _LINK.findall(page):
        content = await farm.client.bytes(urljoin(path, unescape(href)))
        name = unquote(href.rpartition("/")[2])
        found[name] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        check(found[name] == f"sha256:{digest}", f"the bytes of {name} are not what its page says")
    return found


async def _database(farm: FarmUnderTest, accepted: Mapping[str, str]) -> None:
    """Hold the database itself against what the farm said: one accepted attempt a job, and those artifacts alone."""
    async with await StateFolder.open(farm.state, database=farm.engine.database) as folder:
        attempts = await folder.jobs.find_attempts(Selection(outcome=Outcome.BUILT), limit=_MOST)
        published = [
            artifact.digest
            for project in await folder.artifacts.projects()
            for artifact in await folder.artifacts.of_project(project)
        ]
    last = {
        one.key: one.report.artifact.digest
        for one in sorted(attempts, key=lambda one: one.number)
        if one.report is not None and one.report.artifact is not None
    }
    check(last == dict(accepted), "the database records other artifacts than the farm says")
    check(
        sorted(published) == sorted(accepted.values()),
        f"the database publishes {len(published)} files, and {len(accepted)} were accepted",
    )


def _tidy(farm: FarmUnderTest) -> None:
    for program in farm.programs:
        check("Traceback" not in program.said, f"{program.name} printed a traceback")


async def nothing_left(folder: Path) -> None:
    """Raise NotSurvivedError where processes of a farm are left after its end."""

    async def gone() -> bool:
        return not _processes_of(folder)

    await until(gone, "every process of the farm and of its builds is gone", seconds=15)


def _processes_of(folder: Path) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
