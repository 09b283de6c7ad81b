"""What the network says, as a value or as something that asks when it is needed.

Edits take it by the door, so that they stay pure: ``RecordedAnswers`` repeats an edit offline and is
read from the JSON of ``--answers`` (``{"hash": {url: digest}, "pypi_files": {project: [file, …]}}``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from packaging.utils import canonicalize_name

LENGTHS: Mapping[str, int] = {
    "md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128,
}  # fmt: skip


class Answers(Protocol):
    """What an edit asks of the network. An answer of None is "there is no such thing"."""

    def digest(self, url: str, kind: str) -> str | None:
        """Give the digest of what an address holds; ``kind`` is sha256, sha1, md5 and so on."""

    def files(self, project: str) -> tuple[str, ...] | None:
        """Give the file names that the Python index has of a project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswers:
    """Answers that were written down; whatever else is asked is not there."""

    hash: Mapping[str, str] = field(default_factory=dict)
    pypi_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def digest(self, url: str, kind: str) -> str | None:
        """Give the recorded digest of an address, where it is of that kind."""
        found = self.hash.get(url)
        return found if found and len(found) == LENGTHS.get(kind, len(found)) else None

    def files(self, project: str) -> tuple[str, ...] | None:
        """Give the recorded files of a project, however its name is spelled (PEP 503)."""
        wanted = canonicalize_name(project)
        for name, files in self.pypi_files.items():
            if canonicalize_name(name) == wanted:
                return tuple(files)
        return None


class Recorder:
    """Answers that are given as another one gives them, and written down. Not for several threads at once."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._hash: dict[str, str] = {}
        self._files: dict[str, tuple[str, ...]] = {}

    @property
    def recorded(self) -> RecordedAnswers:
        """What was answered so far."""
        return RecordedAnswers(hash=dict(self._hash), pypi_files=dict(self._files))

    def digest(self, url: str, kind: str) -> str | None:
        """Ask for the digest of an address."""
        found = self._answers.digest(url, kind)
        if found:
            self._hash[url] = found
        return found

    def files(self, project: str) -> tuple[str, ...] | None:
        """Ask for the files of a project."""
        found = self._answers.files(project)
        if found is not None:
            self._files[project] = found
        return found
