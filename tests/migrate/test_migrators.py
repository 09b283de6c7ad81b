"""Migrators are found, made from text, and say what is wrong with it."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar

import pytest

from wheelyard.campaigns.migrators import GROUP, known_migrators, migrator_of
from wheelyard.errors import ConfigurationError, RefusedEditError
from wheelyard.migrate.builtin import BUILTIN, CLEAN_UPS, MIGRATIONS
from wheelyard.migrate.carrying import carry
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import CleanUp, Migrator, make, options_of, parse_reference
from wheelyard.migrate.migrators.pin_rebuild import PinRebuild, platforms
from wheelyard.migrate.pins.migration import PinMigration

RECIPE = """\
package:
  name: knurl
build:
  number: 0
requirements:
  host:
    - libknurl
    - python
  run:
    - python
"""


@dataclass(frozen=True, kw_only=True)
class Shout:
    """A migrator as another package would bring it."""

    name: ClassVar[str] = "shout"
    summary: ClassVar[str] = "write names large"
    words: tuple[str, ...]
    times: int = 1
    loud: bool = False

    def wants(self, feedstock: Feedstock) -> bool:
        return any(word in feedstock.recipe for word in self.words)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        text = feedstock.recipe
        for word in self.words:
            text = text.replace(word, word.upper() * self.times)
        return feedstock.with_recipe(text)


def point(value: str, name: str = "shout") -> tuple[EntryPoint, ...]:
    return (EntryPoint(name=name, value=value, group=GROUP),)


def feedstock(recipe: str = RECIPE, **files: str) -> Feedstock:
    return Feedstock(name="knurl", files={"recipe/meta.yaml": recipe, **files})


def test_a_migrator_of_another_package_is_found_and_carried_out() -> None:
    known = known_migrators(point(f"{__name__}:Shout"))
    made = make(known["shout"], {"words": "libknurl+host", "times": "2", "loud": "yes"})

    assert isinstance(made, Migrator)
    edited = carry(feedstock(), [made]).feedstock

    assert "LIBKNURLLIBKNURL" in edited.recipe
    assert set(BUILTIN) < set(known)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("wheelyard_nowhere:Shout", "cannot be loaded"),
        (f"{__name__}:GONE", "cannot be loaded"),
        (f"{__name__}:RECIPE", "is no migrator"),
        ("wheelyard.migrator_less:X", "cannot be loaded"),
    ],
)
def test_an_entry_point_that_is_none_is_named(value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        known_migrators(point(value))


def test_ours_are_entry_points_as_well() -> None:
    found = {each.name: each.value for each in entry_points(group=GROUP)}
    ours = {name: f"{kind.__module__}:{kind.__qualname__}" for name, kind in BUILTIN.items()}
    assert {name: found.get(name) for name in ours} == ours, (
        "run 'make setup' where the list changed"
    )


def test_every_migrator_says_what_it_is() -> None:
    for kind in (*MIGRATIONS, *CLEAN_UPS):
        assert kind.summary[0].islower() or kind.summary.startswith("{{"), kind  # type: ignore[attr-defined]
        assert kind.__doc__
        assert issubclass(kind, CleanUp) == (kind in CLEAN_UPS)


def test_options_are_read_from_text() -> None:
    assert parse_reference("a:b=1,c-d=x=y") == ("a", {"b": "1", "c_d": "x=y"})
    assert options_of(BUILTIN["replacement"]) == ("old", "new")
    assert options_of(BUILTIN["version"]) == ("to",)
    assert options_of(BUILTIN["use-pip"]) == ()


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("replacemnt:old=a,new=b", "no migrator 'replacemnt'", "'replacement'"),
        ("replacement:old=a", "wants new", "new=…"),
        ("replacement:old=a,nwe=b", "no option 'nwe'", "'new'"),
        ("use-pip:hard=yes", "no option 'hard'", "no options"),
        ("rebuild:by=two", "'by' is 'two'", "whole number"),
        ("rebuild:by", "'by' in 'rebuild:by' has no value", "option=value"),
    ],
)
def test_what_cannot_be_made_is_said(reference: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        migrator_of(reference)
    assert message in caught.value.message
    assert hint in caught.value.hint


def pin(body: str, name: str = "libknurl2") -> PinRebuild:
    return PinRebuild(migration=PinMigration.parse(body, name=name))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("libknurl: ['2']\n", ""),
        ("lib_knurl: ['2']\n", "built with none of lib-knurl"),
        ("__migrator:\n  paused: true\nlibknurl: ['2']\n", "paused"),
        ("__migrator:\n  exclude: [knurl]\nlibknurl: ['2']\n", "excludes it"),
        ("__migrator:\n  override_cbc_keys: [other]\nlibknurl: ['2']\n", "none of other"),
        ("__migrator:\n  platform_allowlist: [osx-64]\nlibknurl: ['2']\n", "for none of osx_64"),
        ("__migrator:\n  platform_allowlist: [linux-64]\nlibknurl: ['2']\n", ""),
    ],
)
def test_whom_a_migration_of_pins_means(body: str, why: str) -> None:
    held = feedstock(**{".ci_support/linux_64_.yaml": "a: b\n"})
    assert why in pin(body).why_not(held)
    assert pin(body).wants(held) == (not why)


def test_what_is_pinned_and_what_is_noarch_are_left_out_unless_they_are_meant() -> None:
    own = feedstock(RECIPE.replace("name: knurl", "name: libknurl"))
    noarch = feedstock(RECIPE.replace("number: 0", "number: 0\n  noarch: python"))
    plain, more = (
        pin(f"{head}libknurl: ['2']\n")
        for head in ("", "__migrator:\n  include_noarch: true\n  exclude_pinned_pkgs: false\n")
    )
    assert "is pinned" in plain.why_not(own)
    assert "noarch" in plain.why_not(noarch)
    assert more.wants(own)
    assert more.wants(noarch)


def test_requirements_of_the_build_machine_count_where_the_migration_says_so() -> None:
    held = feedstock(RECIPE.replace("  host:", "  build:\n    - swig\n  host:"))
    assert not pin("swig: ['5']\n").wants(held)
    assert pin("__migrator:\n  include_build: true\nswig: ['5']\n").wants(held)


def test_a_rebuild_carries_its_migration_and_patches() -> None:
    body = "__migrator:\n  bump_number: 2\n  conda_forge_yml_patches:\n    bot.automerge: 'false'\nlibknurl: ['2']\n"
    held = feedstock(**{"conda-forge.yml": "bot:\n  automerge: true  # for now\n"})

    edited = carry(held, [pin(body)]).feedstock

    assert "number: 2" in edited.recipe
    assert edited.text(".ci_support/migrations/libknurl2.yaml") == body
    assert edited.text("conda-forge.yml") == "bot:\n  automerge: false  # for now\n"
    assert "in the recipe already" in pin(body).why_not(edited)


def test_the_feedstock_of_the_pins_closes_the_migration() -> None:
    body = "libknurl:\n  - '2'\n"
    held = feedstock(
        **{
            "recipe/migrations/libknurl2.yaml": body,
            "recipe/conda_build_config.yaml": "libknurl:\n  - '1'\n",
        }
    )
    edited = carry(held, [pin(body)]).feedstock

    assert edited.recipe == held.recipe
    assert edited.text("recipe/conda_build_config.yaml") == body
    assert edited.text("recipe/migrations/libknurl2.yaml") is None


def test_platforms_are_those_that_are_rendered() -> None:
    held = feedstock(
        **{".ci_support/linux_aarch64_python3.12.yaml": "", ".ci_support/migrations/x.yaml": ""}
    )
    assert platforms(held) == {"linux_aarch64"}


def test_licence_files_are_those_that_the_source_has() -> None:
    recipe = RECIPE + "about:\n  license: MIT\n"
    held = Feedstock(
        name="knurl",
        files={"recipe/meta.yaml": recipe},
        source_files=("COPYING.txt", "src/LICENSE", "LICENSE-MIT", "README"),
    )
    migrator = migrator_of("licence-file")

    edited = migrator.edit(held)

    assert edited.recipe == recipe + "  license_file:\n    - COPYING.txt\n    - LICENSE-MIT\n"
    assert not edited.remarks
    none = Feedstock(name="knurl", files=held.files, source_files=("README",))
    assert not migrator.wants(none)


def test_gnuconfig_goes_to_every_folder_that_has_its_own() -> None:
    held = Feedstock(
        name="knurl",
        files={
            "recipe/meta.yaml": RECIPE.replace(
                "  host:", "  build:\n    - {{ compiler('c') }}\n  host:"
            ),
            "recipe/build.sh": "make\n",
        },
        source_files=(
            "config.sub",
            "config.guess",
            "aux/config.sub",
            "aux/config.guess",
            "x/config.sub",
        ),
    )
    script = migrator_of("cross-config-sub").edit(held).text("recipe/build.sh")
    assert script is not None
    assert [line.rpartition(" ")[2] for line in script.splitlines()[1:3]] == ["./aux", "."]


@pytest.mark.parametrize(
    "line",
    [
        "autoreconf -fi",
        "autoreconf --force",
        "./autogen.sh",
        "cp $BUILD_PREFIX/share/gnuconfig/config.* .",
    ],
)
def test_scripts_that_bring_their_own_config_sub_are_left_alone(line: str) -> None:
    held = feedstock(
        RECIPE.replace("  host:", "  build:\n    - {{ compiler('c') }}\n  host:"),
        **{"recipe/build.sh": f"{line}\n./configure\n"},
    )
    assert not migrator_of("cross-config-sub").wants(held)


def test_a_script_of_cran_is_written_anew() -> None:
    held = Feedstock(
        name="r-knurl",
        files={
            "recipe/meta.yaml": "package:\n  name: r-knurl\nrequirements:\n  build:\n"
            "    - {{ compiler('c') }}\n  host:\n    - r-base\n",
            "recipe/build.sh": "#!/bin/bash\nexport DISABLE_AUTOBREW=1\n$R CMD INSTALL --build .\n",
        },
    )
    script = migrator_of("cross-r-base").edit(held).text("recipe/build.sh")
    assert script is not None
    assert "shellcheck" in script
    assert script.endswith("${R} CMD INSTALL --build . ${R_ARGS}\n")


def test_a_feedstock_without_a_recipe_says_so() -> None:
    with pytest.raises(RefusedEditError, match="knurl has no recipe"):
        migrator_of("rebuild").wants(Feedstock(name="knurl", files={}))


def test_a_change_that_changes_nothing_is_refused() -> None:
    class Idle:
        name: ClassVar[str] = "idle"
        summary: ClassVar[str] = "does nothing"

        def wants(self, feedstock: Feedstock) -> bool:
            return True

        def edit(self, feedstock: Feedstock) -> Feedstock:
            return feedstock

    with pytest.raises(RefusedEditError, match="idle changes nothing in knurl"):
        carry(feedstock(), [Idle()])


def test_a_python_with_two_bounds_to_a_side_is_refused() -> None:
    recipe = RECIPE.replace("number: 0", "number: 0\n  noarch: python").replace(
        "  run:\n    - python", "  run:\n    - python >=3.8,>3.9"
    )
    with pytest.raises(RefusedEditError, match="more than one bound"):
        carry(feedstock(recipe), [migrator_of("noarch-python-min")])
