"""The gate of a release: its probe goes first, and what that leaves follows together."""

from dataclasses import replace

from wheelyard.model.artifact import Artifact
from wheelyard.targets import fanout
from wheelyard.targets.compatibility import allows, serves
from wheelyard.targets.target import Target


class Gate:
    """The wanted matrix of one release, for targets that turn up one after another."""

    def __init__(self) -> None:
        self._matrix = fanout.FanOut.of(())
        self._artifacts: list[Artifact] = []

    def add(self, target: Target, requires_python: str) -> None:
        """Let a further target wait at the gate."""
        matrix = self._matrix
        said = requires_python or matrix.requires_python
        targets = fanout.FanOut.of((*matrix.targets, target)).targets
        self._matrix = replace(matrix, targets=targets, requires_python=said)

    def take(self, target: Target) -> None:
        """Let one target go on out of turn."""
        self._matrix = fanout.with_offered(self._matrix, (target,))

    def take_offers(self) -> tuple[Target, ...]:
        """Return the targets that may go on now; each is returned once."""
        taken = fanout.offers(self._matrix)
        self._matrix = fanout.with_offered(self._matrix, taken)
        return taken

    def built(self, target: Target, artifact: Artifact) -> None:
        """Note that a target is provided. Raises InvalidArchiveError where the wheel is not for it."""
        wheel = fanout.Built(tags=artifact.tags, requires_python=artifact.requires_python)
        self._matrix = fanout.with_result(self._matrix, target, wheel)
        self._artifacts.append(artifact)

    def failed(self, target: Target) -> None:
        """Note that a target could not be built."""
        if target in self._matrix.targets:
            self._matrix = fanout.with_result(self._matrix, target, fanout.Failed())

    def covering(self, target: Target) -> Artifact | None:
        """Return a wheel that is there and serves a target, the newest first."""
        for artifact in reversed(self._artifacts):
            if serves(artifact.tags, artifact.requires_python, target):
                return artifact
        return None

    def excluded_by(self, target: Target) -> str:
        """Return the Requires-Python, of the release or of a wheel of it, that leaves a target out."""
        said = (self._matrix.requires_python, *(a.requires_python for a in self._artifacts))
        return next((text for text in said if not allows(text, target.interpreter)), "")

    def applicable(self, target: Target) -> bool:
        """Whether the release is meant for a target at all."""
        return fanout.status(self._matrix, target) is not fanout.Status.NOT_APPLICABLE

    def probes(self) -> tuple[Target, ...]:
        """Return the targets that were started and have not ended: what the others wait for."""
        return tuple(
            target
            for target in self._matrix.targets
            if fanout.status(self._matrix, target) is fanout.Status.OFFERED
        )
