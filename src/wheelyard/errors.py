"""The error family: what is wrong, what to do next, and the exit code.

Whatever a user can cause or meet is one of these. What is not in the family is a bug and may crash.
"""

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process answers to its caller; documented in ``docs/reference/cli.md``."""

    OK = 0
    BUILDS_FAILED = 1
    USAGE = 2
    UPSTREAM = 3
    STATE = 4
    ENVIRONMENT = 5
    INTERRUPTED = 130


class WheelyardError(Exception):
    """Something that a user can act on.

    ``message`` says what is wrong and quotes the value; ``hint`` says what to do next.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidNameError(WheelyardError):
    """A project name, version, requirement or file name that does not follow its standard."""


class InvalidTargetError(WheelyardError):
    """A target, interpreter or platform that cannot be read."""


class ConfigurationError(WheelyardError):
    """A setting, option or recipe that cannot be followed."""


class RecipeError(WheelyardError):
    """A recipe that cannot be read or evaluated, with its file and line in the message."""


class RefusedEditError(RecipeError):
    """An edit of a recipe that would not mean what was asked; nothing was changed."""


class InvalidMigrationError(WheelyardError):
    """A pin file or a migration that cannot be read, named with its line."""


class InvalidPlanError(WheelyardError):
    """A recorded plan that cannot be read or repeated."""


class NoSolutionError(WheelyardError):
    """Requirements that no set of releases satisfies."""

    exit_code = ExitCode.BUILDS_FAILED


class NotApplicableError(NoSolutionError):
    """A requirement that has releases, none of which is meant for this Python."""


class UpstreamError(WheelyardError):
    """An index, repository or download that did not give what it should."""

    exit_code = ExitCode.UPSTREAM


class NotUpstreamError(UpstreamError):
    """A project, release or file that upstream does not have."""


class OfflineError(UpstreamError):
    """Something is not in the cache and the network is off."""


class DigestMismatchError(UpstreamError):
    """Bytes that are not those that were announced."""


class ConflictError(WheelyardError):
    """A published file name stands for other bytes already."""

    exit_code = ExitCode.STATE


class InvalidArchiveError(WheelyardError):
    """An sdist or a wheel that is corrupt, hostile or not what it says."""

    exit_code = ExitCode.BUILDS_FAILED


class MetadataError(WheelyardError):
    """A source that does not say which release it is, nor does its back end."""

    exit_code = ExitCode.BUILDS_FAILED


class StoreError(WheelyardError):
    """The state folder, its database or its blobs cannot be used."""

    exit_code = ExitCode.STATE


class OutOfSpaceError(StoreError):
    """A disk is full."""


class BusError(WheelyardError):
    """The bus between coordinator and builders that is down, or refuses what it is asked for."""

    exit_code = ExitCode.STATE


class ProtocolError(WheelyardError):
    """A message that cannot be read, is too large, or is another version's."""

    exit_code = ExitCode.STATE


class NotifyError(WheelyardError):
    """A message to people that could not be delivered."""

    exit_code = ExitCode.ENVIRONMENT


class DeniedError(WheelyardError):
    """A token that is missing, unknown or revoked, or that may not do what it is used for."""

    exit_code = ExitCode.USAGE


class ForgeError(WheelyardError):
    """A forge or a repository that refuses, cannot be reached, or answers what makes no sense."""

    exit_code = ExitCode.UPSTREAM


class GoneError(ForgeError):
    """A repository, branch or proposal that is not there, or not for us to see."""


class NothingToProposeError(ForgeError):
    """A change that changes nothing: its base has it all already."""


class BusyError(ForgeError):
    """A forge that wants to be left alone for ``seconds``."""

    def __init__(self, message: str, *, hint: str = "", seconds: float = 60) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


class InterpreterError(WheelyardError):
    """A Python that is not there or does not work."""

    exit_code = ExitCode.ENVIRONMENT


class SandboxError(WheelyardError):
    """The isolation that was asked for cannot be had on this machine."""

    exit_code = ExitCode.ENVIRONMENT


class ToolError(WheelyardError):
    """A program that wheelyard runs (uv, git…) is missing or failed."""

    exit_code = ExitCode.ENVIRONMENT


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the known word nearest to ``name``, or an empty string."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {matches[0]!r}?" if matches else ""
