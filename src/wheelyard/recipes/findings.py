"""What lint says of a recipe."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error keeps the recipe from being built or edited."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One thing to mend, with its line from 1; ``rule`` names what found it."""

    line: int
    rule: str
    message: str
    severity: Severity = Severity.WARNING
    hint: str = ""
