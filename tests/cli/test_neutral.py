"""What a stranger printed does nothing to a terminal but show itself."""

import pytest

from wheelyard.cli.display.neutral import neutral, neutral_stream

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b5n\r\nab\rc\u202etxt.exe\x08\x7f\ttab"


def test_only_colours_line_ends_and_tabs_are_obeyed() -> None:
    shown = neutral(HOSTILE, colours=True)

    assert shown == ("^[]0;owned^G^[[2J\x1b[31mred\x1b[0m\\x9b5n\nab\nc\\u202etxt.exe^H^?\ttab")


def test_a_reason_has_no_colours() -> None:
    assert neutral("\x1b[1;31merror:\x1b[0m odd\x1b[K") == "error: odd^[[K"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_read_like_the_whole(size: int) -> None:
    content = f"{HOSTILE}\n\x1b[38;5;196mviél ünïcode 🐍\x1b[0m\r\n".encode() + b"\xff\xfe end"

    pieces = [content[at : at + size] for at in range(0, len(content), size)]

    assert "".join(neutral_stream(pieces)) == neutral(
        content.decode(errors="replace"), colours=True
    )
