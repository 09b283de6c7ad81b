"""A farm that has run for long, put into its database: projects by targets, with attempts, wheels and requests."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
from benchmarks.migrations import membership_of

from wheelyard.campaign_ports import Campaign, CampaignName
from wheelyard.campaigns.running import members_of
from wheelyard.migrate.states import NOTHING, Evidence, State
from wheelyard.model.job import BuildKey, Offer, Outcome, Report, Step, StepName
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.store.campaigns import StoredCampaigns
from wheelyard.store.database import Connection, Database
from wheelyard.store.texts import write_report, write_value
from wheelyard.targets.target import Target

PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_28_aarch64",
    "musllinux_1_2_x86_64",
    "musllinux_1_2_aarch64",
)
TARGETS = tuple(
    f"{python}-{platform}"
    for python in ("cp310", "cp311", "cp312", "cp313", "cp314")
    for platform in PLATFORMS
)
LARGE = "large-project"
"""A project with so many releases that its page shows a part of them."""
LARGE_VERSIONS = 100
REQUESTS = ("request-0", "request-1")
CAMPAIGN = CampaignName("large-migration")
MEMBERS = 3000
_OWNERS = 5
_BATCH = 20_000
_ASKED = 2000
_MINUTE = 60 * 1_000_000
_PAUSE = timedelta(minutes=1)
Row = dict[str, object]

_JOB = """
INSERT INTO jobs (key, project, version, target, state, fence, attempt, builder, lease_expires, counts,
    lost_by, refused_by, outcome, reason, accepted, artifact, changed, pool, owner, rank, submitted, open)
VALUES (:key, :project, :version, :target, :state, 1, 1, :builder, :expires, '{}', '[]', '[]',
    :outcome, :reason, '', :digest, :changed, 'pool', :owner, :rank, :changed, :open)
"""
_CELL = """
INSERT INTO cells (project, target, version, key, state, reason, changed, built_version, built_key, regressed)
VALUES (:project, :target, :version, :key, :word, :reason, :changed, :built_version, :built_key, :regressed)
"""
_ATTEMPT = """
INSERT INTO attempts (key, number, project, version, target, builder, fence, started, finished, outcome,
    counted, reason, wall_seconds, report, cpu_seconds, log_bytes)
VALUES (:key, 1, :project, :version, :target, :builder, 1, :started, :changed, :outcome, TRUE, :reason, 30,
    :report, :cpu, 100000)
"""
_ARTIFACT = """
INSERT INTO artifacts (filename, digest, size, project, version, tags, origin, requires_python,
    requires_dist, metadata_digest, build_key, target, source_digest, recipe_digest, created, yanked, counts,
    published)
VALUES (:filename, :digest, 100000, :project, :version, :tag, 'built', '>=3.9', '[]', '', :key, :target,
    '', '', :changed, NULL, TRUE, TRUE)
"""
_OFFER = (
    "INSERT INTO offers (key, offer, request, context) VALUES (:key, :offer, 'request-0', :context)"
)
_OUTCOMES = ("built",) * 14 + ("failed", "failed", "timed-out", "ready", "leased", "held")


def state_of(number: int) -> str:
    """Return how a job stands by its number: an outcome, or the state where it has none."""
    return _OUTCOMES[number * 7919 % 2003 % len(_OUTCOMES)]


def key_of(number: int) -> str:
    """Return the key of a job by its number."""
    return f"{number:040x}"


async def fill(database: Database, *, projects: int, builders: int) -> None:
    """Fill an empty database."""
    now = time.time_ns() // 1000
    rows: list[Row] = []
    for row in _rows(now, projects, builders):
        rows.append(row)
        if len(rows) == _BATCH:
            await database.write(_batch(rows))
            rows = []
    await database.write(_batch(rows))
    await database.write(lambda connection: _beside(connection, now, projects, builders))
    await _migrate(StoredCampaigns(database=database), min(MEMBERS, 5 * projects))
    await database.write(lambda connection: connection.execute("ANALYZE"))


async def _migrate(campaigns: StoredCampaigns, packages: int) -> None:
    """Begin a migration, and carry half of it through."""
    begun = datetime.now(UTC) - timedelta(days=10)
    found = membership_of(packages, 2 * packages)
    members = members_of(CAMPAIGN, found, {}, {}, begun)
    campaign = Campaign(name=CAMPAIGN, rule="pin", owner="ann", created=begun)
    await campaigns.add(campaign, members)
    done = members[: packages // 2]
    for state in (State.PROPOSED, State.MERGED, State.PUBLISHED):
        evidence = Evidence(migrated=True, published=True) if state is State.PUBLISHED else NOTHING
        await campaigns.save(
            [
                replace(one, state=state, evidence=evidence, changed=begun + place * _PAUSE)
                for place, one in enumerate(done)
            ]
        )


def _rows(now: int, projects: int, builders: int) -> Iterator[Row]:
    number = 0
    for project in range(projects):
        for target in TARGETS:
            yield _row(number, (f"project-{project}", f"1.{project % 30}"), target, now, builders)
            number += 1
    for version in range(LARGE_VERSIONS):
        for target in TARGETS:
            row = _row(number, (LARGE, f"1.{version}"), target, now, builders)
            row["newest"] = version == LARGE_VERSIONS - 1
            yield row
            number += 1


def _row(number: int, release: tuple[str, str], target: str, now: int, builders: int) -> Row:
    project, version = release
    state = state_of(number)
    if state == "leased" and number > 100 * len(_OUTCOMES):
        state = "ready"
    ended = state not in {"ready", "leased", "held"}
    failed = ended and state != "built"
    regressed = failed and number % 3 == 0
    interpreter, _, platform = target.partition("-")
    digest = f"sha256:{number:064x}"
    return {
        "key": key_of(number),
        "project": project,
        "version": version,
        "target": target,
        "state": "done" if ended else state,
        "outcome": state if ended else None,
        "word": {"ready": "waiting", "leased": "running"}.get(state, state),
        "reason": "Python.h not found: install the headers of Python" if failed else "",
        "builder": "" if state == "ready" else f"builder-{number % builders}",
        "expires": now + 60 * _MINUTE if state == "leased" else None,
        "digest": digest if state == "built" else "",
        # All that was done lies in the last two days, which is the worst for what is drawn of them.
        "changed": now - number % 2880 * _MINUTE,
        "started": now - (number % 2880 + 1) * _MINUTE,
        "owner": f"owner-{number % _OWNERS}",
        "rank": number,
        "open": state == "ready",
        "built_version": version if state == "built" else "1.0" if regressed else "",
        "built_key": key_of(number) if state == "built" else key_of(0) if regressed else "",
        "regressed": regressed,
        "filename": f"{project.replace('-', '_')}-{version}-{interpreter}-{interpreter}-{platform}.whl",
        "tag": f"{interpreter}-{interpreter}-{platform}",
        "cpu": float(number % 977),
        "newest": True,
    }


def _batch(rows: list[Row]) -> Callable[[Connection], None]:
    reports = {outcome: _report(outcome) for outcome in Outcome}
    offer = _offer()

    def work(connection: Connection) -> None:
        connection.execute_all(_JOB, rows)
        connection.execute_all(_CELL, [row for row in rows if row["newest"]])
        ended = [row for row in rows if row["outcome"]]
        connection.execute_all(
            _ATTEMPT, [{**row, "report": reports[Outcome(str(row["outcome"]))]} for row in ended]
        )
        built = [row for row in rows if row["outcome"] == "built"]
        connection.execute_all(_ARTIFACT, built)
        waiting = [row for row in rows if not row["outcome"]]
        offers = [
            {"key": row["key"], "offer": offer.replace("KEY", str(row["key"])), "context": b"c"}
            for row in waiting
        ]
        connection.execute_all(_OFFER, offers)

    return work


def _beside(connection: Connection, now: int, projects: int, builders: int) -> None:
    connection.execute("INSERT INTO known_projects (project) SELECT DISTINCT project FROM jobs")
    connection.execute(
        "INSERT INTO askers (owner, project) SELECT DISTINCT owner, project FROM jobs"
    )
    connection.execute("INSERT INTO pools (pool, needs) VALUES ('pool', '{}')")
    connection.execute(
        "INSERT INTO pool_changes (pool, owner, waiting, running) SELECT pool, owner, "
        "SUM(CASE WHEN state = 'ready' THEN 1 ELSE 0 END), SUM(CASE WHEN state = 'leased' THEN 1 ELSE 0 END) "
        "FROM jobs GROUP BY pool, owner"
    )
    connection.execute_all(
        "INSERT INTO builders (name, owner, tier, facts, mode, reason, session, health, streak, enrolled, heard) "
        "VALUES (:name, 'ann', 'trusted', :facts, 'active', '', 's', :health, 0, :now, :now)",
        [_builder(number, now) for number in range(builders)],
    )
    for number, request in enumerate(REQUESTS):
        connection.execute(
            "INSERT INTO requests (id, kind, owner, text, digest, summary, created, priority, state, reason) "
            "VALUES (:id, 'wheels', 'owner-1', :text, :id, :id, :now, 0, 'open', '')",
            {"id": request, "text": b"{}", "now": now},
        )
        connection.execute_all(
            "INSERT INTO job_requests (key, request, joined) VALUES (:key, :request, :now)",
            [
                {"key": key_of(place * 2 + number), "request": request, "now": now}
                for place in range(min(_ASKED, projects))
            ],
        )


def _builder(number: int, now: int) -> Row:
    facts = {"version": "1", "slots": 2, "values": [["arch", "x86_64"]]}
    return {
        "name": f"builder-{number}",
        "facts": msgspec.json.encode(facts).decode(),
        "health": "{}",
        "now": now,
    }


def _report(outcome: Outcome) -> str:
    steps = tuple(
        Step(name=name, started=float(place), seconds=3.0, cpu_seconds=2.0)
        for place, name in enumerate(StepName)
    )
    return write_report(
        Report(
            outcome=outcome,
            steps=steps,
            reason="" if outcome is Outcome.BUILT else "Python.h not found",
            detail="" if outcome is Outcome.BUILT else "a line of the log\n" * 10,
            sandbox=("bubblewrap", "seccomp", "cgroup"),
            environment=tuple(f"{name}=/usr/bin/{name}" for name in ("CC", "CXX", "LD", "AR")),
            repeat="wheelyard build " + "x" * 200,
            system_libraries=("libc6", "libssl3"),
            wall_seconds=30.0,
        )
    )


def _offer() -> str:
    location = "https://files.example/example-1.0.tar.gz"
    return write_value(
        Offer(
            key=BuildKey("KEY"),
            release=Release.parse("example==1.0"),
            source=Source(kind=SourceKind.SDIST, location=location, digest=f"sha256:{0:064}"),
            target=Target.parse(TARGETS[0]),
            requirements=(),
        )
    )
