"""From a resolver's complaint to an error that a user can act on.

The complaint speaks of the candidate view; what the view hid, and why, is known only here.
"""

import re
from collections.abc import Iterable, Iterator

from packaging.specifiers import SpecifierSet

from wheelyard.errors import NoSolutionError, NotApplicableError
from wheelyard.model.release import ProjectName
from wheelyard.model.resolution import Query
from wheelyard.upstream.candidates import Because, Hidden
from wheelyard.upstream.query_lines import QueryLines
from wheelyard.upstream.view import CandidateView

_ADDRESS = re.compile(r"`?http://127\.0\.0\.1:\d+/[^\s`]*`?")
_GLYPHS = re.compile(r"^\s*(?:error:|\u00d7|╰─▶|├─▶|cause:|│)?\s*(?:cause:)?\s*")
_COMMAND_LINE = re.compile(r"\s*\((?:try|e\.g\., try)[^()]*--[^()]*\)")
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_MOST_HINTS = 5
_MOST_ASKED = 5

_HINTS = {
    Because.NO_SOURCE: "{project} has no source for {count}; {way}",
    Because.NO_FILE: "{project} has neither a source nor a wheel for this target for {count}",
    Because.TOO_NEW: "{count} of {project} left out as newer than --exclude-newer ({details})",
    Because.COOLING_DOWN: "{count} of {project} left out as younger than --min-release-age "
    "({details})",
    Because.TIME_UNKNOWN: "{count} of {project} left out because the index gives no upload time "
    "and --min-release-age asks for one",
    Because.PYTHON: "{count} of {project} {need} another Python ({details})",
    Because.QUARANTINED: "the index has quarantined {project}",
    Because.METADATA: "{count} of {project} left out for metadata that cannot be used ({details})",
}


_OTHERS = "--from-source=requested takes upstream's wheels for what was not asked for by name"
_ALL = "--from-source=none takes upstream's wheels for what was asked for by name, too"


def explain(
    complaint: str, query: Query, lines: QueryLines, view: CandidateView
) -> NoSolutionError:
    """Return the error for a query that has no solution."""
    own, hints = _clean(complaint)
    kind = NotApplicableError if _not_applicable(lines, view) else NoSolutionError
    message = _sentence(query, lines, view, kind)
    if kind is NotApplicableError:
        # The complaint speaks of releases that it was not shown; only their Python is the reason.
        return kind(message, hint="\n".join(_other_pythons(lines, view)))
    # What is on no index says it all; the complaint only knows that it has no version.
    if _unknown(lines, view):
        own = ""
    return kind(
        f"{message}\n{own}" if own else message,
        hint="\n".join([*_what_was_hidden(own, lines, view), *hints]),
    )


def _other_pythons(lines: QueryLines, view: CandidateView) -> Iterator[str]:
    for project, specifier in sorted({(need.project, need.specifier) for need in lines.roots}):
        if _excludes_python(project, specifier, view):
            python = [one for one in view.hidden(project) if one.because is Because.PYTHON]
            yield _hint_of(project, Because.PYTHON, python)


def _sentence(
    query: Query, lines: QueryLines, view: CandidateView, kind: type[NoSolutionError]
) -> str:
    unknown = _unknown(lines, view)
    if unknown:
        return view.absent[unknown[0]].message
    asked = [repr(line) for line in query.requirements[:_MOST_ASKED]]
    if len(query.requirements) > _MOST_ASKED:
        asked.append(f"{len(query.requirements) - _MOST_ASKED} more")
    if kind is NotApplicableError:
        return f"no release that {', '.join(asked)} allows is meant for {query.target.interpreter}"
    return f"no set of releases satisfies {', '.join(asked)} for {query.target}"


def _unknown(lines: QueryLines, view: CandidateView) -> list[ProjectName]:
    """List the projects that are asked for and that no index has."""
    return [need.project for need in lines.roots if need.project in view.absent]


def _not_applicable(lines: QueryLines, view: CandidateView) -> bool:
    if _unknown(lines, view):
        return False
    return any(_excludes_python(need.project, need.specifier, view) for need in lines.roots)


def _excludes_python(project: ProjectName, specifier: str, view: CandidateView) -> bool:
    """Whether releases are asked for that exist, and each of them is for other Pythons."""
    listing = view.listings.get(project)
    if listing is None:
        return False
    wanted = SpecifierSet(specifier)
    rejected = {release.version for release in view.rejected if release.project == project}
    shown = listing.candidates.keys() - rejected
    if any(wanted.contains(version, prereleases=True) for version in shown):
        return False
    reasons = {
        hidden.because
        for hidden in view.hidden(project)
        if wanted.contains(hidden.version, prereleases=True)
    }
    return reasons == {Because.PYTHON}


def _clean(complaint: str) -> tuple[str, list[str]]:
    """Split a complaint into its explanation and its hints, without what only the view is to blame for."""
    _, _, text = complaint.replace("\r", "").partition("error: ")
    paragraphs = [part.strip("\n") for part in (text or complaint).split("\n\n")]
    hints = [part for part in paragraphs if part.startswith("hint: ")]
    body = [part for part in paragraphs if part and not part.startswith(("hint: ", "warning: "))]
    return _body("\n".join(body)), [_hint(hint) for hint in hints if _worth_telling(hint)]


def _body(text: str) -> str:
    words = " ".join(_GLYPHS.sub("", line) for line in text.splitlines())
    words = re.sub(r"^No solution found when resolving dependencies:?\s*", "", words)
    words = words.replace("was not found in the package registry", "is on no index")
    words = words.replace("has invalid metadata", "cannot be used")
    return " ".join(_ADDRESS.sub("the index", words).split())


def _worth_telling(hint: str) -> bool:
    # These speak of metadata that the view blanked, or advise options of another command.
    return not hint.startswith("hint: Metadata for") and "--python-version" not in hint


def _hint(hint: str) -> str:
    words = " ".join(hint.removeprefix("hint: ").split())
    return _ADDRESS.sub("the index", _COMMAND_LINE.sub("", words))


def _what_was_hidden(own: str, lines: QueryLines, view: CandidateView) -> list[str]:
    """Say why releases of the projects that the explanation names were not shown."""
    named = {word.lower() for word in _WORD.findall(re.sub(r"\[[^\]]*\]|[<>=!~]=?", " ", own))}
    roots = {need.project for need in lines.roots}
    concerned = sorted((named | roots) & (view.listings.keys() | view.absent.keys()))
    return [
        hint
        for project in concerned
        for hint in _hints(ProjectName(project), view, asked=project in roots)
    ][:_MOST_HINTS]


def _hints(project: ProjectName, view: CandidateView, *, asked: bool) -> Iterator[str]:
    if project in view.absent:
        absent = view.absent[project]
        yield absent.hint or absent.message
        return
    by_reason: dict[Because, list[Hidden]] = {}
    for hidden in view.hidden(project):
        by_reason.setdefault(hidden.because, []).append(hidden)
    for because, releases in by_reason.items():
        yield _hint_of(project, because, releases, asked=asked)


def _hint_of(
    project: ProjectName, because: Because, releases: list[Hidden], *, asked: bool = False
) -> str:
    return _HINTS[because].format(
        project=project,
        count=_count(releases),
        way=_ALL if asked else _OTHERS,
        need="needs" if len(releases) == 1 else "need",
        details=_details(releases),
    )


def _count(releases: Iterable[Hidden]) -> str:
    versions = sorted((hidden.version for hidden in releases), reverse=True)
    return f"release {versions[0]}" if len(versions) == 1 else f"{len(versions)} releases"


def _details(releases: list[Hidden]) -> str:
    newest = max(releases, key=lambda hidden: hidden.version)
    return f"{newest.version}: {newest.detail or 'no reason given'}"
