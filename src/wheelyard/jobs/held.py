"""What a person can do about a wheel that is held."""

import re
from collections.abc import Iterable

from wheelyard.jobs.system_libraries import SystemLibrary, library_of_name
from wheelyard.model.job import Finding, Verdict

_LEFT_OUT = frozenset({"missing-extension", "pure-but-upstream-is-binary"})
_EXTENSIONS = re.compile(r"_?(\w{1,80})\.(?:[\w-]{1,80}\.)?(?:so|pyd)\b")


def advice_for_held(job: str, findings: Iterable[Finding]) -> str:
    """Say how a wheel gets better, or counts as it is; ``job`` is what its job is called."""
    holding = [finding for finding in findings if finding.verdict is Verdict.HOLD]
    approve = f"'wheelyard job approve {job}' lets it count."
    if not any(finding.check in _LEFT_OUT for finding in holding):
        return f"Look at it ('wheelyard job show {job}'); {approve}"
    libraries = _libraries(" ".join(finding.message for finding in holding))
    wanted = "Its log may say what was not there when it was built; install that"
    if libraries:
        packages = " ".join(library.debian for library in libraries)
        wanted = (
            f"It was built without what it can use; install that (Debian: apt install {packages})"
        )
    return f"{wanted} and build again with --rebuild; {approve}"


def _libraries(message: str) -> list[SystemLibrary]:
    """Find the libraries that the left out extensions are named after."""
    found = [library_of_name(name) for name in _EXTENSIONS.findall(message)]
    return [library for library in dict.fromkeys(found) if library is not None]
