"""Results that the farm did not settle yet, kept through restarts of the builder.

One file each, readable by its owner only (it holds the token of the job). A result is here from the
moment at which its job ended until the farm says that it was taken in or came too late. Which jobs were begun is
noted, too: one that ends its builder must not end it again after each restart.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from wheelyard.errors import OutOfSpaceError, ProtocolError, StoreError
from wheelyard.model.job import BuildKey, Report
from wheelyard.protocol.messages import Result
from wheelyard.protocol.wire import decode_word, encode

_SUFFIX, _UNREADABLE, _BEGUN = ".json", ".unreadable", ".begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A result that waits to be settled. ``log_told``: the last piece of the live log was written.

    ``enclosable``: so many bytes of what it names may go with it.
    """

    key: BuildKey
    fence: int
    report: Report
    token: str = field(repr=False)
    log_told: bool = False
    enclosable: int = 0


class _Text(msgspec.Struct, frozen=True):
    """A kept result as it lies in its file."""

    result: msgspec.Raw
    token: str
    log_told: bool = False
    enclosable: int = 0


class Spool:
    """The kept results of the builder ``name``, in a folder of their own."""

    def __init__(self, folder: Path, *, name: str) -> None:
        self._folder = folder
        self._name = name

    async def keep(self, kept: Kept) -> None:
        """Keep a result, or what changed of it, for good: its job has ended, as ``end`` says.

        Raises StoreError, and ProtocolError where it is too large.
        """
        await asyncio.to_thread(self._keep, kept)

    async def forget(self, key: BuildKey, fence: int) -> None:
        """Let go of a result; nothing happens where it is not here."""
        # Where it cannot be removed it is delivered once more, and settled once more.
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._path(key, fence).unlink, missing_ok=True)

    async def begin(self, key: BuildKey, fence: int) -> None:
        """Note that a job was begun; where that cannot be written, nobody knows after a restart."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._note, self._begun(key, fence), f"{key} {fence}")

    async def end(self, key: BuildKey, fence: int) -> None:
        """Note that a job has ended, however it did."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._begun(key, fence).unlink, missing_ok=True)

    async def begun(self) -> AbstractSet[tuple[BuildKey, int]]:
        """Return the jobs that an earlier process began and did not end: it died while they ran."""
        return await asyncio.to_thread(self._all_begun)

    async def all(self) -> Sequence[Kept]:
        """Return what is kept. What cannot be read (of another version) is put aside."""
        return await asyncio.to_thread(self._all)

    def _keep(self, kept: Kept) -> None:
        result = Result(builder=self._name, key=kept.key, fence=kept.fence, report=kept.report)
        text = _Text(
            result=msgspec.Raw(encode(result)),
            token=kept.token,
            log_told=kept.log_told,
            enclosable=kept.enclosable,
        )
        path = self._path(kept.key, kept.fence)
        temporary = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(
                os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb"
            ) as file:
                file.write(msgspec.json.encode(text))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise _translated(error, self._folder) from error
        with contextlib.suppress(OSError):
            self._begun(kept.key, kept.fence).unlink(missing_ok=True)

    def _all(self) -> Sequence[Kept]:
        found = []
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                found.append(_read(path))
            except (OSError, msgspec.MsgspecError, ProtocolError):
                with contextlib.suppress(OSError):
                    path.rename(path.with_suffix(_UNREADABLE))
        return found

    def _note(self, path: Path, text: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _all_begun(self) -> AbstractSet[tuple[BuildKey, int]]:
        found = set[tuple[BuildKey, int]]()
        for path in self._folder.glob(f"*{_BEGUN}"):
            with contextlib.suppress(OSError, ValueError):
                key, _, fence = path.read_text("utf-8").rpartition(" ")
                found.add((BuildKey(key), int(fence)))
        return found

    def _begun(self, key: BuildKey, fence: int) -> Path:
        return self._path(key, fence).with_suffix(_BEGUN)

    def _path(self, key: BuildKey, fence: int) -> Path:
        # A key is a coordinator's word, and no name of a file until it is made one.
        name = hashlib.sha256(key.encode(errors="replace")).hexdigest()[:32]
        return self._folder / f"{name}-{fence}{_SUFFIX}"


def _read(path: Path) -> Kept:
    text = msgspec.json.decode(path.read_bytes(), type=_Text)
    word = decode_word(bytes(text.result))
    if not isinstance(word, Result):
        raise ProtocolError(f"'{path.name}' holds no result", hint="Remove it.")
    return Kept(
        key=word.key,
        fence=word.fence,
        report=word.report,
        token=text.token,
        log_told=text.log_told,
        enclosable=text.enclosable,
    )


def _translated(error: OSError, folder: Path) -> StoreError:
    if error.errno in {28, 122}:  # ENOSPC, EDQUOT
        return OutOfSpaceError(
            f"no space is left for results in {str(folder)!r}", hint="Make room on that disk."
        )
    return StoreError(
        f"results cannot be kept in {str(folder)!r}: {error.strerror}",
        hint="Look at the folder's permissions, or choose another one with --state.",
    )
