"""What every test of resolving starts from: an upstream in memory and the real uv."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from wheelyard.model.resolution import CandidatePolicy, Query, Resolution
from wheelyard.targets.target import Target
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.uv import UvResolver

_Value = TypeVar("_Value")

LINUX = Target.parse("cp312-manylinux_2_28_x86_64")


def query(*requirements: str, target: str = str(LINUX), **fields: Any) -> Query:
    policy_fields = {
        name: fields.pop(name)
        for name in ("sources_only", "exclude_newer", "before", "prereleases")
        if name in fields
    }
    return Query(
        requirements=requirements,
        target=Target.parse(target),
        policy=CandidatePolicy(**policy_fields),
        **fields,
    )


def pins(resolution: Resolution) -> list[str]:
    return [str(pin.release) for pin in resolution.pins]


def dependencies(resolution: Resolution) -> dict[str, list[str]]:
    return {str(pin.release.project): list(map(str, pin.dependencies)) for pin in resolution.pins}


@pytest.fixture
def upstream() -> MemoryUpstream:
    return MemoryUpstream()


@pytest.fixture
def with_resolver(upstream: MemoryUpstream) -> Callable[..., Any]:
    """Run something with a resolver, in a loop of its own, and close it."""

    def run(use: Callable[[UvResolver], Awaitable[_Value]], **options: Any) -> _Value:
        async def go() -> _Value:
            async with UvResolver(upstream=upstream, **options) as resolver:
                return await use(resolver)

        return asyncio.run(go())

    return run


@pytest.fixture
def resolve(with_resolver: Callable[..., Any]) -> Callable[..., Resolution]:
    """Resolve one query."""

    def one(*requirements: str, extra: Any = None, **fields: Any) -> Resolution:
        asked = query(*requirements, **fields)
        result: Resolution = with_resolver(
            lambda resolver: resolver.resolve(asked), extra=extra or {}
        )
        return result

    return one
