"""A bill of materials in the wheel, where its recipe wants one (PEP 770)."""

import json
import zipfile

import pytest

from executor.yard import Yard
from wheelyard.executor.wheelfile import inspect_wheel
from wheelyard.model.job import Outcome
from wheelyard.model.recipe import Recipe
from wheelyard.plan.key import recipe_digest

pytestmark = pytest.mark.anyio
WANTED = Recipe(bill_of_materials=True)


async def test_a_wheel_says_what_is_in_it_and_what_made_it(warm: Yard) -> None:
    offer = warm.offer("", recipe=WANTED, source_date_epoch=1_700_000_000)
    report = await warm.run(offer)
    assert report.outcome is Outcome.BUILT, report.reason
    assert report.artifact is not None
    path = warm.blobs.path(report.artifact.digest)
    assert path is not None
    named = path.with_name(report.artifact.filename)
    named.hardlink_to(path)
    try:
        # Its RECORD is right, or this would refuse it.
        facts = inspect_wheel(named, release=offer.release, target=offer.target)
        (name,) = [file for file in facts.files if "/sboms/" in file]
        with zipfile.ZipFile(named) as archive:
            bill = json.loads(archive.read(name))
    finally:
        named.unlink()
    assert name == "demo-1.0.dist-info/sboms/wheelyard.cdx.json"
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/demo@1.0"
    source, *tools = bill["components"]
    assert source["hashes"] == [
        {"alg": "SHA-256", "content": offer.source.digest.partition(":")[2]}
    ]
    assert [tool["name"] for tool in tools] == [
        wheel.release.project for wheel in offer.requirements
    ]
    assert all(tool["scope"] == "excluded" for tool in tools)
    again = await warm.run(offer)
    assert again.artifact is not None
    assert again.artifact.digest == report.artifact.digest


async def test_nobody_gets_one_who_did_not_ask(warm: Yard) -> None:
    report = await warm.run(warm.offer(""))
    assert report.artifact is not None
    path = warm.blobs.path(report.artifact.digest)
    assert path is not None
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "/sboms/" in name]


def test_it_is_part_of_the_build_key() -> None:
    assert recipe_digest(WANTED) != recipe_digest(Recipe())
