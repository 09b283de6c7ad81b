"""A process that is killed anywhere while it offers a change leaves one proposal in the end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forge import hands
from forge.test_forge import FILES, draft
from forge.worlds import GitWorld
from wheelyard.model.proposal import ProposalState

pytestmark = pytest.mark.anyio

OFFER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from forge.test_forge import draft
from forge.worlds import GitWorld
world = GitWorld(Path(sys.argv[2]))
print("begins", flush=True)
asyncio.run(world.forge.propose(draft(world, sys.argv[3])))
"""


async def test_who_is_killed_at_any_moment_leaves_one_proposal(tmp_path: Path) -> None:
    world = GitWorld(tmp_path / "forge")
    base = world.create("six", FILES)
    bare = world.bare("six")
    tests = str(Path(__file__).parent.parent)
    command = [sys.executable, "-c", OFFER, tests, str(world.folder), base]
    done = False
    for number in range(12):
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(timeout=0.012 * number)
                done = True
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        lines = hands.git(bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        refs = dict(line.split() for line in lines)
        branch, record = (
            refs.get(f"refs/{kind}")
            for kind in ("heads/wheelyard/ssl3", "wheelyard/proposals/ssl3")
        )
        assert branch == record, "one was pushed without the other"
        for lock in bare.rglob("*.lock"):
            # git itself was killed as it wrote, and leaves it to people to say that it is not at work.
            lock.unlink()
        if done:
            break
    found = await world.forge.propose(draft(world, base))
    assert (found.state, found.foreign) == (ProposalState.OPEN, False)
    assert len(await world.forge.proposals("six")) == 1
