"""Trees whose name, version or requirements only their back end knows are built like any others."""

import shutil
from pathlib import Path

import pytest

from e2e.trees import BACK_END, ON_INDEX, commit, git, write_tree
from e2e.user import User
from wheelyard.testing.sdists import SdistSpec


@pytest.fixture(autouse=True)
def own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "nothing"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def user(user: User) -> User:
    """Somebody whose index is there, though nothing may be on it."""
    user.index.mkdir()
    return user


@pytest.mark.parametrize(
    ("static", "files"),
    [
        ('[project]\nname = "told"\ndynamic = ["version"]\n', {}),
        ("", {}),
        ("", {"NO_HOOK": ""}),
        ('[project]\nname = "told"\nversion = "3.1"\ndynamic = ["dependencies"]\n', {}),
    ],
    ids=["version", "everything", "no hook for metadata", "requirements"],
)
def test_tree_is_what_its_back_end_says(user: User, static: str, files: dict[str, str]) -> None:
    user.upload(SdistSpec(name="helper"))
    known = {"VERSION": "3.1", "REQUIRES": "Requires-Dist: helper\n"}
    write_tree(user.folder / "tree", static=static, files=known | files)
    ran = user.build("./tree")
    assert ran.code == 0, ran.err
    assert ran.row("told==3.1")["ending"] in {"built", "reused"}
    assert ran.row("told==3.1")["requested"]
    assert "helper==1.0" in ran.endings
    again = user.build("./tree")
    assert again.code == 0
    assert again.started == []


def test_version_is_taken_from_git_with_a_back_end_built_from_source(newcomer: User) -> None:
    user = newcomer
    user.upload(ON_INDEX)
    tree = write_tree(user.folder / "tree", in_tree=False)
    commit(tree, "v1.0")
    first = user.build("./tree")
    assert first.code == 0, first.err
    assert first.started == ["tellback==1.0", "told==1.0"]
    kinds = [event["event"] for event in first.events]
    assert kinds.index("source-asked") < kinds.index("job-started")
    assert user.build("./tree").started == []
    by_url = user.build(f"told @ git+{tree.as_uri()}@v1.0")
    assert by_url.row("told==1.0")["ending"] == "built"
    (tree / "module.py").write_text("VALUE = 2\n")
    assert user.build("./tree").started == ["told==1.0+dirty"]
    commit(tree)
    assert user.build("./tree").started == ["told==1.0.post1"]
    assert user.build(f"git+{tree.as_uri()}").started == ["told==1.0.post1"]


def test_tag_that_came_later_changes_the_version_of_the_same_commit(user: User) -> None:
    tree = write_tree(user.folder / "tree", name="tagged")
    commit(tree, "v1.0")
    (tree / "module.py").write_text("VALUE = 2\n")
    commit(tree)
    url = f"git+{tree.as_uri()}"
    assert "tagged==1.0.post1" in user.build(url).endings
    git(tree, "tag", "v2.0")
    assert "tagged==2.0" in user.build(url).endings
    assert "tagged==2.0" in user.build("./tree").endings


def test_committed_leftovers_do_not_make_a_tree_look_changed(user: User) -> None:
    tree = write_tree(user.folder / "tree", name="kept", files={"build/tool.txt": "ours"})
    commit(tree, "v1.0")
    (tree / "dist").mkdir()
    (tree / "dist" / "old.whl").write_text("left by a build")
    assert "kept==1.0" in user.build("./tree").endings


def test_what_a_back_end_asks_for_is_built_before_it_is_asked_again(user: User) -> None:
    user.upload(SdistSpec(name="asked-for"))
    files = {"VERSION": "1.0", "ASKS": "asked-for"}
    write_tree(user.folder / "tree", name="asking", files=files)
    ran = user.build("./tree")
    assert ran.code == 0, ran.err
    assert ran.row("asking==1.0")["ending"] == "built"
    assert user.show("asking")["report"]["environment"] == ["asked-for==1.0"]


def test_plan_of_a_tree_names_its_version_and_its_requirements(user: User) -> None:
    user.upload(SdistSpec(name="helper"))
    files = {"VERSION": "4.5", "REQUIRES": "Requires-Dist: helper\n"}
    write_tree(user.folder / "tree", name="planned", files=files)
    ran = user.run("plan", *user.words("./tree"))
    assert ran.code == 0, ran.err
    assert "planned 4.5" in ran.out
    assert "run: helper 1.0" in ran.out


def test_tree_is_asked_on_a_python_that_it_is_meant_for(
    user: User, interpreters: list[str]
) -> None:
    oldest, newest = interpreters[0], interpreters[-1]
    if oldest == newest:
        pytest.skip("one Python only")
    version = f"{newest[2]}.{newest[3:]}"
    static = f'[project]\nname = "told"\ndynamic = ["version"]\nrequires-python = ">={version}"\n'
    hates = f'\nimport sys\nassert "%d.%d" % sys.version_info[:2] == "{version}"\n'
    files = {"VERSION": "3.2", "tellback.py": BACK_END + hates}
    write_tree(user.folder / "tree", static=static, files=files)
    ran = user.build("./tree", "--target", oldest, "--target", newest)
    assert ran.rows["told==3.2", newest]["ending"] == "built", ran.err


def test_what_asking_takes_is_not_built_anew_for_that(newcomer: User) -> None:
    user = newcomer
    user.upload(ON_INDEX)
    tree = write_tree(user.folder / "tree", in_tree=False, files={"VERSION": "1.0"})
    assert user.build("./tree").code == 0
    (tree / "VERSION").write_text("2.0")
    assert user.build("./tree", "--rebuild").started == ["tellback==1.0", "told==2.0"]


@pytest.mark.skipif(not shutil.which("bwrap"), reason="no sandbox here")
def test_what_was_said_without_a_sandbox_is_asked_again_in_one(user: User) -> None:
    looks = '\ndef version():\n    return "1.0" if os.getcwd().startswith("/build/") else "2.0"\n'
    write_tree(user.folder / "tree", name="looking", files={"tellback.py": BACK_END + looks})
    assert "looking==2.0" in user.build("./tree", "--sandbox", "off").endings
    assert "looking==1.0" in user.build("./tree", "--sandbox", "require").endings


def test_back_end_that_cannot_say_is_one_clear_message(user: User) -> None:
    write_tree(user.folder / "tree", name="mute")
    ran = user.build("./tree")
    assert ran.code == 1
    assert [event["event"] for event in ran.events] == ["source-asked"]
    assert ran.err.count("error:") == 1
    assert "does not say which release it is" in ran.err
    assert "hint:" in ran.err


def test_recipe_tells_a_back_end_what_the_tree_does_not(user: User) -> None:
    tree = write_tree(user.folder / "tree", name="mute")
    text = '[package.mute]\nenvironment = { TOLD_VERSION = "7.0" }\n'
    (user.folder / "wheelyard.toml").write_text(text)
    ran = user.build(f"mute @ {tree.as_uri()}")
    assert ran.code == 0, ran.err
    assert ran.row("mute==7.0")["ending"] == "built"


def test_build_requirement_that_is_nowhere_is_named(user: User) -> None:
    user.upload(SdistSpec(name="helper"))
    write_tree(user.folder / "tree", in_tree=False)
    ran = user.build("./tree")
    assert ran.code == 1
    assert "tellback" in ran.err
    assert "build requirements of" in ran.err


def test_name_that_the_back_end_contradicts_is_told(user: User) -> None:
    tree = write_tree(user.folder / "tree", files={"VERSION": "1.0"})
    ran = user.build(f"other @ {tree.as_uri()}")
    assert ran.code == 1
    assert "is 'told', not 'other'" in ran.err
