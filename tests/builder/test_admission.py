"""What a builder takes: wheels for its interpreters, and commands that need none."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from wheelyard.builder.admission import why_not
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.targets.target import Target


class NoPythons:
    """A machine without interpreters."""

    def targets(self) -> Sequence[Target]:
        return ()

    def executable(self, target: Target) -> Path | None:
        return None


@pytest.mark.parametrize(("target", "refused"), [("py3", False), ("cp312", True)])
def test_a_command_that_needs_no_python_is_taken_where_there_is_none(
    target: str, *, refused: bool
) -> None:
    offer = Offer(
        key=BuildKey("k"),
        release=Release.parse("demo==1"),
        source=Source(kind=SourceKind.GIT, location="https://git.example/demo", digest="git:0"),
        target=Target.parse(f"{target}-linux_x86_64"),
        requirements=(),
    )
    said = why_not(offer, NoPythons(), free_disk_bytes=0, least_disk_bytes=0)
    assert ("no interpreter" in said) is refused
