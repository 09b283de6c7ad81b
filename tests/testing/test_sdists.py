"""The sdists that tests write are real: real front ends build them, and the wheels install."""

import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from wheelyard.testing import sdists
from wheelyard.testing.folder_index import write_index
from wheelyard.testing.sdists import Backend, Extension, SdistSpec, cycle, write_sdist, write_wheel

ALONE = ["--offline", "--no-config", "--no-cache"]


def uv_build(sdist: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["uv", "build", "--wheel", "--python", sys.executable, *ALONE, *options]
    command += ["--out-dir", str(out), str(sdist)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def built(sdist: Path, out: Path) -> Path:
    done = uv_build(sdist, out)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], str]:
    """Install from a ``simple`` folder into a fresh environment and return what a line prints."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"

    def run(simple: Path, line: str) -> str:
        project = line.split(";", maxsplit=1)[0].removeprefix("import ")
        command = ["uv", "pip", "install", "--python", str(python), "--no-config", "--no-cache"]
        command += ["--quiet", "--default-index", simple.as_uri(), "--only-binary", ":all:"]
        subprocess.run([*command, project], check=True)
        return subprocess.check_output([python, "-c", line], text=True).strip()

    return run


def test_an_sdist_builds_without_any_requirement(tmp_path: Path) -> None:
    spec = SdistSpec(name="Plain.Thing", version="1.2", requires=("other>=1",))
    wheel = built(write_sdist(spec, tmp_path), tmp_path / "out")
    name, version, _, tags = parse_wheel_filename(wheel.name)
    assert (name, str(version), {str(tag) for tag in tags}) == (
        "plain-thing",
        "1.2",
        {"py3-none-any"},
    )
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read("plain_thing-1.2.dist-info/METADATA").decode())
    assert metadata["Requires-Dist"] == "other>=1"


def test_file_names_follow_the_standard(tmp_path: Path) -> None:
    path = write_sdist(SdistSpec(name="Plain.Thing", version="1.2"), tmp_path)
    assert parse_sdist_filename(path.name)[0] == "plain-thing"


def test_an_sdist_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    spec = SdistSpec(name="same", extension=Extension.OWN_ABI)
    first = write_sdist(spec, tmp_path / "first")
    second = write_sdist(spec, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("extension", [Extension.NONE, Extension.OWN_ABI, Extension.ABI3])
def test_what_is_built_installs_and_runs(
    tmp_path: Path, install: Callable[[Path, str], str], extension: Extension
) -> None:
    spec = SdistSpec(name=f"runs{extension.value.replace('-', '')}", extension=extension)
    wheel = built(write_sdist(spec, tmp_path), tmp_path / "out")
    simple = write_index(tmp_path / "index", [wheel])
    answer = "answer()" if extension else "__version__"
    printed = install(simple, f"import {spec.module}; print({spec.module}.{answer})")
    assert printed == ("42" if extension else "1.0")


def test_the_limited_abi_is_in_the_tag(tmp_path: Path) -> None:
    spec = SdistSpec(name="limited", extension=Extension.ABI3)
    wheel = built(write_sdist(spec, tmp_path), tmp_path / "out")
    assert wheel.name.startswith("limited-1.0-cp36-abi3-")


def test_a_failing_build_fails_with_its_own_words(tmp_path: Path) -> None:
    spec = SdistSpec(name="broken", during_build=sdists.FAIL)
    done = uv_build(write_sdist(spec, tmp_path), tmp_path / "out")
    assert done.returncode != 0
    assert "openssl/ssl.h: No such file" in done.stderr


def test_a_hanging_build_never_ends(tmp_path: Path) -> None:
    spec = SdistSpec(name="stuck", during_build=sdists.HANG)
    tree = sdists.write_tree(spec, tmp_path / "tree")
    call = "import in_tree; in_tree.build_wheel('.')"
    process = subprocess.Popen([sys.executable, "-c", call], cwd=tree / "_backend")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    process.kill()
    process.wait()


def test_dynamic_requirements_are_asked_for(tmp_path: Path) -> None:
    spec = SdistSpec(name="asks", dynamic_requires=("not-there",))
    done = uv_build(write_sdist(spec, tmp_path), tmp_path / "out", "--no-index")
    assert done.returncode != 0
    assert "not-there" in done.stderr


def test_a_cycle_builds_only_where_the_other_one_is_there(tmp_path: Path) -> None:
    egg, hen = cycle("egg", "hen")
    sdist = write_sdist(egg, tmp_path)
    assert uv_build(sdist, tmp_path / "out", "--no-index").returncode != 0
    seed = write_wheel(hen, tmp_path / "seeds")
    done = uv_build(sdist, tmp_path / "out", "--no-index", "--find-links", str(seed.parent))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", [Backend.HATCHLING, Backend.SETUPTOOLS, Backend.FLIT])
def test_known_back_ends_are_asked_for(tmp_path: Path, backend: Backend) -> None:
    files = sdists.sdist_files(SdistSpec(name="known", backend=backend))
    assert str(backend).partition("-")[0] in files["pyproject.toml"]
    assert "_backend/in_tree.py" not in files


def test_hatchling_builds_its_sdist(tmp_path: Path) -> None:
    tree = sdists.write_tree(
        SdistSpec(name="hatched", backend=Backend.HATCHLING), tmp_path / "tree"
    )
    call = f"import hatchling.build as b; b.build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", call], cwd=tree, check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "hatched-1.0-py3-none-any.whl") as archive:
        assert "hatched/__init__.py" in archive.namelist()


def test_a_legacy_sdist_has_no_pyproject() -> None:
    files = sdists.sdist_files(
        SdistSpec(name="old", backend=Backend.LEGACY, requires=("six",), during_build=sdists.FAIL)
    )
    assert "pyproject.toml" not in files
    compile(files["setup.py"], "setup.py", "exec")
    assert files["src/old.egg-info/requires.txt"] == "six\n"


def test_what_no_back_end_could_do_is_refused() -> None:
    with pytest.raises(ValueError, match="runs no code of ours"):
        SdistSpec(name="mixed", backend=Backend.FLIT, during_build=sdists.FAIL)
    with pytest.raises(ValueError, match="only the in-tree back end"):
        SdistSpec(name="mixed", backend=Backend.SETUPTOOLS, dynamic_requires=("six",))


def test_an_index_keeps_requires_python_yanks_and_times(tmp_path: Path) -> None:
    sdist = write_sdist(SdistSpec(name="kept", requires_python=">=3.9"), tmp_path)
    simple = write_index(
        tmp_path / "index",
        [sdist],
        yanked={sdist.name: "wrong & bad"},
        uploaded={sdist.name: "2024-01-02T03:04:05Z"},
    )
    page = (simple / "kept" / "index.html").read_text("utf-8")
    assert 'data-requires-python="&gt;=3.9"' in page
    assert 'data-yanked="wrong &amp; bad"' in page
    assert 'data-upload-time="2024-01-02T03:04:05Z"' in page


def test_the_carried_spec_is_all_that_the_back_end_reads() -> None:
    files = sdists.sdist_files(SdistSpec(name="carried"))
    assert json.loads(files["_backend/spec.json"])["module"] == "carried"
