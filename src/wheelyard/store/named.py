"""``:name`` parameters of hand-written SQL, as psycopg wants them."""

import re
from functools import lru_cache

# Texts between quotes and casts (``::``) are no parameters, and a single ``%`` would be one to psycopg.
_WORD = re.compile(r"(?P<text>'(?:[^']|'')*')|::|:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|%")


@lru_cache(maxsize=512)
def for_psycopg(statement: str) -> str:
    """Return a statement with ``%(name)s`` in the place of each ``:name``."""
    return _WORD.sub(_word, statement)


def _word(match: "re.Match[str]") -> str:
    if name := match["name"]:
        return f"%({name})s"
    return match[0].replace("%", "%%")
