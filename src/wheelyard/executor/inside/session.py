"""One job's session: the first process of its namespaces, which runs one call after another.

It is the ancestor of everything that the job starts. When the other end of ``channel`` closes, it ends,
and with it, by the kernel's hand, every process of its namespace. The calls run in children that hold
no capability, no channel and no descriptor of anything but the log and their own answer.
"""

import atexit
import io
import json
import os
import resource  # noqa: F401 - in type comments
import select
import signal
import socket  # noqa: F401 - in type comments
import sys
import traceback

from . import confine, hooks, smoke, wire

_ANSWER_BYTES = 96 * 1024
_STANDARD_ERROR = 2


def serve(channel, log, spec):  # type: (socket.socket, int, dict[str, object]) -> None
    """Answer calls until the other end closes."""
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(woken)
    call = None  # type: _Call | None
    while True:
        watched = [channel.fileno(), wake] + ([call.answer] if call is not None else [])
        ready, _, _ = select.select(watched, [], [])
        if wake in ready:
            _drain(wake)
        if call is not None:
            call.read()
        for pid, status, usage in _reap():
            if call is not None and pid == call.pid:
                call.read()
                wire.send(channel, call.result(status, usage))
                call = None
        if channel.fileno() in ready:
            request, _ = wire.receive(channel)
            if request is None:
                return
            call = _Call(request, log, spec)


def _drain(descriptor):  # type: (int) -> None
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass


def _reap():  # type: () -> list[tuple[int, int, resource.struct_rusage]]
    found = []  # type: list[tuple[int, int, resource.struct_rusage]]
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status, usage))


class _Call(object):
    """A call that runs in a child."""

    def __init__(self, request, log, spec):  # type: (dict[str, object], int, dict[str, object]) -> None
        self.answer, writer = os.pipe()
        self._content = b""
        self.pid = os.fork()
        if self.pid == 0:
            _run(request, log, writer, spec)
        os.close(writer)
        os.set_blocking(self.answer, False)

    def read(self):  # type: () -> None
        """Take in what is there of the answer."""
        try:
            while len(self._content) < _ANSWER_BYTES:
                chunk = os.read(self.answer, 65536)
                if not chunk:
                    return
                self._content += chunk
        except BlockingIOError:
            pass

    def result(self, status, usage):  # type: (int, resource.struct_rusage) -> dict[str, object]
        """Say how the child ended."""
        os.close(self.answer)
        answer = None
        try:
            answer = json.loads(self._content.decode())
        except ValueError:
            pass
        return {
            "done": True,
            "answer": answer if isinstance(answer, dict) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss * 1024,
        }


def _run(request, log, writer, spec):  # type: (dict[str, object], int, int, dict[str, object]) -> None
    """Be the child: never returns, whatever happens."""
    code = 1
    try:
        _prepare(request, log, writer, spec)
        code = _carry_out(request, writer)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _prepare(request, log, writer, spec):  # type: (dict[str, object], int, int, dict[str, object]) -> None
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.__stdout__ = _anew(1, sys.stdout.encoding, sys.stdout.errors)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _anew(2, sys.stderr.encoding, sys.stderr.errors)  # type: ignore[misc]
    _close_others(writer)
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    _forget_inherited_state()
    confine.limit_resources(spec["rlimits"])  # type: ignore[arg-type]
    confine.restrict(bool(spec["contained"]), str(spec["seccomp"]))


def _anew(descriptor, encoding, errors):  # type: (int, str, str | None) -> io.TextIOWrapper
    """Make a stream for what its descriptor is now; the old one believes that it can seek.

    Line by line, so that what a build says stands before what its compilers say to it.
    """
    return io.TextIOWrapper(
        open(descriptor, "wb", closefd=False),
        encoding=encoding,
        errors=errors,
        newline="\n",
        line_buffering=True,
    )


def _close_others(keep):  # type: (int) -> None
    os.set_inheritable(keep, False)
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > _STANDARD_ERROR and descriptor != keep:
            try:
                os.close(descriptor)
            except OSError:  # the one that listed the folder
                pass


def _forget_inherited_state():  # type: () -> None
    """Undo what a fork shares and a process of its own would not."""
    if "random" in sys.modules:
        sys.modules["random"].seed()
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]
    sys.argv[:] = ["wheelyard-build"]


def _carry_out(request, writer):  # type: (dict[str, object], int) -> int
    kind = request["call"]
    if kind == "run":
        arguments = list(request["arguments"])  # type: ignore[call-overload]
        os.execvpe(arguments[0], arguments, os.environ)
    if kind == "unpack":
        smoke.unpack_all(request)
        return 0
    answer = (hooks if kind == "hook" else smoke).call(request)
    with os.fdopen(writer, "w") as stream:
        json.dump(answer, stream)
    atexit._run_exitfuncs()
    return 0
