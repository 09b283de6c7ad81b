"""What a release says that it requires, fetched from the index, and held against a recipe."""

from collections.abc import Sequence

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelyard.errors import NotUpstreamError
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.newest.origins import OriginKind, origins_of
from wheelyard.migrate.newest.requirement_changes import Difference, Said, differences
from wheelyard.model.release import ProjectName, Release
from wheelyard.model.source import ProjectPage
from wheelyard.recipes.evaluate import evaluate
from wheelyard.recipes.evaluated import EvaluatedRecipe, Variant
from wheelyard.upstream.client import IndexUpstream
from wheelyard.upstream.core_metadata import parse_metadata
from wheelyard.upstream.files import files_of, source_of


async def release_differences(
    upstream: IndexUpstream, feedstock: Feedstock, version: str
) -> Sequence[Difference]:
    """Hold a recipe against a release of what it packages, its own where ``version`` is empty. Raises WheelyardError."""
    recipe = evaluate(feedstock.parsed, Variant())
    name = index_name(recipe) or recipe.name
    project = ProjectName(canonicalize_name(name))
    page = await upstream.page(project)
    said = await _said(upstream, page, _release(project, version or recipe.version))
    return differences(recipe, said)


def index_name(recipe: EvaluatedRecipe) -> str:
    """Return what the Python index calls what a recipe packages; empty where its sources do not come from there."""
    urls = [url for source in recipe.sources for url in source.urls]
    origins = origins_of(urls, (), recipe.version)
    return next((one.name for one in origins if one.kind is OriginKind.PYPI), "")


async def _said(upstream: IndexUpstream, page: ProjectPage, release: Release) -> Said:
    metadata = parse_metadata(await upstream.metadata(page, release))
    sdists = files_of(page, release).sdists
    build: tuple[str, ...] = ()
    if sdists:
        source = await upstream.fetch(source_of(page, sdists[0]))
        build = (await upstream.facts(source)).build_requires
    return Said(
        requires_dist=metadata.requires_dist,
        requires_python=metadata.requires_python,
        build_requires=build,
    )


def _release(project: ProjectName, version: str) -> Release:
    try:
        return Release(project, Version(version))
    except InvalidVersion as error:
        raise NotUpstreamError(
            f"{version!r} is no version of a Python index", hint="Name one with --version."
        ) from error
