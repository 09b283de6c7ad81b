import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wheelyard.errors import ConfigurationError, ToolError
from wheelyard.executor.patching import apply_patch
from wheelyard.model.recipe import Patch

BEFORE = "".join(f"line {n}\n" for n in range(1, 31))
CHANGE = """\
--- a/setup.py
+++ b/setup.py
@@ -1,3 +1,3 @@
 line 1
-line 2
+line two
 line 3
@@ -28,3 +28,3 @@
 line 28
-line {last}
+line twenty-nine
 line 30
"""
NEW_FILE = """\
diff --git a/sub/new.py b/sub/new.py
new file mode 100644
--- /dev/null
+++ b/sub/new.py
@@ -0,0 +1 @@
+x = 1
"""


@pytest.fixture(params=["patch", "git"])
def program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave one of the two programs on PATH."""
    name: str = request.param
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    return name


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "demo-1.0"
    folder.mkdir()
    (folder / "setup.py").write_text(BEFORE)
    return folder


def patch(text: str, strip: int = 1) -> Patch:
    return Patch(name="fix.patch", text=text, strip=strip)


@pytest.mark.usefixtures("program")
def test_patch_changes_what_it_says(source: Path) -> None:
    apply_patch(patch(CHANGE.format(last=29) + NEW_FILE), source)
    text = (source / "setup.py").read_text()
    assert "line two\n" in text
    assert "line twenty-nine\n" in text
    assert (source / "sub" / "new.py").read_text() == "x = 1\n"
    assert sorted(path.name for path in source.iterdir()) == ["setup.py", "sub"]


@pytest.mark.usefixtures("program")
def test_hunk_that_does_not_fit_is_named(source: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"'fix.patch' does not apply: .*hunk.*setup.py.* 28"
    ):
        apply_patch(patch(CHANGE.format(last="other")), source)


@pytest.mark.usefixtures("program")
def test_strip_level_is_kept(source: Path) -> None:
    apply_patch(patch(CHANGE.format(last=29).replace("a/", "").replace("b/", ""), strip=0), source)
    assert "line two\n" in (source / "setup.py").read_text()


@pytest.mark.usefixtures("program")
def test_patch_of_a_file_that_is_not_there_is_refused(source: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not apply"):
        apply_patch(patch(CHANGE.format(last=29).replace("setup.py", "absent.py")), source)


@pytest.mark.usefixtures("program")
def test_windows_line_ends_stay(source: Path) -> None:
    (source / "setup.py").write_bytes(BEFORE.replace("\n", "\r\n").encode())
    apply_patch(patch(CHANGE.format(last=29).replace("line 2\n", "line 2\r\n")
        .replace("line 1\n", "line 1\r\n").replace("line 3\n", "line 3\r\n")
        .replace("line two\n", "line two\r\n").split("@@ -28")[0]), source)  # fmt: skip
    assert b"line 1\r\nline two\r\n" in (source / "setup.py").read_bytes()


@pytest.mark.parametrize(
    "name", ["a/../../evil.py", "/etc/evil.py", "a/link/evil.py", '"a/../../evil.py"', "a/..\\evil"]
)
@pytest.mark.parametrize("spell", [lambda text: text, lambda text: text.split("--- /dev")[0]])
def test_patch_may_not_leave_the_source(
    source: Path, tmp_path: Path, name: str, spell: Callable[[str], str]
) -> None:
    (source / "link").symlink_to(tmp_path)
    text = NEW_FILE.replace("a/sub/new.py", name).replace("b/sub/new.py", name)
    with pytest.raises(ConfigurationError, match="not in the source's folder"):
        apply_patch(patch(spell(text)), source)
    assert not (tmp_path / "evil.py").exists()


def test_patch_is_applied_inside_of_another_repository(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    for name in ("objects", "refs"):
        (tmp_path / ".git" / name).mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    apply_patch(patch(NEW_FILE), source)
    assert (source / "sub" / "new.py").exists()


def test_missing_program_is_said(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="needs the program patch or git"):
        apply_patch(patch(CHANGE.format(last=29)), source)
