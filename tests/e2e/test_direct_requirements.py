"""Places beside names: extras and markers, changed and unchanged sources, and what is never shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.trees import commit
from e2e.user import User, files_below
from upstream.web import Site
from wheelyard.testing.sdists import SdistSpec, write_sdist, write_tree

SECRET = "hush-hush"


@pytest.fixture
def user(user: User) -> User:
    """Somebody with a tree that has an extra, and with what the extra needs on the index."""
    user.upload(SdistSpec(name="helper"))
    spec = SdistSpec(
        name="mine",
        extras=("more",),
        requires=('helper ; extra == "more"',),
        body=f"WHERE = {str(user.folder)!r}\n",
    )
    write_tree(spec, user.folder / "tree")
    return user


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.mark.parametrize(
    "reference",
    ["./tree[more]", "mine[more] @ {tree}", "git+{tree}[more]", "mine[more] @ git+{tree}"],
)
def test_extra_of_a_place_brings_what_it_needs(user: User, reference: str) -> None:
    commit(user.folder / "tree")
    ran = user.build(reference.format(tree=(user.folder / "tree").as_uri()))
    assert ran.code == 0, ran.err
    assert set(ran.endings) == {"mine==1.0", "helper==1.0"}


def test_place_is_left_out_where_its_marker_does_not_hold(
    user: User, interpreters: list[str]
) -> None:
    older, newer = interpreters[-2:]
    version = f"3.{newer.removeprefix('cp3').partition('-')[0]}"
    targets = ("--target", older, "--target", newer)
    ran = user.build(f"./tree ; python_version < '{version}'", "helper", *targets)
    assert ran.code == 0, ran.err
    assert {target for release, target in ran.rows if release == "mine==1.0"} == {older}
    assert {target for release, target in ran.rows if release == "helper==1.0"} == {older, newer}


def test_place_that_is_wanted_nowhere_is_not_even_looked_at(user: User) -> None:
    ran = user.build("mine @ https://x.invalid/mine-1.0.zip ; python_version < '3'", "helper")
    assert ran.code == 0, ran.err
    assert set(ran.endings) == {"helper==1.0"}


def test_one_project_in_two_places_is_refused(user: User) -> None:
    write_tree(SdistSpec(name="mine", version="2.0"), user.folder / "other")
    assert user.build("./tree", "./tree[more]").code == 0
    ran = user.build("./tree", "./other")
    assert ran.code == 2
    assert "two places" in ran.err


@pytest.mark.parametrize("text", ["./nofolder", "nofolder.tar.gz", "mine @ file:///no/folder"])
def test_path_that_is_not_there_is_a_mistake_of_the_command_line(user: User, text: str) -> None:
    ran = user.build(text)
    assert ran.code == 2
    assert "is not there" in ran.err
    assert "hint:" in ran.err


def test_changed_folder_is_built_and_one_that_changed_back_is_not(user: User) -> None:
    module = next((user.folder / "tree" / "src").rglob("__init__.py"))
    text = module.read_text()
    assert user.build("./tree").started == ["mine==1.0"]
    module.write_text(text + "MORE = 1\n")
    assert user.build("./tree").started == ["mine==1.0"]
    module.write_text(text)
    assert user.build("./tree").started == []


def test_recorded_plan_is_not_repeated_with_a_changed_folder(newcomer: User) -> None:
    user = newcomer
    recorded = user.run("plan", *user.words("./tree"), "--write-plan", "plan.json")
    assert recorded.code == 0, recorded.err
    (user.folder / "tree" / "new.py").write_text("")
    elsewhere = ("--state", str(user.folder / "elsewhere"))
    ran = user.build("--plan", "plan.json", *elsewhere)
    assert ran.code == 1
    assert "was changed since" in ran.out
    here = user.build("--plan", "plan.json")
    assert here.row("mine==1.0")["ending"] == "built"


def test_recorded_plan_is_not_repeated_with_another_file_of_an_index_without_digests(
    newcomer: User,
) -> None:
    user = newcomer
    user.upload(SdistSpec(name="plain"))
    recorded = user.run("plan", *user.words("plain"), "--write-plan", "plan.json")
    assert recorded.code == 0, recorded.err
    user.upload(SdistSpec(name="plain", body="OTHER = 1\n"))
    ran = user.build("--plan", "plan.json", "--state", str(user.folder / "elsewhere"))
    assert ran.code == 1
    assert "was announced" in ran.out


def test_replaced_build_tool_of_an_index_without_digests_builds_again(newcomer: User) -> None:
    user = newcomer
    user.upload(SdistSpec(name="tool"), SdistSpec(name="uses", build_requires=("tool",)))
    assert user.build("uses").started == ["tool==1.0", "uses==1.0"]
    assert user.build("uses").started == []
    recorded = user.run("plan", *user.words("uses"), "--write-plan", "plan.json")
    assert recorded.code == 0, recorded.err
    assert user.build("--plan", "plan.json").started == []
    user.upload(SdistSpec(name="tool", body="OTHER = 1\n"))
    assert user.build("uses").started == ["tool==1.0", "uses==1.0"]


def test_tokens_of_addresses_are_used_and_appear_nowhere(newcomer: User, site: Site) -> None:
    user = newcomer
    content = write_sdist(SdistSpec(name="private"), user.folder / "files").read_bytes()
    signed = write_sdist(SdistSpec(name="signed"), user.folder / "files").read_bytes()
    site.put(f"/private-1.0.tar.gz?token={SECRET}", content)
    link = site.put(f"/files/signed-1.0.tar.gz?signature={SECRET}", signed)
    site.put_page("signed", f'<a href="{link}">signed-1.0.tar.gz</a>')
    url = f"{site.url}/private-1.0.tar.gz?token={SECRET}".replace("//", f"//me:{SECRET}@")
    options = ("--write-plan", "plan.json", "--pylock", "locks", "-o", "out")
    ran = user.build(url, "signed", *options, index=site.index)
    assert ran.code == 0, ran.err
    assert {release for release, _ in ran.rows} == {"private==1.0", "signed==1.0"}
    planned = user.run("plan", *user.words(url, "signed", index=site.index), "--format", "json")
    shown = user.run("job", "show", "private", "--json", "--state", user.state)
    for text in (ran.out, ran.err, planned.out, planned.err, shown.out, user.log("private")):
        assert SECRET not in text
    for folder in ("locks", "out"):
        for path in files_below(user.folder / folder):
            assert SECRET.encode() not in path.read_bytes(), path
    plan = (user.folder / "plan.json").read_text()
    assert SECRET not in plan
    assert f"{site.url}/private-1.0.tar.gz" in plan
    # The index still says with what query the signed file is to be had.
    elsewhere = ("--state", str(user.folder / "elsewhere"))
    again = user.build("--plan", "plan.json", *elsewhere, index=site.index)
    assert again.row("signed==1.0")["ending"] == "built"
    assert SECRET not in again.out + again.err


def test_folder_that_is_no_project_says_so(user: User, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = user.build("./empty")
    assert ran.code in {1, 2}
    assert f"{tmp_path / 'empty'} has neither pyproject.toml nor setup.py" in ran.err
