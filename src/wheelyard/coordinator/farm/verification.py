"""Holds a result against its bytes and against who brought it, before it is taken in.

What is wrong with the bytes is the builder's doing, never the package's: a builder has looked at its
wheel itself before it sent it.
"""

from dataclasses import replace

from wheelyard.coordinator.farm.actions import Action
from wheelyard.coordinator.farm.ports import FarmPorts
from wheelyard.coordinator.farm.roster import Roster
from wheelyard.coordinator.farm.strangers import Strangers
from wheelyard.errors import DigestMismatchError, InvalidArchiveError, InvalidNameError, StoreError
from wheelyard.farm_ports import QueuedJob
from wheelyard.jobs.builder_life import counts_for_nothing
from wheelyard.model.builder import Builder, Tier
from wheelyard.model.job import Outcome, Report
from wheelyard.protocol.messages import Result

_LONGEST_REASON = 500


class Verification:
    """Turns what a builder reported into what is recorded."""

    def __init__(self, *, ports: FarmPorts, roster: Roster, strangers: Strangers) -> None:
        self._ports = ports
        self._roster = roster
        self._strangers = strangers

    async def verify(self, queued: QueuedJob, word: Result) -> Report:
        """Return the report that counts."""
        builder = self._roster.get(word.builder) or await self._unknown(word.builder)
        report = self._with_log(word.report)
        if report.outcome is not Outcome.BUILT or report.artifact is None:
            return self._of_failure(builder, replace(report, artifact=None))
        try:
            artifact = await self._ports.inspector.inspect(report.artifact, queued.offer)
        except (InvalidArchiveError, InvalidNameError, DigestMismatchError) as error:
            await self._ports.events.write(
                Action.RESULT_REFUSED, word.key, actor=word.builder, reason=error.message[:300]
            )
            reason = error.message[:_LONGEST_REASON]
            return replace(
                report, outcome=Outcome.INFRASTRUCTURE, artifact=None, reason=reason, findings=()
            )
        report = replace(report, artifact=artifact)
        if builder.tier is Tier.TRUSTED and not self._roster.strangers():
            # Nobody can have made it whose word was not believed.
            return report
        proof = await self._strangers.judge(builder, word.key, artifact.digest)
        for other in proof.differing:
            await self._ports.events.write(
                Action.ARTIFACT_DIFFERED,
                word.key,
                actor=word.builder,
                digest=artifact.digest,
                other=other.digest,
                other_builder=other.builder,
            )
        return report if proof.counts else await self._unproven(report, word)

    async def _unknown(self, name: str) -> Builder:
        """Return a builder that the roster does not know; nobody trusts one that is nowhere."""
        found = await self._ports.builders.get(name)
        return found or Builder(name=name, tier=Tier.STRANGER)

    def _of_failure(self, builder: Builder, report: Report) -> Report:
        if not counts_for_nothing(builder, report.outcome):
            return report
        reason = f"{builder.name} is in quarantine; there it ended so: {report.reason}"
        return replace(report, outcome=Outcome.REFUSED, reason=reason[:_LONGEST_REASON])

    async def _unproven(self, report: Report, word: Result) -> Report:
        assert report.artifact is not None
        await self._ports.events.write(
            Action.ARTIFACT_UNPROVEN,
            word.key,
            actor=word.builder,
            digest=report.artifact.digest,
        )
        reason = "built, and waits for somebody else to make the same bytes"
        return replace(report, outcome=Outcome.REFUSED, artifact=None, reason=reason)

    def _with_log(self, report: Report) -> Report:
        """Leave a log and calls out that never came."""
        if report.calls_digest and not self._has(report.calls_digest):
            report = replace(report, calls_digest="")
        if not report.log_digest:
            return report
        there = self._has(report.log_digest)
        return report if there else replace(report, log_digest="", log_bytes=0)

    def _has(self, digest: str) -> bool:
        try:
            return self._ports.blobs.path(digest) is not None
        except StoreError:
            return False
