"""Makes the warm interpreter of one environment by a fork of one that has loaded no stranger's code.

It gets processes and mounts of its own, sees the environment where every warm interpreter sees its own,
and of the folders of jobs only those that are its own.
"""

import importlib
import os
import signal
import site
import socket  # noqa: F401 - in type comments
import sys

from . import confine, wire


def grow(spec, descriptor):  # type: (dict[str, object], int) -> socket.socket
    """Return, in the new interpreter, the channel on which it serves; nobody else comes back."""
    channel = wire.open_channel(descriptor)
    os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        user = int(str(spec["user"]))
        confine.enter_processes(user, user)
        confine.bind(str(spec["environment"]), str(spec["place"]))
        confine.bind(str(spec["folder"]), str(spec["jobs"]))
    except OSError as error:
        wire.send(channel, {"refused": str(error)})
        os._exit(0)
    pid = os.fork()
    if pid:
        channel.close()
        os.waitpid(pid, 0)
        os._exit(0)
    confine.drop_capabilities()
    _see_environment(str(spec["packages"]))
    # The kernel attaches our process id to this message.
    wire.send(channel, {"here": True})
    return channel


def _see_environment(packages):  # type: (str) -> None
    """Do what the start of an interpreter does for an environment's packages."""
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    site.addsitedir(packages)
    site.execsitecustomize()
