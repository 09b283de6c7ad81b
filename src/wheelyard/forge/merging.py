"""Whether a change has come to a branch, by ancestry or by content, and whether it still could.

People squash, rebase, pick or type a change anew; then no commit of ours is on the branch, but what it
changes is. Three things count as that: the commit itself; a commit with the same patch to the same
files; and files that have become what the change makes of them.
"""

from wheelyard.forge.workshop import Workshop

_ONE = frozenset({0, 1})
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-renames", "--full-index", "--binary")


async def merged_as(shop: Workshop, base: str, head: str, tip: str) -> str:
    """Return the commit on the first parents of ``tip`` with which a change came, or nothing."""
    if tip == base:
        return ""
    if await is_ancestor(shop, head, tip):
        if head == tip:
            return head
        walk = ["rev-list", "--first-parent", "--ancestry-path", f"{head}..{tip}"]
        line = (await shop.run(*walk)).text.splitlines()
        return line[-1] if line else head
    paths = await changed(shop, base, head)
    if not paths:
        return ""
    given = [f":(literal){path}" for path in paths]
    log = ["log", "--first-parent", "-m", "-p", *_PLAIN, f"{base}..{tip}", "--", *given]
    there = await _patches(shop, (await shop.run(*log)).out)
    mine = await _patches(shop, (await shop.run("diff", "-p", *_PLAIN, base, head)).out)
    same = [commit for patch, commit in there if mine and patch == mine[0][0]]
    if same:
        return same[-1]
    differs = await shop.run("diff", "--quiet", *_PLAIN, head, tip, "--", *given, allowed=_ONE)
    return there[0][1] if there and not differs.code else ""


async def is_ancestor(shop: Workshop, commit: str, tip: str) -> bool:
    """Whether a commit is another one, or before it."""
    ran = await shop.run("merge-base", "--is-ancestor", commit, tip, allowed=_ONE)
    return ran.code == 0


async def changed(shop: Workshop, base: str, head: str) -> tuple[str, ...]:
    """Return the paths that a change touches."""
    printed = (await shop.run("diff", "--name-only", "-z", "--no-renames", base, head)).out
    return tuple(path.decode("utf-8", "surrogateescape") for path in printed.split(b"\0") if path)


async def merged_tree(shop: Workshop, tip: str, head: str) -> str:
    """Return the tree of a merge, or nothing where it conflicts."""
    ran = await shop.run("merge-tree", "--write-tree", "--no-messages", tip, head, allowed=_ONE)
    return "" if ran.code else ran.text.split("\n")[0]


async def _patches(shop: Workshop, printed: bytes) -> list[tuple[str, str]]:
    """Return the patches that git printed, newest first: what names each, and its commit."""
    if not printed:
        return []
    named = (await shop.run("patch-id", "--stable", given=printed)).text
    pairs = (line.split(" ") for line in named.splitlines())
    return [(patch, commit) for patch, commit in pairs]
