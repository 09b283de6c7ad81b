"""The edits of a recipe, in one place.

Each takes a parsed recipe and gives the new text, or raises RefusedEditError (message with file and
line, hint) and changes nothing. What it gives differs from the old text in what was meant and in not
one other byte. Parse the answer again for the next edit.
"""

from wheelyard.recipes.build_number import rebuild, reset_build_number
from wheelyard.recipes.key_edits import remove_key, set_key
from wheelyard.recipes.new_version import to_version
from wheelyard.recipes.requirement_edits import (
    add_requirement,
    move_requirement,
    remove_requirement,
    replace_requirement,
)

__all__ = [
    "add_requirement",
    "move_requirement",
    "rebuild",
    "remove_key",
    "remove_requirement",
    "replace_requirement",
    "reset_build_number",
    "set_key",
    "to_version",
]
