"""What the documents say is so: commands, options, variables, links and words."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.main import get_command

from wheelyard.cli.app import app
from wheelyard.executor.check_policy import DEFAULT_VERDICTS
from wheelyard.executor.platforms.description import Description
from wheelyard.executor.platforms.description import read as read_platform
from wheelyard.model.artifact import Origin
from wheelyard.model.job import Outcome, StepName, Verdict
from wheelyard.model.recipe import Recipe
from wheelyard.model.resolution import FromSource
from wheelyard.settings.file import read

FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(wheelyard [^`]+)`")
VARIABLE = re.compile(r"WHEELYARD_[A-Z_]+[A-Z]")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
NOT_WORDS = {"…", "COMMAND", "..."}


@pytest.fixture(scope="module")
def pages(tracked: list[Path]) -> list[Path]:
    found = [path for path in tracked if path.suffix == ".md" and "LICENSE" not in path.name]
    assert len(found) > 5
    return found


def commands_shown(text: str) -> Iterator[str]:
    """Every ``wheelyard …`` of the fenced shell blocks and between backticks."""
    for fence in FENCE.finditer(text):
        if fence["language"] in {"console", "sh", "bash", ""}:
            yield from commands_of_block(fence["body"])
    yield from (match[1] for match in INLINE.finditer(FENCE.sub("", text)))


def commands_of_block(body: str) -> Iterator[str]:
    for line in body.replace("\\\n", " ").splitlines():
        words = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
        if words.startswith("wheelyard "):
            yield words


def wrong(shown: str) -> str:
    """Say what no such command or option is there, or nothing."""
    words = shlex.split(shown.replace("[", " ").replace("]", " "), comments=True)[1:]
    command: Any = get_command(app)
    known = options_of(command)
    for word in words:
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            if name not in known | {"--help", "-h"}:
                return f"{shown!r} has no option {name!r}"
        elif word in NOT_WORDS:
            return ""
        elif getattr(command, "commands", None) is not None:
            if word not in command.commands:
                return f"{shown!r}: there is no command {word!r}"
            command = command.commands[word]
            known |= options_of(command)
    return ""


def options_of(command: Any) -> set[str]:
    return {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def variables_of(command: Any) -> set[str]:
    own = {parameter.envvar for parameter in command.params if parameter.envvar}
    for child in getattr(command, "commands", {}).values():
        own |= variables_of(child)
    return own


def test_every_command_that_is_shown_is_one(pages: list[Path], root: Path) -> None:
    found = [
        f"{page.relative_to(root)}: {complaint}"
        for page in pages
        for shown in commands_shown(page.read_text("utf-8"))
        if (complaint := wrong(shown))
    ]
    assert found == []


@pytest.mark.parametrize(
    "shown",
    ["wheelyard biuld six", "wheelyard build six --tarket cp312", "wheelyard index sreve --port 1"],
)
def test_a_command_that_is_none_is_seen(shown: str) -> None:
    assert wrong(shown)


def test_commands_are_found_in_blocks_and_in_text() -> None:
    text = "Say `wheelyard target list`.\n\n```console\n$ wheelyard build \\\n    six\nbuilt\n```\n"
    assert [shlex.split(shown) for shown in commands_shown(text)] == [
        ["wheelyard", "build", "six"],
        ["wheelyard", "target", "list"],
    ]


def test_every_variable_that_is_named_is_read(pages: list[Path], root: Path) -> None:
    known = variables_of(get_command(app))
    found = {
        f"{page.relative_to(root)}: {name}"
        for page in pages
        for name in VARIABLE.findall(page.read_text("utf-8"))
        if name not in known
    }
    assert found == set()


def test_links_lead_somewhere(pages: list[Path], root: Path) -> None:
    broken = [
        f"{page.relative_to(root)}: {link}"
        for page in pages
        for link in LINK.findall(FENCE.sub("", page.read_text("utf-8")))
        if not (page.parent / link).exists()
    ]
    assert broken == []


def test_every_page_is_on_the_map(pages: list[Path], root: Path) -> None:
    docs = root / "docs"
    linked = set(LINK.findall((docs / "README.md").read_text("utf-8")))
    missing = [
        page.relative_to(docs).as_posix()
        for page in pages
        if page.is_relative_to(docs) and page.name != "README.md"
    ]
    assert [page for page in missing if page not in linked] == []


def test_the_reference_is_what_the_commands_say(root: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "cli_reference", root / "scripts" / "cli_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.render(), "run 'make docs'"


@pytest.mark.parametrize("words", [Outcome, StepName, Origin, Verdict, FromSource])
def test_the_words_of_the_code_are_in_the_glossary(root: Path, words: Any) -> None:
    glossary = (root / "docs" / "glossary.md").read_text("utf-8")
    assert [word.value for word in words if f"`{word.value}`" not in glossary] == []


def test_every_key_of_a_recipe_is_documented(root: Path) -> None:
    page = (root / "docs" / "reference" / "configuration.md").read_text("utf-8")
    table = page.partition("## `[package.…]`: recipes")[2].partition("## `[checks]`")[0]
    documented = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    assert documented == [field.name.replace("_", "-") for field in fields(Recipe)]


def test_every_key_of_a_platform_is_documented(root: Path) -> None:
    page = (root / "docs" / "reference" / "platforms.md").read_text("utf-8")
    table = page.partition("## A description")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    assert documented == [field.encode_name for field in msgspec.structs.fields(Description)]


def test_platforms_that_are_shown_are_read(root: Path) -> None:
    page = root / "docs" / "reference" / "platforms.md"
    blocks = [
        one["body"] for one in FENCE.finditer(page.read_text("utf-8")) if one["language"] == "toml"
    ]
    assert [read_platform(one.encode(), page.name).name for one in blocks] == ["cortex-a72"]


def test_recipes_that_are_shown_are_read(pages: list[Path], tmp_path: Path) -> None:
    blocks = [
        fence["body"]
        for page in pages
        for fence in FENCE.finditer(page.read_text("utf-8"))
        if fence["language"] == "toml" and "[package" in fence["body"]
    ]
    assert len(blocks) > 4
    for number, body in enumerate(blocks):
        folder = tmp_path / str(number)
        for patch in re.findall(r'"(patches/[^"]+)"', body):
            (folder / patch).parent.mkdir(parents=True, exist_ok=True)
            (folder / patch).write_text("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n")
        folder.mkdir(exist_ok=True)
        (folder / "wheelyard.toml").write_text(body, "utf-8")
        assert read(folder / "wheelyard.toml").overrides


def test_reasons_that_are_explained_are_given(root: Path) -> None:
    page = (root / "docs" / "how-to" / "when-a-package-does-not-build.md").read_text("utf-8")
    samples = (root / "tests" / "reasons" / "samples.txt").read_text("utf-8")
    given = re.findall(r"^=== (.+?) \|", samples, re.MULTILINE)
    table = page.partition("## What the reasons mean")[2].partition("\n## ")[0]
    explained = re.findall(r'"([^"|]+)"', table)
    patterns = {one: re.escape(one).replace("…", ".+") for one in explained}
    assert len(patterns) > 20
    assert [one for one in patterns if not any(map(re.compile(patterns[one]).match, given))] == []


def test_every_check_is_documented_with_what_it_does(root: Path) -> None:
    page = (root / "docs" / "reference" / "configuration.md").read_text("utf-8")
    table = page.partition("## `[checks]`")[2]
    documented = dict(re.findall(r"^\| `([\w-]+)` \|.*\| (\w+) \|$", table, re.MULTILINE))
    assert documented == {check: verdict.value for check, verdict in DEFAULT_VERDICTS.items()}
