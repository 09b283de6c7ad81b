"""What other sites and programs show of a farm: XML that visitors of a public farm may read."""

from collections.abc import Iterable, Sequence

from wheelyard.web.access import READERS
from wheelyard.web.endpoint import Answering, Endpoint


def as_xml(text: str) -> str:
    """Leave out what no XML 1.0 document can hold, however it is written."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)


def embedded(media: str, rows: Iterable[tuple[str, Answering, str]]) -> Sequence[Endpoint]:
    """Return endpoints of one media type: of each its path, what answers, and what it says."""
    return [
        Endpoint(
            method="GET",
            path=path,
            allowed=READERS,
            answer=answer,
            says=says,
            media=media,
            visitors=True,
        )
        for path, answer, says in rows
    ]
