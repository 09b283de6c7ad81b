"""``wheelyard builder`` as a command: what it imports, what it refuses, and what it then says."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from builder.processes import SOURCES, environment
from wheelyard.errors import ExitCode


@pytest.fixture(scope="session")
def root() -> Path:
    return SOURCES.parent


def python(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "this builder belongs to no farm yet"),
        (("--join", "farm.example"), "belongs to no farm yet"),
        (("--join", "farm.example", "--token", "c"), "is not the address of a farm"),
        (("--join", "http://127.0.0.1:9", "--token", "c"), "the farm cannot be reached"),
        (("--join", "http://127.0.0.1:9", "--token", "a b"), "is not a code"),
        (("--join", "http://127.0.0.1:9", "--token", "@/nowhere"), "cannot be read"),
        (("--min-free-disk", "lots"), "is not a size"),
    ],
)
def test_what_cannot_be_followed_is_said_with_what_to_do(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    ran = python("-m", "wheelyard", "builder", "--state", str(tmp_path), *options)
    assert ran.returncode in {2, 4}
    assert words in ran.stderr
    assert "hint: " in ran.stderr
    assert "Traceback" not in ran.stderr


IMPORTS = """
import contextlib, sys
from wheelyard.cli import main
for words in (["--help"], ["--slots", "1", "--label", "a=b", "--state", "/dev/null/nowhere"]):
    sys.argv = ["wheelyard", "builder", *words]
    with contextlib.suppress(SystemExit):
        main.run()
import wheelyard.bus.nats, wheelyard.executor.auditing
print()
print(*sys.modules)
"""


def imported() -> set[str]:
    """The top-level modules that a builder imports, from its command line to its first job."""
    ran = python("-c", IMPORTS)
    assert ran.returncode == 0, ran.stderr
    return {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}


def test_a_builder_imports_nothing_of_a_farms_server() -> None:
    names = "alembic apprise boto3 cryptography jinja2 psycopg pydantic python_multipart rustworkx sqlalchemy starlette uvicorn yaml"
    assert not set(names.split()) & imported()
    assert "nats" in imported()


def test_a_command_that_a_builders_installation_cannot_run_says_so() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = sys.modules['rustworkx'] = None; from wheelyard.cli import main; main.run()"
    ran = python("-c", code, "builder", "list")
    assert ran.returncode == ExitCode.ENVIRONMENT
    assert ran.stderr.startswith("error: rustworkx is not installed")


def test_a_builder_without_uv_says_so_and_spends_no_code(tmp_path: Path) -> None:
    code = "import sys, sysconfig; sysconfig.get_path = lambda name: '/nowhere'; from wheelyard.cli import main; main.run()"
    words = ("builder", "--state", str(tmp_path), "--join", "http://127.0.0.1:9", "--token", "x")
    ran = python("-c", code, *words, PATH="/nowhere")
    assert ran.returncode == ExitCode.ENVIRONMENT
    assert ran.stderr.startswith("error: uv is not there")


def test_all_that_a_builder_imports_is_documented(root: Path) -> None:
    page = (root / "docs" / "how-to" / "run-a-builder.md").read_text("utf-8")
    distributions = packages_distributions()
    names = {
        canonicalize_name(distributions[name][0])
        for name in imported() - sys.stdlib_module_names
        if name in distributions
    }
    # Two come to every process of a virtual environment that has them; httpx takes zstandard where it is.
    wanted = names - {"wheelyard", "coverage", "setuptools", "zstandard"}
    assert "httpx" in wanted
    assert {name for name in wanted if name not in page} == set()
