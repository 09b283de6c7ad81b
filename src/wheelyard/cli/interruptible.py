"""Long work on the command line that a signal ends between two steps of the loop, and never within one."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_interruptibly(work: Callable[[], Awaitable[T]]) -> T:
    """Run work to its end. Raises KeyboardInterrupt where a signal asked to end, after work has cleaned up.

    A second signal does not wait for that. What asyncio does by itself cancels work wherever the signal meets
    it, in the middle of asyncio's own code, too.
    """
    ended, told = asyncio.run(_guarded(work))
    if told:
        raise KeyboardInterrupt
    return ended[0]


async def _guarded(work: Callable[[], Awaitable[T]]) -> tuple[list[T], bool]:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work())
    told = False

    def end() -> None:
        nonlocal told
        told = True
        # What it says of programs that end as they are begun is no news to whoever ended them.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        _listen_no_more(loop)
        task.cancel()

    for number in _SIGNALS:
        # Whoever ignores a signal (nohup) goes on ignoring it; another thread's loop cannot take any.
        if signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, end)
    try:
        return [await task], False
    except asyncio.CancelledError:
        if not told:
            raise
        return [], True
    finally:
        _listen_no_more(loop)


def _listen_no_more(loop: asyncio.AbstractEventLoop) -> None:
    for number in _SIGNALS:
        with suppress(RuntimeError, NotImplementedError):
            loop.remove_signal_handler(number)
