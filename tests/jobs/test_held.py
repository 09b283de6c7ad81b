"""What a person is told about a wheel that is held."""

import pytest

from wheelyard.jobs.held import advice_for_held
from wheelyard.model.job import Finding, Verdict
from wheelyard.model.release import project_name

PROJECT = project_name("pillow")
LACKS = "upstream's wheel has, and this one lacks, "


def finding(check: str, message: str, verdict: Verdict = Verdict.HOLD) -> Finding:
    return Finding(check=check, message=message, verdict=verdict)


@pytest.mark.parametrize(
    ("message", "packages"),
    [
        (
            LACKS + "PIL/_avif.cpython-312-x86_64-linux-gnu.so, PIL/_webp.abi3.so",
            "libavif-dev libwebp-dev",
        ),
        (LACKS + "yaml/_yaml.so, PIL/_imagingcms.so", "libyaml-dev"),
    ],
)
def test_what_a_left_out_extension_is_named_after_is_what_to_install(
    message: str, packages: str
) -> None:
    advice = advice_for_held(PROJECT, [finding("missing-extension", message)])

    assert f"(Debian: apt install {packages})" in advice
    assert "and build again" in advice
    assert "wheelyard job approve pillow" in advice


def test_where_no_name_tells_the_log_may() -> None:
    lacking = finding("missing-extension", LACKS + "frob/core.so")
    advice = advice_for_held(PROJECT, [lacking])

    assert "apt" not in advice
    assert "Its log may say" in advice
    assert "and build again" in advice


def test_what_does_not_hold_it_gives_no_advice() -> None:
    findings = [
        finding("abi3-violation", "PyFrob"),
        finding("missing-extension", "this one lacks, a/_yaml.so", Verdict.WARN),
    ]
    advice = advice_for_held(PROJECT, findings)

    assert advice == (
        "Look at it ('wheelyard job show pillow'); 'wheelyard job approve pillow' lets it count."
    )
