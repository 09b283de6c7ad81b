"""Hides a recipe's secrets in what a build prints: passwords and the like are for the build alone.

A secret is found as it is set, also where its bytes come in pieces; what a build makes of it (base64,
quoted for a URL) is not.
"""

import re
from collections.abc import Iterable, Iterator

from wheelyard.model.recipe import Recipe
from wheelyard.model.secrets import HIDDEN, is_secret

_FEWEST_LETTERS = 6
"""What is shorter stands in too many innocent words."""
_CREDENTIALS = re.compile(r"://([^/\s@]+)@")


class Mask:
    """Hides some values: all at once in a text, or in bytes as they come."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        wanted = {part for value in values for part in _parts(value)}
        self._secrets = sorted(
            (part.encode() for part in wanted if len(part) >= _FEWEST_LETTERS),
            key=len,
            reverse=True,
        )
        self._pattern = re.compile(b"|".join(map(re.escape, self._secrets)))
        self._longest = max(map(len, self._secrets), default=0)
        self._rest = b""

    def text(self, text: str) -> str:
        """Return a whole text without the values."""
        return self._hide(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be shown by now; what may be the beginning of a value waits for more."""
        if not self._secrets:
            return chunk
        data = self._rest + chunk
        end, at, shown = self._undecided(data), 0, bytearray()
        for match in self._pattern.finditer(data):
            if match.start() >= end:
                break
            shown += data[at : match.start()] + HIDDEN.encode()
            at = match.end()
        end = max(end, at)
        self._rest = data[end:]
        return bytes(shown + data[at:end])

    def flush(self) -> bytes:
        """Return what waited, because no more comes."""
        rest, self._rest = self._rest, b""
        return self._hide(rest)

    def _hide(self, data: bytes) -> bytes:
        return self._pattern.sub(HIDDEN.encode(), data) if self._secrets else data

    def _undecided(self, data: bytes) -> int:
        """Return where the end of some data begins that could become a value."""
        for start in range(max(0, len(data) - self._longest + 1), len(data)):
            end = data[start:]
            if any(len(end) < len(secret) and secret.startswith(end) for secret in self._secrets):
                return start
        return len(data)


def mask_of(recipe: Recipe) -> Mask:
    """Return what hides the secrets of a recipe's variables and settings."""
    return Mask(_secrets(recipe))


def _secrets(recipe: Recipe) -> Iterator[str]:
    for settings in (recipe.environment, recipe.config_settings):
        for name, value in settings.items():
            for one in (value,) if isinstance(value, str) else value:
                if is_secret(name, one):
                    yield one


def _parts(value: str) -> Iterator[str]:
    """Yield a value, its lines, and of a URL the credentials: any of them may be printed alone."""
    yield value.strip()
    yield from (line.strip() for line in value.splitlines())
    for credentials in _CREDENTIALS.findall(value):
        yield credentials
        yield credentials.partition(":")[2]
