"""A form with one file in it, as it comes: the file goes to the disk, the fields are kept.

However large the file is, it takes no memory. What is more than the limits say is not read.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from wheelyard.web.refusals import Refusal

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_FIELDS_BYTES = 8 << 20
_FIELDS = 2000
_CLOSE = {"Connection": "close"}


@dataclass(slots=True)
class Form:
    """What came. ``filename`` is what the sender called the file, unchecked."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    size: int = 0


class FormReader:
    """Reads a body of the type multipart/form-data; the file of the part ``content`` goes to ``path``."""

    def __init__(self, path: Path, *, most: int) -> None:
        self.form = Form()
        self._path = path
        self._most = most
        self._file: BinaryIO | None = None
        self._header, self._value = b"", b""
        self._name, self._filename = "", ""
        self._content = bytearray()
        self._taken = self._parts = 0

    async def read(self, content_type: str, chunks: AsyncIterator[bytes]) -> Form:
        """Read all of it. Raises a Refusal."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 256:  # noqa: PLR2004 - RFC 2046: 70
            raise Refusal(415, "the body is no form", "Send multipart/form-data.", _CLOSE)
        parser = MultipartParser(boundary, self._callbacks())
        try:
            async for chunk in chunks:
                parser.write(chunk)
            parser.finalize()
        except FormParserError as error:
            raise Refusal(400, "the form cannot be read", "", _CLOSE) from error
        finally:
            if self._file is not None:
                self._file.close()
        return self.form

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._take,
            "on_part_end": self._end,
            "on_header_field": self._take_header,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _FIELDS:
            raise Refusal(413, "the form has too many fields", "", _CLOSE)
        self._name, self._filename = "", ""
        self._content.clear()

    def _take_header(self, content: bytes, start: int, end: int) -> None:
        self._header += content[start:end]

    def _take_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            self._filename = options.get(b"filename", b"").decode("utf-8", "replace")
        self._header, self._value = b"", b""

    def _open(self) -> None:
        if self._name != "content":
            return
        if self._file is not None:
            raise Refusal(400, "the form has two files", "Upload one after another.", _CLOSE)
        self.form.filename = self._filename
        self._file = self._path.open("wb")

    def _take(self, content: bytes, start: int, end: int) -> None:
        if self._name == "content" and self._file is not None:
            self.form.size += end - start
            if self.form.size > self._most:
                raise Refusal(413, f"the file has more than {self._most:,} bytes", "", _CLOSE)
            self._file.write(memoryview(content)[start:end])
            return
        self._taken += end - start
        if self._taken > _FIELDS_BYTES:
            raise Refusal(413, "the fields of the form are too long", "", _CLOSE)
        self._content += content[start:end]

    def _end(self) -> None:
        if self._name and self._name != "content":
            # Of those that may come several times (classifiers, requirements) nobody here reads any.
            self.form.fields[self._name] = self._content.decode("utf-8", "replace")
