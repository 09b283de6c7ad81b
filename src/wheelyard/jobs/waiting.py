"""Why a job waits, in one sentence that a person can do something with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wheelyard.jobs.needs import Needs, lacking, meets
from wheelyard.model.builder import Builder, FactValue, Mode

_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A builder as dispatch sees it: ``free`` slots now; ``present``: it was heard of lately."""

    builder: Builder
    free: int
    present: bool
    accepting: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """Something that must be built first: ``where`` is the builder that builds it, empty where none does yet."""

    name: str
    where: str = ""
    seconds_left: float | None = None


def why_blocked(blockers: Sequence[Blocker]) -> str:
    """Say what must be built first: "waits for numpy 2.4, building on arm-3, about 14 min left"."""
    first, more = blockers[0], len(blockers) - 1
    text = f"waits for {first.name}"
    if first.where:
        text += f", building on {first.where}"
        if first.seconds_left is not None:
            text += f", about {duration(first.seconds_left)} left"
    else:
        text += ", which waits itself"
    return f"{text} (and {more} more)" if more else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbuilt:
    """A job that has all it needs but a builder. ``ahead`` jobs of its pool come first."""

    needs: Needs
    ahead: int = 0
    not_before: datetime | None = None
    reason: str = ""
    refused_by: tuple[str, ...] = ()


def why_unbuilt(job: Unbuilt, builders: Sequence[Standing], now: datetime) -> str:
    """Say why a job that could be built is not: nobody can, nobody may, or others are first."""
    needs = job.needs
    if job.not_before is not None and now < job.not_before:
        text = f"is tried again in {duration((job.not_before - now).total_seconds())}"
        return f"{text}: {job.reason}" if job.reason else text
    able = [one for one in builders if meets(_facts(one), needs)]
    if not able:
        return _nobody(needs, builders)
    present = [one for one in able if one.present]
    if not present:
        return f"{_names(able)} could run it, but {'is' if len(able) == 1 else 'are'} not there"
    willing = [one for one in present if one.builder.name not in job.refused_by]
    if not willing:
        text = f"{_names(present)} refused it"
        return f"{text}: {job.reason}" if job.reason else text
    states = [f"{one.builder.name} {_state(one)}" for one in willing if _state(one)]
    if len(states) < len(willing):
        return f"is next but {job.ahead}" if job.ahead else "is next"
    listed = ", ".join(states[:_NAMED]) + (", …" if len(states) > _NAMED else "")
    return f"{len(willing)} of {len(builders)} builders could run it: {listed}"


def _nobody(needs: Needs, builders: Sequence[Standing]) -> str:
    if not builders:
        return (
            f"no builder is enrolled; it needs {needs}" if needs.items else "no builder is enrolled"
        )
    missing = [(lacking(_facts(one), needs), one) for one in builders]
    fewest, nearest = min(missing, key=lambda pair: (len(pair[0]), pair[1].builder.name))
    name, need = fewest[0]
    text = "needs " + ", ".join(str(Needs(((key, value),))) for key, value in fewest)
    has = _facts(nearest).get(name)
    lacks = f"has {Needs(((name, has),))}" if has is not None else f"lacks {name}"
    if not any(_one(one, name, need) for one in builders):
        nobody = f"no builder has {Needs(((name, need),))}"
        text = f"{nobody}; it {text}" if len(fewest) > 1 else nobody
    return f"{text}; the nearest builder, {nearest.builder.name}, {lacks}"


def _one(standing: Standing, name: str, need: FactValue) -> bool:
    return meets(_facts(standing), Needs(((name, need),)))


def _state(one: Standing) -> str:
    """Say what keeps a builder from taking more; empty where nothing does."""
    match one.builder.mode:
        case Mode.PAUSED:
            return "paused"
        case Mode.DRAINING:
            return "drained"
        case Mode.QUARANTINED:
            return "in quarantine"
        case Mode.REVOKED:
            return "revoked"
        case Mode.ACTIVE:
            pass
    if not one.builder.health.well:
        return f"unwell ({one.builder.health.reason})"
    if not one.accepting:
        return f"takes nothing ({one.why})" if one.why else "takes nothing"
    return "busy" if one.free <= 0 else ""


def _facts(one: Standing) -> dict[str, FactValue]:
    return dict(one.builder.facts.values)


def _names(standings: Sequence[Standing]) -> str:
    names = [one.builder.name for one in standings]
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[: _NAMED - 1])
    return (
        f"{shown} and {len(names) - _NAMED + 1} more"
        if len(names) > _NAMED
        else " and ".join([", ".join(names[:-1]), names[-1]])
    )


def duration(seconds: float) -> str:
    """Write a time as people do: "40 s", "14 min", "3 h"."""
    if seconds < 90:  # noqa: PLR2004
        return f"{max(round(seconds), 0)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h" if seconds < 48 * 3600 else f"{round(seconds / 86400)} days"
