"""Puts a process into namespaces of its own, and takes away from it what a build does not need.

Everything goes through ctypes, because Python has ``unshare`` only since 3.12 and ``mount`` never.
"""

import base64
import fcntl
import os
import resource
import socket
import struct

try:
    import ctypes

    AVAILABLE = True
    _libc = ctypes.CDLL(None, use_errno=True)
except ImportError:
    # A Python that was built without libffi: each of its jobs has a sandbox made for it alone.
    AVAILABLE = False

_NEWNS = 0x00020000
_NEWUTS = 0x04000000
_NEWIPC = 0x08000000
_NEWUSER = 0x10000000
_NEWPID = 0x20000000
_NEWNET = 0x40000000
_BIND, _NOSUID, _NODEV, _REC = 4096, 2, 4, 16384
_SIOCSIFFLAGS, _UP_LOOPBACK_RUNNING = 0x8914, 0x1 | 0x8 | 0x40
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER = 38, 22, 24, 36
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63


def _check(result, what):  # type: (int, str) -> None
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "{}: {}".format(what, os.strerror(number)))


def _write(path, text):  # type: (str, str) -> None
    with open(path, "w") as stream:
        stream.write(text)


def enter_namespaces(user, group):  # type: (int, int) -> None
    """Leave the namespaces of the warm interpreter; the next child is the first of its own."""
    _enter(_NEWUSER | _NEWNS | _NEWPID | _NEWIPC | _NEWUTS | _NEWNET, user, group)


def enter_processes(user, group):  # type: (int, int) -> None
    """Have mounts of one's own, and processes from the next child on; all else stays shared."""
    _enter(_NEWUSER | _NEWNS | _NEWPID, user, group)


def _enter(flags, user, group):  # type: (int, int, int) -> None
    _check(_libc.unshare(flags), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", "{0} {0} 1".format(user))
    _write("/proc/self/gid_map", "{0} {0} 1".format(group))


def mount_job(folder, build, jobs, temporary_bytes):  # type: (str, str, str, int) -> None
    """Show one job's folder at the fixed build path, and hide all others."""
    _bind(folder, build)
    _mount_tmpfs(jobs, "size=4k,mode=755")
    _mount_tmpfs("/tmp", "size={},mode=1777".format(temporary_bytes))  # noqa: S108
    _mount_tmpfs("/dev/shm", "size={},mode=1777".format(temporary_bytes))  # noqa: S108
    options = b"newinstance,ptmxmode=0666,mode=620"
    _check(_libc.mount(b"devpts", b"/dev/pts", b"devpts", 0, options), "mount /dev/pts")


def bind(source, place):  # type: (str, str) -> None
    """Show a folder at another place too."""
    _bind(source, place)


def _bind(source, place):  # type: (str, str) -> None
    result = _libc.mount(source.encode(), place.encode(), None, _BIND | _REC, None)
    _check(result, "bind {} to {}".format(source, place))


def _mount_tmpfs(place, options):  # type: (str, str) -> None
    flags = _NOSUID | _NODEV
    result = _libc.mount(b"tmpfs", place.encode(), b"tmpfs", flags, options.encode())
    _check(result, "mount " + place)


def raise_loopback():  # type: () -> None
    """Bring up ``lo`` in a network of one's own: tests that talk to themselves need it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh14x", b"lo", _UP_LOOPBACK_RUNNING)
        fcntl.ioctl(probe.fileno(), _SIOCSIFFLAGS, request)


def adopt_orphans():  # type: () -> None
    """Become the parent of every descendant whose own parent dies."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl subreaper")


def drop_capabilities():  # type: () -> None
    """Give up every capability for good, those that an executed program could gain included."""
    for capability in range(_LAST_CAPABILITY + 1):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, struct.pack("6I", 0, 0, 0, 0, 0, 0)), "capset")


def forbid_new_privileges():  # type: () -> None
    """Make set-user-ID programs powerless."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl no_new_privs")


def filter_calls(encoded):  # type: (str) -> None
    """Install a seccomp filter, given as base64 of its instructions."""
    instructions = base64.b64decode(encoded)
    text = ctypes.create_string_buffer(instructions, len(instructions))
    program = struct.pack("HxxxxxxP", len(instructions) // 8, ctypes.addressof(text))
    result = _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0)
    _check(result, "prctl seccomp")


def restrict(contained, encoded_filter):  # type: (bool, str) -> None
    """Take from this process what a build does not need; without ctypes bubblewrap did it."""
    if not AVAILABLE:
        return
    if contained:
        drop_capabilities()
    forbid_new_privileges()
    if encoded_filter:
        filter_calls(encoded_filter)


def limit_resources(limits):  # type: (dict[str, int]) -> None
    """Set resource limits by name, never above what is allowed."""
    for name, value in limits.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))
