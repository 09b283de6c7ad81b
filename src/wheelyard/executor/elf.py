"""What the header and the dynamic section of an ELF file say (System V ABI, chapters 4 and 5).

A file that is no ELF file, or a broken one, has nothing to say: it is None here and never an error,
because packages carry such files as test data and because nothing here is run.
"""

import io
import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MAGIC = b"\x7fELF"

_HEADER = 52
_WIDE = 2
_BIG_ENDIAN = 2
_MACHINE_AT = 18
_ALLOCATED = 0x2

_ARCHITECTURES = {
    (3, False, False): "i686",
    (21, True, True): "ppc64",
    (21, True, False): "ppc64le",
    (22, True, True): "s390x",
    (40, False, False): "arm",
    (62, True, False): "x86_64",
    (183, True, False): "aarch64",
    (243, True, False): "riscv64",
    (258, True, False): "loongarch64",
}
"""By machine, whether it has 64 bits, and whether its most significant byte comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFile:
    """A shared library, an extension module or a program.

    ``needed`` are the names of the libraries that it loads, ``folders`` where it looks for them first
    (RUNPATH, else RPATH), ``versions`` the symbol versions that it wants (``GLIBC_2.34``).
    """

    arch: str
    soname: str
    needed: tuple[str, ...]
    folders: tuple[str, ...]
    versions: tuple[str, ...]


def architecture(header: bytes) -> str | None:
    """Name the processor that an ELF file is for by its first bytes; ``arm`` is any 32-bit ARM."""
    if len(header) < _HEADER or not header.startswith(MAGIC):
        return None
    wide, big = header[4] == _WIDE, header[5] == _BIG_ENDIAN
    (machine,) = struct.unpack_from(">H" if big else "<H", header, _MACHINE_AT)
    return _ARCHITECTURES.get((machine, wide, big), f"machine {machine}")


def read_elf(content: bytes) -> ElfFile | None:
    """Read the dynamic section; a file without one needs nothing."""
    arch = architecture(content)
    if arch is None:
        return None
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(io.BytesIO(content))
        entries = list(_dynamic(elf))
        versions = tuple(_versions(elf))
    except Exception:  # noqa: BLE001 - the reader has no one error for the files that it cannot read
        return None
    runpath = [text for tag, text in entries if tag == "DT_RUNPATH"]
    rpath = [text for tag, text in entries if tag == "DT_RPATH"]
    return ElfFile(
        arch=arch,
        soname=next((text for tag, text in entries if tag == "DT_SONAME"), ""),
        needed=tuple(text for tag, text in entries if tag == "DT_NEEDED"),
        folders=tuple(folder for text in runpath or rpath for folder in text.split(":") if folder),
        versions=versions,
    )


def loaded_bytes(content: bytes) -> bytes:
    """Return what of an ELF file is in memory when it runs, which debugging information is not."""
    from elftools.elf.elffile import ELFFile

    try:
        sections = ELFFile(io.BytesIO(content)).iter_sections()
        return b"\0".join(
            section.data() for section in sections if section["sh_flags"] & _ALLOCATED
        )
    except Exception:  # noqa: BLE001 - as above
        return content


def defined_symbols(content: bytes) -> frozenset[str]:
    """Return the names that an ELF file gives to whoever loads it."""
    from elftools.elf.elffile import ELFFile

    try:
        section: Any = ELFFile(io.BytesIO(content)).get_section_by_name(".dynsym")
        symbols = section.iter_symbols() if section else ()
        return frozenset(one.name for one in symbols if one["st_shndx"] != "SHN_UNDEF")
    except Exception:  # noqa: BLE001 - as above
        return frozenset()


def elf_names(archive: zipfile.ZipFile, names: Iterable[str] | None = None) -> Iterator[str]:
    """Yield the paths of the ELF files in a wheel, or of those among ``names``."""
    for name in archive.namelist() if names is None else names:
        # No loader looks at Python's sources, and they are most of a wheel.
        if not name.endswith((".py", "/")):
            with archive.open(name) as member:
                if member.read(len(MAGIC)) == MAGIC:
                    yield name


def elf_members(
    archive: zipfile.ZipFile, names: Iterable[str] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield the paths of the ELF files with their bytes."""
    return ((name, archive.read(name)) for name in elf_names(archive, names))


def _dynamic(elf: Any) -> Iterator[tuple[str, str]]:
    attributes = {
        "DT_NEEDED": "needed",
        "DT_SONAME": "soname",
        "DT_RPATH": "rpath",
        "DT_RUNPATH": "runpath",
    }
    # The segment and not the section: it is what the loader reads, and stripping keeps it.
    for segment in elf.iter_segments("PT_DYNAMIC"):
        for tag in segment.iter_tags():
            attribute = attributes.get(tag.entry.d_tag)
            if attribute:
                yield tag.entry.d_tag, getattr(tag, attribute)


def _versions(elf: Any) -> Iterator[str]:
    section = elf.get_section_by_name(".gnu.version_r")
    for library, wanted in section.iter_versions() if section else ():
        if not library.name.startswith("ld"):
            yield from (version.name for version in wanted)
