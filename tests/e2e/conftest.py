"""Users at the command line: each with a folder of their own, most of them on one state folder."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from e2e.user import User


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The stable CPythons of this machine that can build, as a user is told of them."""
    folder = tmp_path_factory.mktemp("look")
    state = folder / "state"
    ran = User(folder=folder, target="", state=state).run(
        "target", "list", "--json", "--state", state
    )
    assert ran.code == 0, ran.err
    return [
        row["target"].partition("-")[0]
        for row in json.loads(ran.out)["targets"]
        if row["executable"] and row["headers"] and re.fullmatch(r"cp3\d\d-\S+", row["target"])
    ]


@pytest.fixture(scope="session")
def shared_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests to which nothing else in it matters."""
    return tmp_path_factory.mktemp("shared") / "state"


@pytest.fixture
def user(tmp_path: Path, shared_state: Path, interpreters: list[str]) -> User:
    """Somebody on a machine where others have built before."""
    return User(folder=tmp_path, target=interpreters[-1], state=shared_state)


@pytest.fixture
def newcomer(user: User) -> User:
    """Somebody whose state folder does not exist yet."""
    return dataclasses.replace(user, state=user.folder / "state")
