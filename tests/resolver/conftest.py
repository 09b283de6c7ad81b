"""What every test of resolving starts from: an upstream in memory and the real uv."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import pytest

from resolver.asking import query
from wheelyard.model.resolution import Resolution
from wheelyard.testing.upstream import MemoryUpstream
from wheelyard.upstream.uv import UvResolver

_Value = TypeVar("_Value")


class WithResolver(Protocol):
    def __call__(
        self, use: Callable[[UvResolver], Awaitable[_Value]], **options: Any
    ) -> _Value: ...


class Resolve(Protocol):
    def __call__(self, *requirements: str, **fields: Any) -> Resolution: ...


@pytest.fixture
def upstream() -> MemoryUpstream:
    return MemoryUpstream()


@pytest.fixture
def with_resolver(upstream: MemoryUpstream) -> WithResolver:
    """Run something with a resolver, in a loop of its own, and close it."""

    def run(use: Callable[[UvResolver], Awaitable[_Value]], **options: Any) -> _Value:
        async def go() -> _Value:
            async with UvResolver(upstream=upstream, **options) as resolver:
                return await use(resolver)

        return asyncio.run(go())

    return run


@pytest.fixture
def resolve(with_resolver: WithResolver) -> Resolve:
    """Resolve one query; ``options`` are the resolver's."""

    def one(*requirements: str, options: Any = None, **fields: Any) -> Resolution:
        asked = query(*requirements, **fields)
        return with_resolver(lambda resolver: resolver.resolve(asked), **(options or {}))

    return one
