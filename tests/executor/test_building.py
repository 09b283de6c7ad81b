"""A source becomes a wheel, in each kind of isolation."""

import pytest

from executor.yard import Yard
from wheelyard.model.job import Outcome

pytestmark = pytest.mark.anyio


async def test_a_source_becomes_a_stored_wheel(yard: Yard) -> None:
    report = await yard.run(yard.offer("print('building')"))

    print(await yard.log(report))
    assert report.outcome is Outcome.BUILT, report
    assert report.artifact is not None
    assert report.artifact.filename == "demo-1.0-py3-none-any.whl"
    assert yard.blobs.path(report.artifact.digest) is not None
