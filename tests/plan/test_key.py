"""A key changes with everything that shapes the result, and with nothing else."""

import pytest

from wheelyard.model.recipe import Patch, Recipe
from wheelyard.model.release import Release
from wheelyard.plan.key import Ingredient, build_keys, digest_of, recipe_digest
from wheelyard.targets.target import Target

BASE: dict[str, object] = {
    "release": Release.parse("six==1.0"),
    "source_digest": "sha256:aa",
    "subdirectory": "",
    "recipe": Recipe(),
    "target": Target.parse("cp312-linux_x86_64"),
    "isolation": "bubblewrap",
    "toolchain": "gcc 12",
    "ingredients": [Ingredient("wheel==1", "source:a"), Ingredient("setuptools==80", "source:b")],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("release", Release.parse("six==1.1")),
        ("source_digest", "sha256:ab"),
        ("subdirectory", "python"),
        ("recipe", Recipe(environment={"A": "1"})),
        ("recipe", Recipe(config_settings={"a": ("1", "2")})),
        ("recipe", Recipe(patches=(Patch(name="a", text="b"),))),
        ("recipe", Recipe(build_requires=("x",))),
        ("recipe", Recipe(test="pytest")),
        ("recipe", Recipe(test="pytest", test_requires=("pytest",))),
        ("target", Target.parse("cp313-linux_x86_64")),
        ("isolation", "plain process"),
        ("toolchain", "gcc 13"),
        ("tools", ("cc", "ld")),
        ("rebuild", "1"),
        ("ingredients", [Ingredient("wheel==1", "source:a")]),
        (
            "ingredients",
            [Ingredient("wheel==1", "source:a"), Ingredient("setuptools==80", "seed:b")],
        ),
    ],
)
def test_whatever_shapes_the_result_changes_the_key(field: str, value: object) -> None:
    here = build_keys(**BASE)  # type: ignore[arg-type]
    there = build_keys(**(BASE | {field: value}))  # type: ignore[arg-type]

    assert here.exact != there.exact
    assert (here.portable == there.portable) is (field in {"toolchain", "rebuild"})
    assert (here.ordinary == there.ordinary) is (field == "rebuild")


def test_order_of_build_requirements_does_not_matter() -> None:
    turned = BASE | {"ingredients": list(reversed(BASE["ingredients"]))}  # type: ignore[call-overload]

    assert build_keys(**BASE) == build_keys(**turned)  # type: ignore[arg-type]


def test_what_only_explains_does_not_change_the_key() -> None:
    assert recipe_digest(Recipe()) == recipe_digest(
        Recipe(test_requires=("pytest",), imports=("a",), system_packages=("libx-dev",))
    )


def test_what_a_test_requires_is_another_job() -> None:
    plain, more = Recipe(test="pytest"), Recipe(test="pytest", test_requires=("pytest>=8",))

    assert recipe_digest(plain) != recipe_digest(more)


def test_fields_do_not_run_together() -> None:
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])
