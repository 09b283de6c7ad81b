"""The resolver on the real index, seldom asked."""

import asyncio
from pathlib import Path

import pytest

from resolver.asking import dependencies, query
from upstream.opener import FolderBlobs, Opener
from wheelyard.model.resolution import Resolution
from wheelyard.upstream.installers import certificate_file, default_index
from wheelyard.upstream.uv import UvResolver

pytestmark = pytest.mark.upstream

ASKED = ("flask", "pyyaml", "sqlalchemy<2.1", "rich")


def test_real_projects_are_resolved_for_several_pythons(tmp_path: Path) -> None:
    async def go() -> list[Resolution]:
        opened = Opener(tmp_path, FolderBlobs(tmp_path / "blobs"))
        async with (
            opened(default_index(), ca_file=certificate_file()) as upstream,
            UvResolver(upstream=upstream) as resolver,
        ):
            targets = [f"cp{minor}-manylinux_2_28_x86_64" for minor in ("310", "313")]
            return [await resolver.resolve(query(*ASKED, target=target)) for target in targets]

    for resolution in asyncio.run(go()):
        assert {"click", "werkzeug", "jinja2"} <= set(dependencies(resolution)["flask"])
        assert resolution.roots == ("flask", "pyyaml", "rich", "sqlalchemy")
        assert all(pin.source is not None and pin.source.digest for pin in resolution.pins)
