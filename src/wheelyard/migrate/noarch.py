"""Whether packages are for every platform, which a pin migration leaves out."""

from collections.abc import Iterable, Mapping

from wheelyard.recipes.evaluated import package_name


def all_noarch(recipe: Mapping[str, object], *, only_python: bool = False) -> bool:
    """Say whether all outputs of an evaluated recipe are noarch; ``recipe`` is its whole tree.

    ``only_python`` asks it of those alone that are built with Python: a noarch package is then one
    of ``noarch: python``, and what does not need Python does not count against it.
    """
    top = dict(_table(recipe.get("build")))
    outputs = [_table(each) for each in _list(recipe.get("outputs"))]
    builds = [{**top, **_table(output.get("build"))} for output in outputs]
    if not only_python:
        return all(build.get("noarch") for build in builds or [top])
    wanted = [(top, recipe), *zip(builds, outputs, strict=True)]
    return all(build.get("noarch") == "python" for build, part in wanted if _needs_python(part))


def _needs_python(part: Mapping[str, object]) -> bool:
    requirements = part.get("requirements")
    if isinstance(requirements, Mapping):
        requirements = _list(requirements.get("host")) or _list(requirements.get("build"))
    return any(package_name(str(each)) == "python" for each in _list(requirements))


def _list(held: object) -> list[object]:
    return list(held) if isinstance(held, Iterable) and not isinstance(held, str | Mapping) else []


def _table(held: object) -> Mapping[str, object]:
    return held if isinstance(held, Mapping) else {}
