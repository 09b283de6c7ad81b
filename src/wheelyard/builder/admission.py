"""Whether an assignment can be run here, and why not."""

from wheelyard.errors import InvalidTargetError
from wheelyard.model.job import Offer
from wheelyard.model.way import WayKind
from wheelyard.ports import Interpreters
from wheelyard.targets.interpreter import ANY
from wheelyard.targets.target import Target

_GB = 1 << 30


def why_not(
    offer: Offer, interpreters: Interpreters, *, free_disk_bytes: int, least_disk_bytes: int
) -> str:
    """Return the reason for which a job is refused, or nothing. ``free_disk_bytes`` 0: not known."""
    # Under an emulator nothing but its own Python runs; whether there is one to open the sandbox is seen then.
    asked = offer.target.interpreter != ANY and offer.way.kind is not WayKind.EMULATED
    target = offer.way.runs_on(offer.target)
    lack = _no_interpreter(target, interpreters) if asked else ""
    if lack:
        return lack
    if 0 < free_disk_bytes < least_disk_bytes:
        return f"{free_disk_bytes / _GB:.1f} GiB of disk are free, less than {least_disk_bytes / _GB:.1f} GiB"
    return ""


def _no_interpreter(target: Target, interpreters: Interpreters) -> str:
    try:
        executable = interpreters.executable(target)
    except InvalidTargetError as error:
        return error.message
    if executable is None:
        return f"there is no interpreter for {target} here"
    if not executable.exists():
        return f"the interpreter for {target} is gone: '{executable}'"
    return ""
