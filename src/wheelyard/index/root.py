"""The page of all projects, kept in pieces so that a change costs what changed.

A piece holds the projects whose names begin with the same letters, rendered and hashed. It is never
more than a small part of a large index, and which projects it holds depends on their names alone: equal
lists give equal pages, whatever way led to them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wheelyard.index.markup import root_html_parts, root_link
from wheelyard.index.wire import root_json_item, root_json_parts
from wheelyard.model.release import ProjectName

_LETTERS = 3


@dataclass(frozen=True, slots=True)
class _Piece:
    """Projects in order, as they stand on both pages."""

    projects: tuple[ProjectName, ...]
    html: bytes
    json: bytes
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RootPage:
    """The two pages, and a digest of what is on them."""

    html: bytes
    json: bytes
    digest: bytes


class RootPieces:
    """A list of projects that changes."""

    def __init__(self, projects: Iterable[ProjectName] = ()) -> None:
        self._pieces: dict[str, _Piece] = {}
        self._order: list[str] | None = None
        grouped: dict[str, list[ProjectName]] = {}
        for project in projects:
            grouped.setdefault(project[:_LETTERS], []).append(project)
        for key, found in grouped.items():
            self._pieces[key] = _piece(found)

    def __len__(self) -> int:
        """Return how many projects there are."""
        return sum(len(piece.projects) for piece in self._pieces.values())

    def __contains__(self, project: ProjectName) -> bool:
        """Whether a project is listed."""
        piece = self._pieces.get(project[:_LETTERS])
        return piece is not None and project in piece.projects

    def first(self, count: int) -> list[ProjectName]:
        """Return the first projects."""
        found: list[ProjectName] = []
        for key in self._keys():
            found += self._pieces[key].projects
            if len(found) >= count:
                break
        return found[:count]

    def beginning(self, letter: str, count: int) -> list[ProjectName]:
        """Return projects whose names begin so."""
        found: list[ProjectName] = []
        for key in self._keys():
            if key.startswith(letter) and len(found) < count:
                found += self._pieces[key].projects
        return found[:count]

    def change(self, projects: Mapping[ProjectName, bool]) -> bool:
        """Add those that are listed now and take out the others; False where nothing was new."""
        grouped: dict[str, dict[ProjectName, bool]] = {}
        for project, listed in projects.items():
            if listed != (project in self):
                grouped.setdefault(project[:_LETTERS], {})[project] = listed
        for key, changes in grouped.items():
            kept = set(self._pieces[key].projects if key in self._pieces else ())
            kept |= {project for project, listed in changes.items() if listed}
            kept -= {project for project, listed in changes.items() if not listed}
            if (key in self._pieces) != bool(kept):
                self._order = None
            if kept:
                self._pieces[key] = _piece(sorted(kept))
            else:
                del self._pieces[key]
        return bool(grouped)

    def page(self) -> RootPage:
        """Join the pieces."""
        pieces = [self._pieces[key] for key in self._keys()]
        html_head, html_tail = root_html_parts()
        json_head, json_tail = root_json_parts()
        digest = hashlib.sha256(html_head + json_head)
        digest.update(b"".join([piece.digest for piece in pieces]))
        return RootPage(
            html=b"".join([html_head, *[piece.html for piece in pieces], html_tail]),
            json=b"".join([json_head, b",".join([piece.json for piece in pieces]), json_tail]),
            digest=digest.digest(),
        )

    def _keys(self) -> list[str]:
        if self._order is None:
            self._order = sorted(self._pieces)
        return self._order


def _piece(projects: Iterable[ProjectName]) -> _Piece:
    found = tuple(projects)
    html = b"".join([root_link(project) + b"<br>\n" for project in found])
    json = b",".join([root_json_item(project) for project in found])
    return _Piece(found, html, json, hashlib.sha256(html + json).digest())
