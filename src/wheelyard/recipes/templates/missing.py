"""The value of a name that a variant doesn't have."""

from collections.abc import Iterator


class Missing:
    """What conda-build's first pass makes of an unknown name: empty, false, and never an error."""

    __slots__ = ("name",)

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __str__(self) -> str:
        return ""

    __repr__ = __str__

    def __html__(self) -> str:
        return ""

    def __format__(self, specification: str) -> str:
        return ""

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[object]:
        return iter(())

    def __contains__(self, item: object) -> bool:
        return False

    def __int__(self) -> int:
        return 0

    def __float__(self) -> float:
        return 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing)

    def __hash__(self) -> int:
        return 0
