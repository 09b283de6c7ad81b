"""A real PostgreSQL server, where this machine has one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wheelyard.errors import ToolError
from wheelyard.store.private_server import PrivateServer


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """Start a server; where there is none, skip whatever asks for it, but not in a continuous integration."""
    try:
        private = PrivateServer()
    except ToolError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{error.message} {error.hint}")
    with private:
        yield private
