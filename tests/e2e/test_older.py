"""Where something is older than it might be, the plan, the summary and the job say why."""

import json

import pytest

from e2e.user import User
from wheelyard.testing.folder_index import write_index
from wheelyard.testing.sdists import SdistSpec, write_sdist

FRAIL = SdistSpec(
    name="frail",
    build_requires=("tool",),
    during_build="import tool; assert tool.GENERATION == 1, 'tool is too new'",
)
GENERATIONS = [
    SdistSpec(name="tool", version=f"{number}.0", body=f"GENERATION = {number}\n")
    for number in (1, 2)
]
UPLOADED = {
    "tool-1.0.tar.gz": "2018-01-01T00:00:00Z",
    "frail-1.0.tar.gz": "2025-06-01T00:00:00Z",
    "tool-2.0.tar.gz": "2026-06-01T00:00:00Z",
}


@pytest.fixture
def index(user: User) -> str:
    files = [write_sdist(spec, user.folder / "files") for spec in (FRAIL, *GENERATIONS)]
    return write_index(user.folder / "pages", files, uploaded=UPLOADED).as_uri()


def test_wheel_made_with_older_tools_says_so_wherever_it_is_taken(
    newcomer: User, index: str, interpreters: list[str]
) -> None:
    user, state = newcomer, ("--state", newcomer.state)
    low, high = ("-t", interpreters[-2]), ("-t", interpreters[-1])

    first = user.build("frail", *low, index=index)
    assert first.row("frail==1.0")["ending"] == "built"
    day = first.row("frail==1.0")["as_of"]
    assert day >= "2025-06-01"
    assert user.show("frail")["report"]["as_of"] == day
    assert f"as of {day}, because newer ones broke" in user.run("job", "show", "frail", *state).out

    second = user.build("frail", *low, *high, index=index)
    assert {row["ending"]: row["as_of"] for row in second.rows.values() if "frail" in str(row)} == {
        "reused": day,
        "covered": day,
    }
    third = user.build("frail", *high, index=index)
    assert third.row("frail==1.0")["ending"] == "covered"
    assert third.row("frail==1.0")["as_of"] == day
    table = user.run("build", *user.words("frail", *high, index=index)).out
    assert f"covered (tools of {day})" in table


def test_margin_says_how_much_newer_tools_may_be(newcomer: User, index: str) -> None:
    ran = newcomer.build("frail", "--as-of-margin-days", "1000", index=index)

    assert ran.endings["frail==1.0"] == {"failed"}


def test_plan_and_summary_say_why_a_newer_release_was_not_chosen(user: User, index: str) -> None:
    words = user.words("tool", "--exclude-newer", "2026-01-01", index=index)
    said = "older: tool 1.0 for "
    reason = "2.0 was uploaded 2026-06-01 00:00 UTC, after 2026-01-02 00:00"

    for command in ("plan", "build"):
        shown = user.run(command, *words).out
        assert said in shown
        assert reason in shown
    unit = json.loads(user.run("plan", "--json", *words).out)["units"][0]
    assert unit["older"] == reason
    assert (
        user.build("tool", "--exclude-newer", "2026-01-01", index=index).row("tool==1.0")["older"]
        == reason
    )


def test_override_file_replaces_what_releases_require(user: User) -> None:
    user.upload(
        SdistSpec(name="wants", requires=("lib<2",)),
        SdistSpec(name="lib"),
        SdistSpec(name="lib", version="2.0"),
    )
    (user.folder / "overrides.txt").write_text("lib>=2\n")
    (user.folder / "wheelyard.toml").write_text('[build]\noverride = ["overrides.txt"]\n')

    assert "lib==2.0" in user.build("wants").endings
    (user.folder / "overrides.txt").write_text("./lib\n")
    ran = user.build("wants")
    assert ran.code == 2
    assert "is no override" in ran.err


def test_plan_and_summary_name_what_upstream_withdrew(user: User) -> None:
    files = [write_sdist(SdistSpec(name="bad"), user.folder / "files")]
    pages = user.folder / "pages"
    index = write_index(pages, files, yanked={files[0].name: "loses mail"}).as_uri()

    for command in ("plan", "build"):
        shown = user.run(command, *user.words("bad==1.0", index=index)).out
        assert "yanked: bad 1.0: loses mail" in shown
    assert user.build("bad==1.0", index=index).row("bad==1.0")["yanked"] == "loses mail"
