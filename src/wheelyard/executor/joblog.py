"""The log of one attempt: streamed to a file, kept up to its limit, told on as lines."""

import contextlib
import gzip
import shutil
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from wheelyard.executor.masking import Mask

# Other compilers go on after the one that failed, and gcc prints a kilobyte for each warning in C++.
_TAIL_BYTES = 256 * 1024
_LONGEST_LINE = 4096
_LINES_AT_ONCE = 50
_MOST_REMARKS = 1000


class JobLog:
    """Bytes as they came, but for what ``mask`` hides. Lines that are told on are decoded with replacement, and may be cut."""

    def __init__(
        self, path: Path, *, limit: int, told: Callable[[str], None], mask: Mask | None = None
    ) -> None:
        self.path = path
        self.size = 0
        self.seen = 0
        self.last_output = time.monotonic()
        self._limit = limit
        self._told = told
        self._mask = mask or Mask()
        self._rest = b""
        self._within_line = False
        self._remarks: deque[str] = deque(maxlen=_MOST_REMARKS)
        self._stream = path.open("xb", buffering=0)

    @property
    def full(self) -> bool:
        """Whether more was printed than is kept."""
        return self.seen > self._limit

    def write(self, chunk: bytes) -> None:
        """Take in what a build printed."""
        self.last_output = time.monotonic()
        self.seen += len(chunk)
        self._take(self._mask.feed(chunk))
        self._write_remarks()

    def note(self, text: str) -> None:
        """Write a line of our own; it is kept even where the limit is reached."""
        self._end_line()
        self._write_remarks()
        self._keep(f"[wheelyard] {self._mask.text(text)}\n".encode(errors="replace"))

    def remark(self, text: str) -> None:
        """Write a line of our own as soon as it cuts none of the build's in two; none is worth more than the limit."""
        self._remarks.append(text)
        self._write_remarks()

    def tail(self) -> str:
        """Return the end of the log as text."""
        self._take(self._mask.flush())
        with self.path.open("rb") as stream:
            stream.seek(max(0, self.size - _TAIL_BYTES))
            return stream.read(_TAIL_BYTES).decode(errors="replace")

    def compress(self, target: Path) -> None:
        """Close the log and write it compressed; the same bytes each time."""
        self.close()
        with (
            self.path.open("rb") as source,
            target.open("wb") as stream,
            gzip.GzipFile("", "wb", 6, stream, mtime=0) as packed,
        ):
            shutil.copyfileobj(source, packed)

    def close(self) -> None:
        """Write no more."""
        if not self._stream.closed:
            self._take(self._mask.flush())
        self._stream.close()

    def _take(self, shown: bytes) -> None:
        self._keep(shown[: max(0, self._limit - self.size)])
        if shown:
            self._within_line = not shown.endswith(b"\n")
        if not self.full:
            self._tell(shown)

    def _keep(self, content: bytes) -> None:
        """Append to the file. A full disk ends the log, not the attempt, which says itself what it lacks."""
        with contextlib.suppress(OSError):
            self.size += self._stream.write(content) or 0

    def _end_line(self) -> None:
        self._take(self._mask.flush())
        if self._rest:
            self._keep(b"\n")
            self._say(self._rest)
            self._rest, self._within_line = b"", False

    def _write_remarks(self) -> None:
        while self._remarks and not self._within_line:
            line = f"[wheelyard] {self._mask.text(self._remarks.popleft())}\n".encode(
                errors="replace"
            )
            if self.size + len(line) <= self._limit:
                self._keep(line)

    def _tell(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        # A flood of lines is for the file; whoever watches gets the newest.
        for line in lines[-_LINES_AT_ONCE:]:
            self._say(line)

    def _say(self, line: bytes) -> None:
        text = line[:_LONGEST_LINE].decode(errors="replace").rstrip("\r")
        if text.strip():
            self._told(text)
