"""The real index, seldom asked: what it answers is what we can read."""

import asyncio

import pytest

from upstream.opener import Opener
from wheelyard.model.release import Release, project_name
from wheelyard.model.source import SourceFacts
from wheelyard.upstream.core_metadata import parse_metadata
from wheelyard.upstream.files import sdist_of, source_of, versions
from wheelyard.upstream.installers import certificate_file, default_index

pytestmark = pytest.mark.upstream


def test_old_project_is_read_from_page_to_facts(opened: Opener) -> None:
    async def look() -> SourceFacts:
        async with opened(default_index(), ca_file=certificate_file()) as upstream:
            page = await upstream.page(project_name("six"))
            assert len(versions(page)) > 20
            entry = sdist_of(page, Release.parse("six==1.16.0"))
            assert entry
            assert entry.uploaded
            return await upstream.facts(await upstream.fetch(source_of(page, entry)))

    assert asyncio.run(look()).build_requires == ("setuptools>=40.8.0",)


def test_metadata_of_a_large_wheel_is_read_in_part(opened: Opener) -> None:
    async def look() -> bytes:
        async with opened(default_index(), ca_file=certificate_file(), file_bytes=1) as upstream:
            page = await upstream.page(project_name("numpy"))
            return await upstream.metadata(page, Release.parse("numpy==2.0.0"))

    assert parse_metadata(asyncio.run(look())).requires_python == ">=3.9"
