"""A seccomp filter as the kernel takes it: what no build needs and what helps to break out.

Denied calls answer EPERM; ``clone3`` answers ENOSYS, because a filter cannot read its flags and C
libraries then fall back to ``clone``, whose flags it can read. Foreign architectures' calls (32-bit
programs) answer ENOSYS, so that they are no way around.
"""

import errno
import os
import struct
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_NEW_NAMESPACES = 0x7E020080
_TERMINAL_INJECTIONS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_X32 = 0x40000000
# The same numbers everywhere: io_uring, the newer mount calls.
_DENIED_EVERYWHERE = (*range(425, 434), 442)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    audit: int
    clone: int
    clone3: int
    ioctl: int
    denied: tuple[int, ...]


_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        clone=56,
        clone3=435,
        ioctl=16,
        # ptrace syslog pivot_root mount umount2 swapon reboot init_module delete_module kexec_load
        # add_key request_key keyctl unshare perf_event_open open_by_handle_at setns
        # process_vm_readv process_vm_writev kcmp finit_module bpf userfaultfd
        denied=(
            *(101, 103, 155, 165, 166, 167, 169, 175, 176, 246, 248, 249, 250),
            *(272, 298, 304, 308, 310, 311, 312, 313, 321, 323),
        ),
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        clone=220,
        clone3=435,
        ioctl=29,
        denied=(
            *(117, 116, 41, 40, 39, 224, 142, 105, 106, 104, 217, 218, 219),
            *(97, 241, 265, 268, 270, 271, 272, 273, 280, 282),
        ),
    ),
}


def program(machine: str = "") -> bytes:
    """Return the filter's instructions for a machine, or nothing where we know no call numbers."""
    calls = _MACHINES.get(machine or os.uname().machine)
    if calls is None:
        return b""
    refuse, unknown = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_EQUAL, calls.audit, 1, 0),
        _line(_RETURN, unknown),
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _X32, 0, 1),
        _line(_RETURN, unknown),
        _line(_EQUAL, calls.clone3, 0, 1),
        _line(_RETURN, unknown),
    ]
    for number in (*calls.denied, *_DENIED_EVERYWHERE):
        lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, refuse)]
    lines += [
        _line(_EQUAL, calls.clone, 0, 4),
        _line(_LOAD, _FIRST_ARGUMENT),
        _line(_ANY_BIT, _NEW_NAMESPACES, 0, 1),
        _line(_RETURN, refuse),
        _line(_RETURN, _ALLOW),
        _line(_EQUAL, calls.ioctl, 0, 5),
        _line(_LOAD, _SECOND_ARGUMENT),
        _line(_EQUAL, _TERMINAL_INJECTIONS[0], 1, 0),
        _line(_EQUAL, _TERMINAL_INJECTIONS[1], 0, 1),
        _line(_RETURN, refuse),
        _line(_RETURN, _ALLOW),
        _line(_RETURN, _ALLOW),
    ]
    return b"".join(lines)


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
