"""Why a release was chosen although its project has a newer one.

Told where it is known: the view hid the newest, or what was asked for, constrained, overridden or
required by another choice leaves it out.
"""

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelyard.model.release import ProjectName, Release
from wheelyard.model.resolution import Prereleases, Query
from wheelyard.upstream.candidates import Because, Hidden
from wheelyard.upstream.query_lines import QueryLines
from wheelyard.upstream.target_metadata import Need
from wheelyard.upstream.view import CandidateView

_HIDDEN = {
    Because.NO_SOURCE: "has no source",
    Because.NO_FILE: "has neither a source nor a wheel for this target",
    Because.TOO_NEW: "was uploaded {detail}, after {limit}",
    Because.COOLING_DOWN: "was uploaded {detail}, and is younger than --min-release-age",
    Because.TIME_UNKNOWN: "has no upload time, and --min-release-age asks for one",
    Because.PYTHON: "needs Python {detail}",
    Because.QUARANTINED: "is in quarantine",
    Because.METADATA: "has metadata that cannot be used ({detail})",
}


class Choice:
    """The releases that were chosen together for one query, and what they rest on."""

    def __init__(
        self, releases: list[Release], query: Query, lines: QueryLines, view: CandidateView
    ) -> None:
        self._releases = releases
        self._query = query
        self._lines = lines
        self._view = view

    def why_older(self, chosen: Release) -> str:
        """Return what the newest release is and why it is not the chosen one; nothing where it is."""
        hidden = {one.version: one for one in self._view.hidden(chosen.project)}
        shown = self._view.listings[chosen.project].candidates
        newer = [
            one for one in (*shown, *hidden) if one > chosen.version and self._counts(one, chosen)
        ]
        if not newer:
            return ""
        # What another Python has says nothing about this one, if there is more to say.
        here = [one for one in newer if not _for_another_python(hidden.get(one))]
        newest = max(here or newer)
        reason = (
            self._hidden(hidden[newest])
            if newest in hidden
            else self._excluded(Release(chosen.project, newest))
        )
        return f"{newest} {reason}" if reason else ""

    def _counts(self, version: Version, chosen: Release) -> bool:
        """Whether somebody would expect a version: pre-releases only where they may be chosen."""
        allowed = self._query.policy.prereleases is Prereleases.ALLOW
        return allowed or chosen.version.is_prerelease or not version.is_prerelease

    def _hidden(self, hidden: Hidden) -> str:
        limit = self._query.policy.exclude_newer
        words = _HIDDEN[hidden.because]
        return words.format(
            detail=hidden.detail, limit=f"{limit:%Y-%m-%d %H:%M}" if limit is not None else ""
        )

    def _excluded(self, newest: Release) -> str:
        listed = self._view.listings[newest.project].candidates[newest.version]
        for kind, need in self._bounds(newest.project):
            if not SpecifierSet(need.specifier).contains(newest.version, prereleases=True):
                return f"is left out by {kind} {need.line()!r}"
        return "is yanked" if listed.yanked is not None else ""

    def _bounds(self, project: ProjectName) -> Iterator[tuple[str, Need]]:
        """Yield what narrows the versions of a project, and where that is said."""
        lines = self._lines
        if project in lines.overrides:
            yield from (("the override", need) for need in lines.overrides[project])
        else:
            yield from (
                ("the requirement", need) for need in lines.roots if need.project == project
            )
            for release in self._releases:
                needs = self._view.known_metadata(release).needs
                yield from (
                    (f"{release}, which requires", n) for n in needs if n.project == project
                )
        yield from (
            ("the constraint", need) for need in lines.constraints if need.project == project
        )


def _for_another_python(hidden: Hidden | None) -> bool:
    return hidden is not None and hidden.because is Because.PYTHON
