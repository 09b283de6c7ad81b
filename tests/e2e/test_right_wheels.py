"""A green build is not yet a right wheel: what looks wrong is held, and a person may let it count."""

import json
import re

import pytest

from e2e.user import User
from wheelyard.testing.sdists import SdistSpec, sdist_files, write_wheel

RANDOM = """
import pathlib, random, time
place = next(pathlib.Path("src").iterdir()) / "stamp.py"
place.write_text("STAMP = %r" % ((time.time(), random.random()),))
"""
CHECK = "pure-but-upstream-is-binary"


def upload_with_binary_upstream(user: User, name: str) -> None:
    """Put a pure sdist onto the index, and a wheel of it that is for one platform."""
    spec = SdistSpec(name=name)
    user.upload(spec)
    pure = write_wheel(spec, user.folder / "made")
    binary = pure.name.replace("py3-none-any", f"{user.target}-{user.target}-manylinux_2_17_x86_64")
    (user.index / binary).write_bytes(pure.read_bytes())


def published(user: User) -> set[str]:
    """Return the projects of the index."""
    listed = json.loads(user.run("index", "list", "--json", "--state", user.state).out)
    return {project["project"] for project in listed}


def test_wheel_that_is_pure_where_upstreams_is_not_is_held_until_it_is_approved(user: User) -> None:
    upload_with_binary_upstream(user, "suspect")
    ran = user.build("suspect")
    assert ran.code == 1
    row = ran.row("suspect==1.0")
    assert row["ending"] == "failed"
    assert row["reason"].startswith("held: ")
    assert "approve" in row["hint"]
    assert "suspect" not in published(user)
    assert [f["check"] for f in user.show("suspect")["report"]["findings"]] == [CHECK]

    again = user.build("suspect")
    assert again.code == 1
    assert again.started == []
    assert "approve" in again.row("suspect==1.0")["hint"]
    approved = user.run("job", "approve", "suspect", "--state", user.state)
    assert approved.code == 0, approved.err
    assert "suspect" in published(user)
    after = user.build("suspect", "--output", "out")
    assert after.code == 0
    assert after.started == []


def test_held_wheel_is_built_again_when_asked_or_counts_as_its_hint_says(user: User) -> None:
    upload_with_binary_upstream(user, "left-out")
    ran = user.run("build", *user.words("left-out"))
    assert ran.code == 1
    assert "and build again with --rebuild" in ran.out
    assert user.build("left-out").started == []
    (user.folder / "wheelyard.toml").write_text(f'[build]\nstate = "{user.state}"\n')
    assert "left-out==1.0" in user.run("job", "list", "--held").out
    (held,) = json.loads(user.run("job", "list", "--held", "--json").out)
    assert held["state"] == "held"
    assert user.build("left-out", "--rebuild").started == ["left-out==1.0"]

    (approve,) = re.findall(r"'wheelyard (job approve [^']+)'", ran.out)
    assert approve.endswith(f" --state {user.state}")
    assert user.run(*approve.split()).code == 0
    assert user.build("left-out").started == []


@pytest.mark.parametrize("verdict", ["warn", "accept"])
def test_policy_of_a_check_lets_it_pass(user: User, verdict: str) -> None:
    name = f"suspect-{verdict}"
    upload_with_binary_upstream(user, name)
    (user.folder / "wheelyard.toml").write_text(f"[checks]\n{CHECK} = '{verdict}'\n")
    ran = user.run("build", *user.words(name))
    assert ran.code == 0, ran.err
    assert (CHECK in ran.err) is (verdict == "warn")


def test_build_that_is_not_reproducible_is_shown_with_its_difference(user: User) -> None:
    user.upload(SdistSpec(name="random-one", during_build=RANDOM), SdistSpec(name="steady-one"))
    ran = user.run("build", *user.words("random-one", "steady-one", "--check-reproducible"))
    assert ran.code == 0, ran.err
    assert ran.err.count("not reproducible") == 1
    assert "built twice: " in ran.out
    assert ", but not random-one==1.0 for " in ran.out
    assert ", but not steady" not in ran.out
    assert "stamp.py" in ran.err
    assert "stamp.py" in user.show("random-one")["report"]["irreproducible"]
    assert user.show("steady-one")["report"]["irreproducible"] == ""


def test_test_command_of_a_recipe_decides(user: User) -> None:
    user.upload(SdistSpec(name="tested"))
    toml = user.folder / "wheelyard.toml"
    toml.write_text("""[package.tested]\ntest = "python -c 'import tested; assert tested.NO'"\n""")
    ran = user.build("tested")
    assert ran.row("tested==1.0")["outcome"] == "failed"
    toml.write_text("""[package.tested]\ntest = "exit 3"\n""")
    assert user.build("tested").row("tested==1.0")["reason"] == "its test failed (exit status 3)"
    toml.write_text("""[package.tested]\ntest = "python -c 'import tested'"\n""")
    assert user.build("tested").code == 0


def test_wheel_that_cannot_be_imported_does_not_count(user: User) -> None:
    user.upload(SdistSpec(name="unimportable", body="raise RuntimeError('no')\n"))
    ran = user.build("unimportable")
    assert ran.code == 1
    assert ran.row("unimportable==1.0")["outcome"] == "failed"
    assert "unimportable" not in published(user)


def test_wheel_of_another_name_does_not_count(user: User) -> None:
    spec = SdistSpec(name="honest-name")
    carried = json.loads(sdist_files(spec)["_backend/spec.json"])
    carried["module"] = "another_name"
    user.upload(
        SdistSpec(
            name="honest-name",
            files={
                "_backend/spec.json": json.dumps(carried),
                "src/another_name/__init__.py": "",
            },
        )
    )
    ran = user.build("honest-name")
    assert ran.code == 1
    assert ran.row("honest-name==1.0")["outcome"] == "failed"
    assert "another" in ran.row("honest-name==1.0")["reason"]
