"""What a builder takes: wheels for its interpreters, and commands that need none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from wheelyard.builder.admission import why_not
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.model.way import NATIVE, Way, WayKind
from wheelyard.targets.target import Target


class NoPythons:
    """A machine without interpreters."""

    def targets(self) -> Sequence[Target]:
        return ()

    def executable(self, target: Target) -> Path | None:
        return None


def offer_for(target: str) -> Offer:
    return Offer(
        key=BuildKey("k"),
        release=Release.parse("demo==1"),
        source=Source(kind=SourceKind.GIT, location="https://git.example/demo", digest="git:0"),
        target=Target.parse(target),
        requirements=(),
    )


X86, ARM = Target.parse("cp311-linux_x86_64"), Target.parse("cp311-linux_aarch64")


class OnePython(NoPythons):
    """A machine with a Python of its own kind."""

    def executable(self, target: Target) -> Path | None:
        return Path("/bin/sh") if target == X86 else None


@pytest.mark.parametrize(
    ("way", "refused"),
    [
        (NATIVE, True),
        (Way(kind=WayKind.CROSS, build=X86, platform="aarch64"), False),
        (Way(kind=WayKind.CROSS, build=ARM, platform="aarch64"), True),
        (Way(kind=WayKind.EMULATED, platform="aarch64"), False),
    ],
)
def test_across_the_python_that_builds_has_to_be_there(way: Way, *, refused: bool) -> None:
    said = why_not(
        replace(offer_for("cp311-linux_aarch64"), way=way),
        OnePython(),
        free_disk_bytes=0,
        least_disk_bytes=0,
    )
    assert ("no interpreter" in said) is refused


@pytest.mark.parametrize(("target", "refused"), [("py3", False), ("cp312", True)])
def test_a_command_that_needs_no_python_is_taken_where_there_is_none(
    target: str, *, refused: bool
) -> None:
    offer = offer_for(f"{target}-linux_x86_64")
    said = why_not(offer, NoPythons(), free_disk_bytes=0, least_disk_bytes=0)
    assert ("no interpreter" in said) is refused
