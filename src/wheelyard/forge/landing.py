"""What came to a branch, and which of it was merged from proposals."""

from collections.abc import Mapping, Sequence

from wheelyard.forge.messages import read
from wheelyard.forge.workshop import Workshop
from wheelyard.model.proposal import Landing, ProposalName

_FORMAT = "%H%n%an%n%ct%n%P%n%B"


async def landings(
    shop: Workshop,
    repository: str,
    since: str,
    tip: str,
    merges: Mapping[str, ProposalName],
) -> Sequence[Landing]:
    """Return the commits of a branch after one, oldest first; ``merges`` names proposals by commit."""
    log = ["log", "--first-parent", "--reverse", "-z", f"--format={_FORMAT}", f"{since}..{tip}"]
    printed = (await shop.run(*log)).out.decode("utf-8", "replace")
    return tuple(_landing(repository, one, merges) for one in printed.split("\0") if one.strip())


def _landing(repository: str, one: str, merges: Mapping[str, ProposalName]) -> Landing:
    commit, author, seconds, _parents, text = one.lstrip("\n").split("\n", 4)
    message = read(text)
    return Landing(
        commit=commit,
        title=message.title,
        author=author,
        seconds=int(seconds),
        proposal=merges.get(commit) or message.named(repository),
    )
