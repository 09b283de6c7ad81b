"""What only the past needs can be let go, on both engines, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from store.conftest import Stores
from store.things import built, offer, wheel
from wheelyard.blobs.folder import FolderBlobs
from wheelyard.coordinator.retention import EVIDENCE, LOGS, Retention
from wheelyard.model.artifact import Artifact
from wheelyard.ports import Holding

pytestmark = pytest.mark.anyio


class Kept:
    """Stores with blobs, and what lets go."""

    def __init__(self, stores: Stores, folder: Path) -> None:
        if stores.evidence is None or stores.references is None:
            pytest.skip("nothing of the past is kept in memory")
        self.stores = stores
        self.blobs = FolderBlobs(folder, flush=False)
        self.references = stores.references
        self.retention = Retention(
            evidence=stores.evidence,
            blobs=self.blobs,
            references=stores.references.all,
            clock=stores.clock,
        )

    async def attempt(self, key: str, text: str, *, release: str = "six==1.17.0") -> Artifact:
        """Build a wheel with a log, and publish it where its name is free."""
        digest = await self.blobs.add_bytes(text.encode())
        log = await self.blobs.add_bytes(f"log of {text}".encode())
        made = replace(
            wheel(release), digest=digest, build_key=key, created=self.stores.clock.now()
        )
        lease = await self.stores.jobs.lease(offer(key, release), "yard-1", seconds=60)
        assert lease is not None
        report = replace(built(made), log_digest=log)
        assert await self.stores.jobs.finish(lease.key, lease.fence, report)
        await self.stores.artifacts.publish(made)
        return made

    async def forget(self, *, preview: bool = False, seconds: float = 60.0) -> list[Holding]:
        """Let go of what is older than a minute."""
        return [
            *await self.retention.forget(
                logs_seconds=seconds, evidence_seconds=seconds, preview=preview
            )
        ]


@pytest.fixture
def kept(stores: Stores, tmp_path: Path) -> Kept:
    return Kept(stores, tmp_path / "blobs")


async def test_old_logs_go_and_young_ones_stay(kept: Kept) -> None:
    await kept.attempt("k1", "first")
    kept.stores.clock.advance(120)
    await kept.attempt("k2", "second", release="attrs==25.1")
    preview = await kept.forget(preview=True)
    assert [(one.kind, one.count) for one in preview] == [(LOGS, 1), (EVIDENCE, 0)]
    assert len(kept.blobs.digests()) == 4
    assert await kept.forget() == preview
    assert len(kept.blobs.digests()) == 3
    assert [one.count for one in await kept.forget()] == [0, 0]
    reports = [one.report for one in await kept.stores.jobs.attempts()]
    assert [bool(report and report.log_digest) for report in reports] == [True, False]


async def test_a_log_that_a_younger_attempt_shares_stays(kept: Kept) -> None:
    await kept.attempt("k1", "same")
    kept.stores.clock.advance(120)
    await kept.attempt("k2", "same", release="attrs==25.1")
    await kept.forget()
    assert len(kept.blobs.digests()) == 2


async def test_only_what_nobody_needs_is_superseded(kept: Kept) -> None:
    lost = await kept.attempt("k1", "first")
    await kept.stores.jobs.artifact_lost(lost.digest)
    await kept.attempt("k1", "second")
    await kept.attempt("k2", "published", release="attrs==25.1")
    snapshots = kept.stores.snapshots
    assert snapshots is not None
    shown = await kept.attempt("k3", "in a snapshot", release="pip==26.0")
    await snapshots.create("testing")
    await kept.stores.jobs.artifact_lost(shown.digest)
    kept.stores.clock.advance(120)
    found = await kept.forget()
    assert [(one.kind, one.count) for one in found] == [(LOGS, 4), (EVIDENCE, 1)]
    assert kept.blobs.path(lost.digest) is None
    assert kept.blobs.path(shown.digest) is not None
    await snapshots.remove("testing")
    assert [one.count for one in await kept.forget()] == [0, 1]
    assert kept.blobs.path(shown.digest) is None


async def test_a_snapshot_needs_its_files(kept: Kept) -> None:
    made = await kept.attempt("k1", "first")
    snapshots = kept.stores.snapshots
    assert snapshots is not None
    snapshot = (await snapshots.create("testing")).snapshot
    await kept.stores.jobs.artifact_lost(made.digest)
    needed = {one.digest for one in await kept.references.all() if one.needed}
    assert made.digest in needed
    await kept.stores.artifacts.withdraw(made.digest)
    assert list(await snapshots.artifacts(snapshot).projects()) == []


async def test_provenance_that_is_gone_is_offered_no_more(kept: Kept) -> None:
    made = replace(wheel(), provenance_digest=f"sha256:{'a' * 64}")
    await kept.stores.artifacts.publish(made)
    found = [one for one in await kept.references.all() if one.kind == "provenance"]
    assert [(one.digest, one.needed) for one in found] == [(made.provenance_digest, True)]
    assert await kept.stores.artifacts.forget_provenance(made.provenance_digest) == 1
    (visible,) = await kept.stores.artifacts.of_project(made.release.project)
    assert visible.provenance_digest == ""
