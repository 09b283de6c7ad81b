"""A warm interpreter: imports a back end once, then forks for each job.

Nothing of a job survives here: this process only forks, and the children never come back. It runs with
the back end's modules loaded, so it is shown the folders of only those jobs that asked for this very
back end in this very environment.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket  # noqa: F401 - in type comments
import sys

from . import branch, confine, session, wire

_COLLECTED_AFTER = (20000, 10, 10)


def main(arguments):  # type: (list[str]) -> None
    """Serve on the inherited socket: ``start.py DESCRIPTOR warm|once``."""
    channel = wire.open_channel(int(arguments[0]))
    os.set_inheritable(channel.fileno(), False)
    if arguments[1] == "once":
        _serve_once(channel)
    else:
        _serve(channel)
        _kill_descendants()


def _serve(channel):  # type: (socket.socket) -> None
    """Load what is asked for, and fork for each job and each branch, until the other end closes."""
    if confine.AVAILABLE:
        confine.adopt_orphans()
    while True:
        spec, descriptors = wire.receive(channel)
        if spec is None:
            return
        if "preload" in spec:
            _preload(channel, list(spec["preload"]))  # type: ignore[call-overload]
            continue
        if os.fork() == 0:
            if "branch" in spec:
                _be_branch(channel, spec, descriptors)
            _be_job(channel, spec, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _preload(channel, names):  # type: (socket.socket, list[str]) -> None
    """Import what is asked for; what cannot be imported will fail again, in the job's own log.

    Answers with the files that have no bytecode yet.
    """
    gc.disable()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for name in names:
        # Of another release, or a plug-in that is not there.
        with contextlib.suppress(BaseException):
            _load(str(name))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:  # a job that ended meanwhile
            pass
    files = _without_bytecode()
    wire.send(channel, {"ready": True, "able": confine.AVAILABLE, "modules": files})
    if hasattr(gc, "freeze"):
        # Uncollected: to look through all of it takes longer than the little garbage is worth.
        gc.freeze()
    if hasattr(gc, "set_threshold"):
        gc.set_threshold(*_COLLECTED_AFTER)  # a hook makes much and throws little away
    gc.enable()


def _without_bytecode():  # type: () -> list[str]
    found = []
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        file, cached = getattr(spec, "origin", None), getattr(spec, "cached", None)
        if cached and file and str(file).endswith(".py") and not os.path.exists(str(cached)):
            found.append(str(file))
    return found[:1200]


def _load(name):  # type: (str) -> None
    """Import a module, or call a function in it: ``module:function:text``."""
    module, _, call = name.partition(":")
    loaded = importlib.import_module(module)
    if call:
        function, _, text = call.partition(":")
        getattr(loaded, function)(text)


def _be_branch(channel, spec, descriptors):  # type: (socket.socket, dict[str, object], list[int]) -> None
    """Be the warm interpreter of an environment; never returns.

    When it ends, the kernel kills what is left in its namespace.
    """
    try:
        channel.close()
        _serve(branch.grow(spec, descriptors[0]))
    finally:
        os._exit(0)


def _be_job(channel, spec, descriptors):  # type: (socket.socket, dict[str, object], list[int]) -> None
    """Be the process that stands outside of a job and waits for its end; never returns."""
    try:
        channel.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        job = wire.open_channel(descriptors[0])
        log = descriptors[1]
        # The kernel attaches our process id to this message; the other end answers when
        # it has put us into a control group.
        wire.send(job, {"here": True})
        answer, _ = wire.receive(job)
        if answer is None:
            return
        try:
            if spec["contained"]:
                _contain(spec)
        except OSError as error:
            wire.send(job, {"ended": True, "refused": str(error)})
            return
        if spec["contained"]:
            _run_contained(job, log, spec)
        else:
            _run_plain(job, log, spec)
    finally:
        os._exit(0)


def _contain(spec):  # type: (dict[str, object]) -> None
    confine.enter_namespaces(int(str(spec["user"])), int(str(spec["user"])))
    confine.mount_job(
        str(spec["folder"]),
        str(spec["build"]),
        str(spec["jobs"]),
        int(str(spec["temporary_bytes"])),
    )
    for source, place in list(spec["binds"]):  # type: ignore[call-overload]
        if not os.path.exists(place):
            os.makedirs(place)
        confine.bind(source, place)
    confine.raise_loopback()


def _run_contained(job, log, spec):  # type: (socket.socket, int, dict[str, object]) -> None
    pid = os.fork()
    if pid == 0:
        try:
            session.serve(job, log, spec)
        finally:
            os._exit(0)
    os.close(log)
    _, _, usage = os.wait4(pid, 0)
    # The kernel lets us wait for the first process of a namespace only when all others are gone.
    wire.send(job, {"ended": True, "cpu": usage.ru_utime + usage.ru_stime})


def _run_plain(job, log, spec):  # type: (socket.socket, int, dict[str, object]) -> None
    if confine.AVAILABLE:
        confine.adopt_orphans()
    try:
        session.serve(job, log, spec)
    finally:
        _kill_descendants()
    wire.send(job, {"ended": True, "cpu": sum(os.times()[2:4])})


def _kill_descendants():  # type: () -> None
    """Kill until nobody is left; as their reaper we are shown those that lost their parents."""
    while True:
        for pid in _descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        select.select([], [], [], 0.005)


def _descendants(root):  # type: (int) -> list[int]
    parents = {}  # type: dict[int, list[int]]
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/{}/stat".format(name), "rb") as stream:
                    fields = stream.read().rpartition(b")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(name))
    found, queue = [], [root]  # type: list[int], list[int]
    while queue:
        children = parents.get(queue.pop(), [])
        found.extend(children)
        queue.extend(children)
    return found


def _serve_once(channel):  # type: (socket.socket) -> None
    """Serve one job as the first process of a sandbox that was made for it alone."""
    spec, descriptors = wire.receive(channel)
    if spec is None:
        return
    job = wire.open_channel(descriptors[0])
    wire.send(job, {"here": True})
    answer, _ = wire.receive(job)
    if answer is not None:
        session.serve(job, descriptors[1], spec)
    wire.send(job, {"ended": True, "cpu": sum(os.times()[2:4])})
