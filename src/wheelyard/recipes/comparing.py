"""What two evaluations of a recipe differ in."""

from collections.abc import Iterator

from wheelyard.recipes.evaluated import EvaluatedOutput, EvaluatedRecipe

_SECTIONS = ("build", "host", "run", "run_constrained", "test")
_EXPORTS = ("weak", "strong", "noarch", "weak_constrains", "strong_constrains")


def differences(old: EvaluatedRecipe, new: EvaluatedRecipe) -> tuple[str, ...]:
    """Say in words what the new one has otherwise, for people."""
    return tuple(_differences(old, new))


def _differences(old: EvaluatedRecipe, new: EvaluatedRecipe) -> Iterator[str]:
    yield from _values(old, new, "", ("name", "version", "build_number", "noarch", "skipped"))
    one, other = ([each for source in held.sources for each in source.urls] for held in (old, new))
    yield from _lists(tuple(one), tuple(other), "source")
    hashes = [
        {value for source in held.sources for value in source.hashes.values()}
        for held in (old, new)
    ]
    if hashes[0] != hashes[1]:
        yield "digests of the sources"
    for section in _SECTIONS:
        yield from _lists(
            getattr(old.requirements, section), getattr(new.requirements, section), section
        )
    before, after = ({each.name: each for each in held.outputs} for held in (old, new))
    if before.keys() == {old.name} and after.keys() == {new.name}:
        yield from _exports(before[old.name], after[new.name], "")
        return
    yield from (f"output {name}: gone" for name in before if name not in after)
    yield from (f"output {name}: new" for name in after if name not in before)
    for name, output in after.items():
        if name in before:
            yield from _outputs(before[name], output, f"output {name}: ")


def _outputs(old: EvaluatedOutput, new: EvaluatedOutput, where: str) -> Iterator[str]:
    yield from _values(old, new, where, ("version", "build_number", "noarch", "skipped"))
    for section in _SECTIONS:
        yield from _lists(
            getattr(old.requirements, section), getattr(new.requirements, section), where + section
        )
    yield from _exports(old, new, where)


def _exports(old: EvaluatedOutput, new: EvaluatedOutput, where: str) -> Iterator[str]:
    for kind in _EXPORTS:
        yield from _lists(
            getattr(old.run_exports, kind),
            getattr(new.run_exports, kind),
            f"{where}run exports ({kind})",
        )


def _values(old: object, new: object, where: str, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        one, other = getattr(old, name), getattr(new, name)
        if one != other:
            yield f"{where}{name.replace('_', ' ')}: {_said(one)} → {_said(other)}"


def _said(value: object) -> str:
    return (
        "none"
        if value in (None, "")
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )


def _lists(old: tuple[str, ...], new: tuple[str, ...], where: str) -> Iterator[str]:
    before, after = frozenset(old), frozenset(new)
    yield from (f"{where}: - {one}" for one in old if one not in after)
    yield from (f"{where}: + {one}" for one in new if one not in before)
