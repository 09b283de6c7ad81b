"""What compilers of a build were seen to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """How far the compilers of a build are: commands caught, files compiled, and the last of them."""

    calls: int
    compiled: int
    failed: int
    what: str
