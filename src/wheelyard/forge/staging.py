"""A commit that nobody sees: a change on top of a repository's commit, in a repository of our own.

What is tried before people are asked is built from there.
"""

from collections.abc import Sequence
from pathlib import Path

from wheelyard.forge.addresses import place_of
from wheelyard.forge.messages import written
from wheelyard.forge.running import GitCommand, Place
from wheelyard.forge.workshop import opened
from wheelyard.model.proposal import Draft, FileEdit, check_draft

_REF = "refs/heads/trial-{}"


async def staged(
    folder: Path, place: Place, commit: str, files: Sequence[FileEdit], *, key: str
) -> tuple[Path, str]:
    """Return a bare repository in ``folder``, and in it the commit that has the change.

    The same change gives the same commit. Raises ForgeError, ConfigurationError.
    """
    draft = Draft(
        repository=place.address, key=key, base=commit, files=tuple(files), title="Try a change"
    )
    check_draft(draft)
    git = GitCommand()
    bare = folder / f"{key}.git"
    await git.run(place, ["init", "--quiet", "--bare", "--template=", str(bare)])
    own = place_of(str(bare), None)
    async with opened(git, place, commit) as shop:
        # All that led to it, for a repository with a gap cannot be cloned by everybody.
        await shop.fetch([commit], history=True)
        made = await shop.commit(draft, written(draft))
        await shop.push({_REF.format(made[:16]): ("", made)}, to=own)
    return bare, made
