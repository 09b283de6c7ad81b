"""What a WebAssembly module says it takes and gives (WebAssembly core specification 2.0, chapter 5).

A module that cannot be read has nothing to say: it is None here and never an error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAGIC = b"\0asm"

_HEADER = 8
_TYPE, _IMPORT, _FUNCTION, _EXPORT = 1, 2, 3, 7
_OF_FUNCTION, _OF_TABLE, _OF_MEMORY, _OF_GLOBAL, _OF_TAG = range(5)
_FORM_OF_FUNCTION = 0x60
_REFERENCES = {0x63, 0x64}
_NAMES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref"}
_LONGEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WasmModule:
    """What a module takes and gives.

    ``imports`` are the functions that it takes from ``env`` by name, ``exports`` those that it gives, each with
    its signature: ``(i32, i64) -> i32``. ``defined`` are all names that it exports, variables too.
    """

    imports: Mapping[str, str]
    exports: Mapping[str, str]
    defined: frozenset[str]


def read_wasm(content: bytes) -> WasmModule | None:
    """Read imports and exports; None for what is no module."""
    if not content.startswith(MAGIC):
        return None
    try:
        return _read(content)
    except (IndexError, UnicodeDecodeError, ValueError):
        return None


def mismatches(module: WasmModule, main: WasmModule) -> tuple[str, ...]:
    """Name the functions that a side module calls otherwise than the main module gives them."""
    return tuple(
        f"{name} is called as {signature} and is {main.exports[name]}"
        for name, signature in sorted(module.imports.items())
        if name in main.exports and main.exports[name] != signature
    )


class _Reader:
    """Bytes and a place in them. Raises IndexError at the end, ValueError for what is no number."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self.content = content
        self.at = at

    def byte(self) -> int:
        value = self.content[self.at]
        self.at += 1
        return value

    def number(self) -> int:
        """Read an unsigned number in LEB128."""
        value = shift = 0
        for _ in range(_LONGEST):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
        raise ValueError("a number without an end")

    def text(self) -> str:
        size = self.number()
        piece = self.content[self.at : self.at + size]
        if len(piece) != size:
            raise IndexError(self.at)
        self.at += size
        return piece.decode()

    def limits(self) -> None:
        flags = self.byte()
        self.number()
        if flags & 1:
            self.number()

    def value_type(self) -> str:
        code = self.byte()
        if code in _REFERENCES:
            self.number()
        return _NAMES.get(code, f"type {code:#x}")


def _read(content: bytes) -> WasmModule:
    types: list[str] = []
    functions: list[str] = []
    imports: dict[str, str] = {}
    exports: dict[str, str] = {}
    defined: set[str] = set()
    for kind, reader in _sections(content):
        if kind == _TYPE:
            types = [_signature(reader) for _ in range(reader.number())]
        elif kind == _IMPORT:
            for module, name, index in _imports(reader):
                functions.append(types[index])
                if module == "env":
                    imports[name] = types[index]
        elif kind == _FUNCTION:
            functions += [types[reader.number()] for _ in range(reader.number())]
        elif kind == _EXPORT:
            for _ in range(reader.number()):
                name, what, index = reader.text(), reader.byte(), reader.number()
                defined.add(name)
                if what == _OF_FUNCTION:
                    exports[name] = functions[index]
    return WasmModule(imports=imports, exports=exports, defined=frozenset(defined))


def _sections(content: bytes) -> Iterator[tuple[int, _Reader]]:
    reader = _Reader(content, _HEADER)
    while reader.at < len(content):
        kind, size = reader.byte(), reader.number()
        yield kind, _Reader(content, reader.at)
        reader.at += size


def _signature(reader: _Reader) -> str:
    if reader.byte() != _FORM_OF_FUNCTION:
        raise ValueError("a type that is no function's")
    takes = [reader.value_type() for _ in range(reader.number())]
    gives = [reader.value_type() for _ in range(reader.number())]
    return f"({', '.join(takes)}) -> {', '.join(gives) or 'nothing'}"


def _imports(reader: _Reader) -> Iterator[tuple[str, str, int]]:
    """Yield the functions among the imports, with the index of each one's type."""
    for _ in range(reader.number()):
        module, name, what = reader.text(), reader.text(), reader.byte()
        if what == _OF_FUNCTION:
            yield module, name, reader.number()
        elif what == _OF_TABLE:
            reader.value_type()
            reader.limits()
        elif what == _OF_MEMORY:
            reader.limits()
        elif what == _OF_GLOBAL:
            reader.value_type()
            reader.byte()
        elif what == _OF_TAG:
            reader.byte()
            reader.number()
        else:
            raise ValueError(f"an import of kind {what}")
