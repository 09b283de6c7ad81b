"""What a recipe keeps secret is not shown, however it is printed."""

from pathlib import Path

import pytest

from wheelyard.executor.joblog import JobLog
from wheelyard.executor.masking import Mask, mask_of
from wheelyard.model.recipe import Recipe

PRINTED = b"first hush-hush, then hush-hush-hush; hush-h and the end hush"
SHOWN = "first …, then …; hush-h and the end hush"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 11, 100])
def test_secret_is_hidden_wherever_its_bytes_are_cut(size: int) -> None:
    mask = Mask(["hush-hush", "hush-hush-hush"])

    shown = b"".join(mask.feed(PRINTED[at : at + size]) for at in range(0, len(PRINTED), size))

    assert (shown + mask.flush()).decode() == SHOWN
    assert mask.text(PRINTED.decode()) == SHOWN


def test_what_cannot_become_a_secret_is_shown_at_once() -> None:
    assert Mask(["hush-hush"]).feed(b"Password: ") == b"Password: "
    assert Mask().feed(b"hush") == b"hush"


def test_what_is_short_or_no_secret_by_its_name_is_shown() -> None:
    mask = mask_of(
        Recipe(
            environment={"API_TOKEN": "short", "CFLAGS": "-O2 -DNDEBUG"},
            config_settings={"auth-token": ("first-one", "second-one")},
        )
    )

    assert mask.text("short -O2 -DNDEBUG first-one second-one") == "short -O2 -DNDEBUG … …"


def test_each_line_of_a_secret_and_the_password_in_an_address_are_hidden_alone() -> None:
    mask = Mask(["-----BEGIN-----\nabcdefgh\n", "https://me:sesame1@a.invalid/"])

    assert mask.text("got abcdefgh; sesame1 is wrong") == "got …; … is wrong"


def test_log_keeps_and_tells_nothing_of_a_secret(tmp_path: Path) -> None:
    told: list[str] = []
    log = JobLog(tmp_path / "log", limit=1000, told=told.append, mask=Mask(["hush-hush"]))

    for chunk in (b"a hush", b"-hush\nb hu", b"sh-h"):
        log.write(chunk)
    log.note("with hush-hush")
    log.close()

    assert (tmp_path / "log").read_text() == "a …\nb hush-h\n[wheelyard] with …\n"
    assert told == ["a …", "b hush-h"]
