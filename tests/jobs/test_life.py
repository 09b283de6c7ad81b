"""Every path through a job's life, as far as hypothesis finds them."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wheelyard.jobs.commands import Acknowledge, Command, Discard, Grant, Publish, Record, Refuse
from wheelyard.jobs.events import (
    Approved,
    ArtifactLost,
    Cancelled,
    Event,
    Finished,
    Held,
    Leased,
    LeaseExpired,
    OwnerGone,
    Renewed,
    Retried,
)
from wheelyard.jobs.job import Job, State
from wheelyard.jobs.machine import step
from wheelyard.model.job import BuildKey, Outcome
from wheelyard.model.release import Release
from wheelyard.targets.target import Target

BUILDERS = st.sampled_from(["yard-1", "yard-2", "yard-3"])
REVIVING = (Retried, ArtifactLost)


class Life(RuleBasedStateMachine):
    """One job, three builders, and a clock that goes forward."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.job = Job(
            key=BuildKey("k"),
            release=Release.parse("six==1.17.0"),
            target=Target.parse("cp312-manylinux_2_28_x86_64"),
            uploaded=self.now,
        )
        self.fences: dict[int, str] = {}
        self.open: set[int] = set()
        self.accepted: dict[int, Finished] = {}

    def tell(self, event: Event) -> tuple[Command, ...]:
        before = self.job
        self.job, commands = step(before, event, self.now)
        if any(isinstance(command, Refuse | Discard | Acknowledge) for command in commands):
            assert self.job == before
        if before.state is State.DONE and not isinstance(event, REVIVING):
            assert self.job == before
        assert self.job.fence - before.fence in {0, 1}
        assert self.job.attempt - before.attempt in {0, 1}
        assert (before.state is State.LEASED and self.job.state is not State.LEASED) == any(
            isinstance(command, Record) for command in commands
        )
        for command in commands:
            self.account(command, event)
        return commands

    def account(self, command: Command, event: Event) -> None:
        if isinstance(command, Grant):
            assert command.fence not in self.fences
            assert not self.open, "leased by two"
            assert isinstance(event, Leased)
            self.fences[command.fence] = event.builder
            self.open.add(command.fence)
        if isinstance(command, Record):
            assert self.open == {self.job.fence}
            self.open.clear()
        if isinstance(command, Publish):
            assert self.job.outcome is Outcome.BUILT
            assert self.job.artifact == command.digest

    @rule(builder=BUILDERS, seconds=st.sampled_from([1.0, 60.0]))
    def lease(self, builder: str, seconds: float) -> None:
        self.tell(Leased(builder=builder, seconds=seconds))

    @precondition(lambda self: self.fences)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        fence = data.draw(st.sampled_from(sorted(self.fences)))
        commands = self.tell(Renewed(fence=fence, seconds=60))
        assert isinstance(commands[0], Refuse) == (fence not in self.open)

    @precondition(lambda self: self.fences)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(Outcome),
        artifact=st.sampled_from(["", "sha256:a", "sha256:b"]),
        hold=st.sampled_from(["", "", "look"]),
    )
    def finish(self, data: st.DataObject, outcome: Outcome, artifact: str, hold: str) -> None:
        fence = data.draw(st.sampled_from(sorted(self.fences)))
        event = Finished(
            fence=fence,
            outcome=outcome,
            fingerprint=f"{outcome} {artifact}",
            artifact=artifact if outcome is Outcome.BUILT else "",
            hold=hold,
        )
        running = fence in self.open
        commands = self.tell(event)
        assert isinstance(commands[0], Record) == running
        if running:
            self.accepted[fence] = event
            again = self.tell(event)
            assert again == (Acknowledge(),)
        elif not isinstance(commands[0], Discard):
            assert event.fingerprint == self.accepted[fence].fingerprint

    @rule(seconds=st.sampled_from([0.5, 30.0, 120.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def expire(self) -> None:
        lapsed = self.job.lapsed(self.now)
        commands = self.tell(LeaseExpired())
        assert isinstance(commands[0], Record) == lapsed

    @rule(builder=BUILDERS)
    def lose_owner(self, builder: str) -> None:
        self.tell(OwnerGone(builder=builder))

    @rule()
    def cancel(self) -> None:
        self.tell(Cancelled(reason="not wanted"))
        assert self.job.state in {State.CANCELLED, State.DONE}

    @rule()
    def hold(self) -> None:
        self.tell(Held(reason="look"))
        assert self.job.state not in {State.READY, State.LEASED}

    @rule()
    def approve(self) -> None:
        self.tell(Approved())

    @rule()
    def retry(self) -> None:
        self.tell(Retried())
        known = self.job.outcome in {Outcome.BUILT, Outcome.NEEDS}
        assert self.job.state in {State.READY, State.LEASED} or known

    @rule(digest=st.sampled_from(["sha256:a", "sha256:b"]))
    def lose_artifact(self, digest: str) -> None:
        self.tell(ArtifactLost(digest=digest))
        assert self.job.artifact != digest

    @invariant()
    def at_most_one_holds_it(self) -> None:
        assert len(self.open) <= 1
        assert bool(self.open) == (self.job.state is State.LEASED) == bool(self.job.holder)
        assert (self.job.lease_expires is not None) == (self.job.state is State.LEASED)

    @invariant()
    def it_has_ended_or_waits_for_something_named(self) -> None:
        match self.job.state:
            case State.DONE:
                assert self.job.outcome is not None
            case State.HELD:
                assert self.job.reason
            case State.READY:
                # For its time, or for a builder that has not refused it; some builder can take it.
                moment = max(self.now, self.job.not_before or self.now)
                lease = Leased(builder="yard-9", seconds=1)
                assert isinstance(step(self.job, lease, moment)[1][0], Grant)
            case State.LEASED | State.CANCELLED:
                pass

    @invariant()
    def built_means_a_wheel(self) -> None:
        if self.job.state is State.DONE and self.job.outcome is Outcome.BUILT:
            assert self.job.artifact


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
