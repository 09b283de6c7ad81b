"""Whether an assignment can be run here, and why not."""

from wheelyard.errors import InvalidTargetError
from wheelyard.model.job import Offer
from wheelyard.ports import Interpreters
from wheelyard.targets.interpreter import ANY

_GB = 1 << 30


def why_not(
    offer: Offer, interpreters: Interpreters, *, free_disk_bytes: int, least_disk_bytes: int
) -> str:
    """Return the reason for which a job is refused, or nothing. ``free_disk_bytes`` 0: not known."""
    lack = "" if offer.target.interpreter == ANY else _no_interpreter(offer, interpreters)
    if lack:
        return lack
    if 0 < free_disk_bytes < least_disk_bytes:
        return f"{free_disk_bytes / _GB:.1f} GiB of disk are free, less than {least_disk_bytes / _GB:.1f} GiB"
    return ""


def _no_interpreter(offer: Offer, interpreters: Interpreters) -> str:
    try:
        executable = interpreters.executable(offer.target)
    except InvalidTargetError as error:
        return error.message
    if executable is None:
        return f"there is no interpreter for {offer.target} here"
    if not executable.exists():
        return f"the interpreter for {offer.target} is gone: '{executable}'"
    return ""
