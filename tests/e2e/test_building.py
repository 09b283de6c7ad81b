"""A tree from source for two Pythons: built once, installable, and built again only where it changed."""

import dataclasses
import hashlib
import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.user import Ran, User, files_below
from wheelyard.testing.sdists import Extension, SdistSpec

TOOL = SdistSpec(name="tool", body="def word():\n    return 'made'\n")
APP = SdistSpec(
    name="app",
    requires=("pure", "native"),
    build_requires=("tool",),
    during_build="import tool; assert tool.word() == 'made'",
    body="import native, pure\n",
)
PURE = SdistSpec(name="pure")
NATIVE = SdistSpec(name="native", extension=Extension.OWN_ABI, dynamic_requires=("tool",))
TREE = (TOOL, APP, PURE, NATIVE)
USE_IT = "import app, native; assert native.answer() == 42; print(app.__version__)"


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, interpreters: list[str]
) -> tuple[User, Ran, list[str]]:
    """A tree that was built for two Pythons, one of them that of this process."""
    folder = tmp_path_factory.mktemp("built")
    own = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    other = next(name for name in reversed(interpreters) if name != own)
    user = User(folder=folder, target=own, state=folder / "state")
    user.upload(*TREE)
    targets = [own, other]
    ran = user.build("app", "-t", own, "-t", other, "--output", "out")
    assert ran.code == 0, ran.err + ran.out
    return user, ran, targets


def test_each_release_is_built_once_and_compiled_ones_once_a_python(
    built: tuple[User, Ran, list[str]],
) -> None:
    _, ran, targets = built
    ended = [event for event in ran.of_kind("job-ended") if event["report"]["outcome"] == "built"]
    assert sorted(event["unit"]["release"] for event in ended) == [
        "app==1.0",
        "native==1.0",
        "native==1.0",
        "pure==1.0",
        "tool==1.0",
    ]
    assert {ending for row in ran.rows.values() for ending in [row["ending"]]} == {
        "built",
        "covered",
    }
    assert {target for _, target in ran.rows} == set(targets)


def test_without_json_the_end_is_a_table(built: tuple[User, Ran, list[str]]) -> None:
    user, _, targets = built
    ran = user.run("build", *user.words("app", "-t", targets[0], "-t", targets[1]))
    assert ran.code == 0
    heading, *rows = ran.out.splitlines()
    assert heading.startswith("release")
    assert all(target in heading for target in targets)
    assert [row.split()[0] for row in rows[:3]] == ["app", "native", "pure"]


@contextmanager
def served(user: User) -> Iterator[str]:
    """Serve the index of a state folder."""
    process = subprocess.Popen(
        user.command("index", "serve", "--state", user.state, "--port", "0"),
        env=user.variables(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def locked(ran: Ran, folder: Path) -> Path:
    """Write what was built as requirements with hashes."""
    wheels: dict[str, set[str]] = {}
    for (release, _), row in ran.rows.items():
        if not release.startswith("tool"):
            wheels.setdefault(release, set()).add(row["artifact"]["digest"])
    lines = [
        f"{release} {' '.join(f'--hash={digest}' for digest in sorted(digests))}"
        for release, digests in sorted(wheels.items())
    ]
    path = folder / "locked.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("way", ["folder", "http"])
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_installers_take_it_with_hashes_and_it_runs(
    built: tuple[User, Ran, list[str]], tmp_path: Path, way: str, installer: str
) -> None:
    user, ran, _ = built
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env/bin/python"
    requirements = locked(ran, tmp_path)

    def install(index: str) -> None:
        hashes = ["--require-hashes", "-r", requirements]
        commands = {
            "pip": ["pip", "--python", python, "install", "--isolated", "--no-cache-dir"],
            "uv": ["uv", "pip", "install", "--python", python, "--no-config", "--no-cache"],
        }
        index_option = {"pip": "--index-url", "uv": "--default-index"}[installer]
        words = [sys.executable, "-m", *commands[installer], index_option, index, *hashes]
        done = subprocess.run(
            list(map(str, words)), env=user.variables(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    if way == "folder":
        install((user.folder / "out/simple").as_uri() + "/")
    else:
        with served(user) as index:
            install(index)
    said = subprocess.check_output([python, "-c", USE_IT], text=True)
    assert said.strip() == "1.0"


def test_second_run_builds_nothing(built: tuple[User, Ran, list[str]]) -> None:
    user, first, targets = built
    again = user.build("app", "-t", targets[0], "-t", targets[1])
    assert again.code == 0
    assert again.started == []
    assert again.of_kind("job-queued") == []
    assert again.digests.items() <= first.digests.items()


def published(output: Path) -> dict[str, str]:
    """Return the wheels of an exported index and their digests."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_below(output / "files")
        if path.suffix == ".whl"
    }


def test_only_what_changed_is_built_again_and_published_bytes_stay(newcomer: User) -> None:
    user = newcomer
    user.upload(*TREE)
    output = user.folder / "out"
    assert user.build("app", "--output", output).code == 0
    before = published(output)

    (user.folder / "wheelyard.toml").write_text('[package.app]\nenvironment = {COLOUR = "red"}\n')
    recipe = user.build("app", "--output", output)
    assert recipe.started == ["app==1.0"]

    user.upload(dataclasses.replace(PURE, body="NEWER = True\n"))
    source = user.build("app", "--output", output)
    assert set(source.started) == {"pure==1.0"}

    user.upload(dataclasses.replace(TOOL, version="2.0"))
    tool = user.build("app", "--output", output)
    assert set(tool.started) == {"tool==2.0", "app==1.0", "native==1.0"}

    after = published(output)
    assert before.items() <= after.items()
    numbered = [name for name in after if name.startswith("pure-1.0-1-")]
    assert numbered == ["pure-1.0-1-py3-none-any.whl"]
    page = json.loads((output / "simple/pure/index.json").read_text())
    assert len(page["files"]) == 2


def test_patch_in_a_recipe_changes_what_is_built(newcomer: User) -> None:
    user = newcomer
    user.upload(PURE)
    assert user.build("pure").started == ["pure==1.0"]
    recipes = user.folder / "recipes/pure"
    recipes.mkdir(parents=True)
    (recipes / "fix.patch").write_text(
        "--- a/src/pure/__init__.py\n+++ b/src/pure/__init__.py\n@@ -1,2 +1,3 @@\n"
        ' """pure, a package that a test wrote."""\n'
        " __version__ = '1.0'\n+FIXED = True\n"
    )
    (recipes / "recipe.toml").write_text('patches = ["fix.patch"]\n')
    ran = user.build("pure", "--recipes", user.folder / "recipes")
    assert ran.started == ["pure==1.0"], ran.err
    assert ran.row("pure==1.0")["ending"] == "built", ran.out
    assert list(ran.digests) == ["pure-1.0-1-py3-none-any.whl"]
