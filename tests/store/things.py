"""Offers, wheels and reports to put into stores."""

import hashlib
from dataclasses import replace

from packaging.tags import Tag

from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.job import (
    BuildKey,
    Finding,
    Offer,
    Outcome,
    Report,
    Step,
    StepName,
    Verdict,
)
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceKind
from wheelyard.targets.target import Target

TARGET = Target.parse("cp312-manylinux_2_28_x86_64")


def digest_of(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def offer(key: str = "k1", release: str = "six==1.17.0", target: Target = TARGET) -> Offer:
    name = release.replace("==", "-") + ".tar.gz"
    source = Source(
        kind=SourceKind.SDIST, location=f"https://files.test/{name}", digest=digest_of(name)
    )
    return Offer(
        key=BuildKey(key),
        release=Release.parse(release),
        source=source,
        target=target,
        requirements=(),
    )


def wheel(release: str = "six==1.17.0", text: str = "bytes", key: str = "") -> Artifact:
    parsed = Release.parse(release)
    return Artifact(
        filename=f"{parsed.project}-{parsed.version}-py2.py3-none-any.whl",
        digest=digest_of(text),
        size=len(text),
        release=parsed,
        tags=frozenset({Tag("py2", "none", "any"), Tag("py3", "none", "any")}),
        origin=Origin.BUILT,
        requires_python=">=3.6",
        requires_dist=('colorama; sys_platform == "win32"', "typing-extensions>=4"),
        metadata_digest=digest_of(f"metadata of {text}"),
        build_key=key,
        source_digest=digest_of("source"),
        recipe_digest=digest_of("recipe"),
    )


def built(artifact: Artifact | None = None, *, seconds: float = 2.5) -> Report:
    return Report(
        outcome=Outcome.BUILT,
        artifact=artifact or wheel(),
        steps=(Step(name=StepName.BUILD, started=0.1, seconds=2.0, cpu_seconds=1.5),),
        findings=(Finding(check="size", message="it is small", verdict=Verdict.WARN),),
        log_digest=digest_of("log"),
        log_bytes=3,
        sandbox=("bubblewrap",),
        repeat="python -m build",
        environment=("CC=cc",),
        wall_seconds=seconds,
    )


def held(artifact: Artifact | None = None) -> Report:
    finding = Finding(check="tags", message="no C in it", verdict=Verdict.HOLD)
    return replace(built(artifact), findings=(finding,))


def ended(outcome: Outcome, reason: str = "why") -> Report:
    return Report(outcome=outcome, reason=reason, detail="line 1\nline 2")
