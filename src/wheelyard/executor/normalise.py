"""Make the archive of a wheel depend on its content alone, and give a wheel another name."""

from pathlib import Path

from wheelyard.executor.archive_entries import UnpackLimits
from wheelyard.executor.wheel_archive import (
    checked_entries,
    dist_info_folder,
    open_wheel,
    rewrite_wheel,
    wheel_refusal,
)
from wheelyard.executor.wheel_content import Content
from wheelyard.targets.wheelname import WheelName


def normalise_wheel(path: Path, *, epoch: int) -> dict[str, Content]:
    """Rewrite a wheel in place so that equal content gives equal bytes; twice is the same as once.

    ``epoch`` is SOURCE_DATE_EPOCH, in seconds. Returns what is in it, but for RECORD. Raises InvalidArchiveError.
    """
    return rewrite_wheel(path, path, epoch=epoch)


def renumber_wheel(path: Path, out_dir: Path, build: int) -> Path:
    """Write a copy of a wheel with a build number and return its path. Raises InvalidArchiveError."""
    parts = _name_parts(path)
    renamed = out_dir / f"{'-'.join([*parts[:2], str(build), *parts[-3:]])}.whl"
    name, content = _wheel_file(path)
    rewrite_wheel(path, renamed, changed={name: _with_build(content, build)})
    return renamed


def _name_parts(path: Path) -> list[str]:
    WheelName.parse(path.name)
    return path.name.removesuffix(".whl").split("-")


def _wheel_file(path: Path) -> tuple[str, bytes]:
    with open_wheel(path) as wheel:
        entries = checked_entries(path, wheel, UnpackLimits())
        name = f"{dist_info_folder(path, entries)}/WHEEL"
        if name not in entries:
            raise wheel_refusal(path, "it has no WHEEL")
        return name, wheel.read(name)


def _with_build(content: bytes, build: int) -> bytes:
    """Return a WHEEL file with a build number, before its tags as its specification has it."""
    lines = [line for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
    kept = [line for line in lines if not line.lower().startswith("build:")]
    place = next((n for n, line in enumerate(kept) if line.lower().startswith("tag:")), len(kept))
    return "\n".join([*kept[:place], f"Build: {build}", *kept[place:], ""]).encode()
