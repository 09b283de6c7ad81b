"""After a start, who waits for parents costs no more than a look at its repository's newest commit."""

import pytest

from campaigns.world import World

pytestmark = pytest.mark.anyio


async def test_who_waits_is_looked_at_only_where_its_repository_has_something_new() -> None:
    world = World()
    await world.start()
    world.restart()
    world.forge.calls.clear()
    await world.campaigns.recover()
    # png alone is offered; tiff and gdal wait for it.
    assert world.forge.calls.count("look") == 1
    world.forge.change("gdal-feedstock", {"README.md": b"new"}, "Write")
    world.restart()
    world.forge.calls.clear()
    await world.campaigns.recover()
    assert world.forge.calls.count("look") == 2
