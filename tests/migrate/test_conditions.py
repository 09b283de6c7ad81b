"""Joining conditions of a recipe.yaml changes how they are written, and nothing that they mean."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrators.conditions import V1Conditions
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import Variant

TESTS = (
    "unix", "not unix", "win", "linux", "linux and unix", "unix and linux", "unix and not linux",
    'cuda == "None"', 'cuda != "None"', 'cuda != "None" and linux', '(unix) and (cuda == "None")',
    "unix or win", "win and unix or linux", "linux and unix and osx",
)  # fmt: skip
VARIANTS = [
    Variant(platform=platform, values={"cuda": cuda})
    for platform in ("linux-64", "osx-arm64", "win-64")
    for cuda in ("None", "12")
]


@st.composite
def branches(draw: st.DrawFn) -> str:
    """Write an ``if`` with one branch or two, each a word or a list."""
    number = draw(st.integers(0, 999))
    test = draw(st.sampled_from(TESTS))
    quoted = f"'{test}'" if draw(st.booleans()) else test
    lines = [f"    - if: {quoted}"]
    words = draw(st.sampled_from([("then",), ("then", "else"), ("else", "then")]))
    for word in words:
        if draw(st.booleans()):
            lines.append(f"      {word}: {word}{number}")
        else:
            lines += [f"      {word}:", f"        - {word}{number}", f"        - more{number}"]
    return "\n".join(lines)


ITEMS = st.lists(
    st.one_of(branches(), st.sampled_from(["    - zlib", "    # said by somebody"])),
    min_size=1,
    max_size=7,
)


@settings(max_examples=150, deadline=None)
@given(ITEMS)
def test_joined_conditions_mean_what_they_meant(items: list[str]) -> None:
    body = "\n".join(items)
    text = f"package:\n  name: knurl\n  version: '1'\nrequirements:\n  host:\n{body}\n  run:\n    - a\n"
    held = Feedstock(name="knurl", files={"recipe/recipe.yaml": text})

    edited = V1Conditions().edit(held)

    for variant in VARIANTS:
        assert (
            evaluate(edited.parsed, variant).requirements
            == evaluate(held.parsed, variant).requirements
        )
    assert edited.recipe.count("# said by somebody") == text.count("# said by somebody")


def test_a_narrower_condition_with_an_else_stays_outside() -> None:
    text = (
        "requirements:\n  host:\n    - if: unix\n      then: a\n"
        "    - if: unix and linux\n      then: b\n      else: c\n"
    )
    held = Feedstock(name="knurl", files={"recipe/recipe.yaml": text})
    assert V1Conditions().edit(held) == held
