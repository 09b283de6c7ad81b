"""conda-build's selectors: which lines stand in a variant.

The pattern and the rule for unknown names (they are false) are conda-build's own; the expression is
evaluated here over values alone, so that a recipe cannot run code.
"""

import re

SELECTOR = re.compile(r"(.+?)\s*(#.*)?\[([^\[\]]+)\](?(2)[^()]*)$")


def selector_of(line: str) -> str | None:
    """Give the selector of a line, or None; a line that is a comment has none."""
    if "[" not in line or "]" not in line or line.lstrip().startswith("#"):
        return None
    found = SELECTOR.match(line.rstrip())
    return found[3] if found else None
