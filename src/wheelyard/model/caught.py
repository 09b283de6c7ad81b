"""What compilers of a build were seen to do."""

from dataclasses import dataclass

from wheelyard.model.counted import plural

_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """How far the compilers of a build are: commands caught, files compiled, and the last of them."""

    calls: int
    compiled: int
    failed: int
    what: str

    def __str__(self) -> str:
        """Say it in a phrase: "14 files compiled, 1 command failed, now src/x.c"."""
        failed = f", {plural(self.failed, 'command')} failed" if self.failed else ""
        now = f", now {self.what[-_SHOWN:]}" if self.what else ""
        return f"{plural(self.compiled, 'file')} compiled{failed}{now}"
