"""The key of a build names the compilers that the build finds."""

from pathlib import Path

import pytest

from wheelyard.executor.toolchain import describe_toolchain

pytestmark = pytest.mark.anyio


async def test_a_compiler_that_no_build_finds_is_not_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await describe_toolchain()
    own = tmp_path / "cc"
    own.write_text("#!/bin/sh\necho own compiler 1.0\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert await describe_toolchain() == before
    assert "own compiler" not in before
