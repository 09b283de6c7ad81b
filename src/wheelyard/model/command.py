"""A command on a git tree: what is asked for, which commit that means, and what a builder runs.

Unlike a wheel's build it says itself what it makes: the files that its patterns match, as one archive.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """What somebody asked for.

    What is left empty comes from the repository's job file, or from ``job_file``: the text of one that
    stands in for it.
    ``repository`` is a URL without secrets. ``revision`` is a branch, a tag, a commit or its beginning, a
    number along the first parents of the default branch, or ``BRANCH:NUMBER``; empty: the newest of the
    default branch. ``tolerance``: a build of a revision that is at most so many away will do, too.
    ``line`` is for a shell, ``arguments`` for none; one of them. ``needs`` is what ``jobs.needs`` reads. ``variables`` are
    set beside the options, whatever the job file knows of these.
    """

    repository: str
    revision: str = ""
    tolerance: int = 0
    line: str = ""
    arguments: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    artifacts: tuple[str, ...] = ()
    needs: str = ""
    name: str = ""
    network: bool = False
    job_file: str = ""
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit of a repository, as it was found.

    ``number`` counts along first parents; that of a line's first commit is 1. ``seconds`` is when it was
    committed, since 1970. ``near`` are other commits of the same line by number, as far as was asked.
    """

    asked: str
    commit: str
    number: int
    seconds: int = 0
    near: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a builder runs at the top of the tree, and what it keeps of what that leaves.

    ``arguments`` are run as they are, without a shell. ``artifacts`` are patterns of paths below the top;
    what they match goes into an archive named ``filename``.
    """

    arguments: tuple[str, ...]
    artifacts: tuple[str, ...]
    filename: str
    variables: tuple[tuple[str, str], ...] = ()
    network: bool = False
