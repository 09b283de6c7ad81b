"""Git repositories, at a commit."""

import asyncio
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from upstream.opener import FolderBlobs, Opener
from upstream.repositories import commit, direct, fetch, git, names
from wheelyard.errors import (
    NotUpstreamError,
    OfflineError,
    ToolError,
    UpstreamError,
)
from wheelyard.model.source import Source, SourceKind
from wheelyard.upstream.git import Git, Repository, environment_for

pytestmark = pytest.mark.usefixtures("own_git")


def test_branch_tag_and_commit_lead_to_their_commit(tmp_path: Path, opened: Opener) -> None:
    repository = tmp_path / "repository"
    first = commit(repository, "1.0")
    git(repository, "tag", "-a", "v1", "-m", "one")
    second = commit(repository, "2.0")
    url = f"git+{repository.as_uri()}"
    found = {
        revision: direct(opened, url + revision)
        for revision in ("", "@main", "@v1", f"@{first}", f"@{first[:9]}")
    }
    commits = {name: one.source.digest.removeprefix("git:") for name, one in found.items()}
    assert commits == {
        "": second,
        "@main": second,
        "@v1": first,
        f"@{first}": first,
        f"@{first[:9]}": first,
    }
    assert str(found["@v1"].release) == "foo==1.0"
    assert str(found["@main"].release) == "foo==2.0"
    assert found["@v1"].source.archive == found[f"@{first}"].source.archive


def test_tree_at_a_commit_is_archived_without_gits_own(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "build").mkdir()
    (repository / "build" / "kept.txt").write_text("at the commit, so it is source")
    (repository / "leak").symlink_to("/etc/passwd")
    commit(repository, "1.0")
    source = direct(opened, f"git+{repository.as_uri()}").source
    held = names(blobs, source)
    assert set(held) == {
        "source",
        "source/build",
        "source/build/kept.txt",
        "source/leak",
        "source/pyproject.toml",
    }
    assert held["source/leak"] == "/etc/passwd"
    assert source.kind is SourceKind.GIT


def test_commit_that_was_fetched_needs_no_repository(tmp_path: Path, opened: Opener) -> None:
    repository = tmp_path / "repository"
    commit(repository, "1.0")
    source = direct(opened, f"git+{repository.as_uri()}").source
    repository.rename(tmp_path / "elsewhere")
    unfetched = Source(kind=SourceKind.GIT, location=source.location, digest=source.digest)
    assert fetch(opened, unfetched, offline=True).archive == source.archive


def test_submodules_are_part_of_the_tree(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    commit(tmp_path / "inner", "1.0")
    outer = tmp_path / "outer"
    commit(outer, "2.0")
    git(outer, "submodule", "--quiet", "add", (tmp_path / "inner").as_uri(), "vendor/inner")
    commit(outer, "2.1")
    source = direct(opened, f"git+{outer.as_uri()}").source
    assert "source/vendor/inner/pyproject.toml" in names(blobs, source)
    assert not any(name.endswith(".git") for name in names(blobs, source))


def test_subdirectory_of_a_repository_is_looked_at(tmp_path: Path, opened: Opener) -> None:
    repository = tmp_path / "repository"
    (repository / "python").mkdir(parents=True)
    (repository / "python" / "pyproject.toml").write_text('[project]\nname="sub"\nversion="3"\n')
    commit(repository, "1.0")
    found = direct(opened, f"sub @ git+{repository.as_uri()}@main#subdirectory=python&egg=sub")
    assert str(found.release) == "sub==3"
    assert found.source.subdirectory == "python"


def test_hooks_do_not_run(tmp_path: Path, opened: Opener) -> None:
    template = tmp_path / "home" / "template" / "hooks"
    template.mkdir(parents=True)
    hook = template / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    config = tmp_path / "home" / ".gitconfig"
    config.write_text(f"[init]\ntemplateDir = {template.parent}\n")
    repository = tmp_path / "repository"
    commit(repository, "1.0")
    direct(opened, f"git+{repository.as_uri()}")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("revision", ["nothing", "0" * 40, "abcdef123"])
def test_revision_that_is_not_there_says_so(tmp_path: Path, opened: Opener, revision: str) -> None:
    repository = tmp_path / "repository"
    commit(repository, "1.0")
    with pytest.raises(NotUpstreamError, match=revision):
        direct(opened, f"git+{repository.as_uri()}@{revision}")


def test_repository_that_is_not_there_says_why(tmp_path: Path, opened: Opener) -> None:
    with pytest.raises(UpstreamError, match=r"git ls-remote of file:.*gone failed: fatal"):
        direct(opened, f"git+{(tmp_path / 'gone').as_uri()}")


def test_missing_git_is_named(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="git cannot be run") as caught:
        direct(opened, f"git+{tmp_path.as_uri()}")
    assert "Install git" in caught.value.hint


def test_offline_repository_elsewhere_is_not_asked(opened: Opener) -> None:
    with pytest.raises(OfflineError):
        direct(opened, "git+https://x.invalid/r@main", offline=True)


def test_git_reads_a_query_from_its_environment(tmp_path: Path) -> None:
    whole = "https://x.invalid/r?token=secret"
    environment = environment_for(Repository(url="https://x.invalid/r", whole=whole))
    told = subprocess.check_output(
        ["git", "ls-remote", "--get-url", "https://x.invalid/r"], env=environment, text=True
    )
    assert told.strip() == whole


def test_tree_with_a_dynamic_version_is_archived_with_its_history(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "setup.py").write_text("")
    git(tree, "init", "--quiet")
    git(tree, "remote", "add", "origin", "https://me:secret@x.invalid/r?token=secret")
    (tree / ".git" / "hooks" / "post-checkout").write_text("exit 1")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "-m", "first")
    git(tree, "tag", "v1")
    for reference in (str(tree), f"git+{tree.as_uri()}"):
        source = direct(opened, reference).source
        assert source.history
        held = asyncio.run(blobs.read(source.archive))
        with tarfile.open(fileobj=io.BytesIO(held)) as tar:
            tar.extractall(tmp_path / source.kind, filter="data")
        copy = tmp_path / source.kind / "source"
        assert git(copy, "describe", "--tags", "--dirty") == "v1"
        assert b"secret" not in b"".join(
            path.read_bytes() for path in copy.rglob("*") if path.is_file()
        )
        assert not (copy / ".git" / "hooks").exists()
        assert direct(opened, reference).source == source


def test_annotated_tag_is_known_by_its_commit_before_anything_is_fetched(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    first = commit(repository, "1.0")
    git(repository, "tag", "-a", "v1", "-m", "one")
    found = Git(seconds=60).commit_of(Repository(url=repository.as_uri()), "v1")
    assert asyncio.run(found) == first


def test_repository_from_elsewhere_cannot_reach_this_machines_by_a_submodule() -> None:
    elsewhere = environment_for(Repository(url="https://x.invalid/r"))
    here = environment_for(Repository(url="file:///r"))
    assert "file" not in elsewhere["GIT_ALLOW_PROTOCOL"]
    assert "file" in here["GIT_ALLOW_PROTOCOL"]


def test_credentials_reach_git_out_of_sight(tmp_path: Path) -> None:
    repository = Repository(url="https://x.invalid/r", credentials=("me", "secret"))
    environment = environment_for(repository)
    assert environment["GIT_CONFIG_KEY_0"] == "http.https://x.invalid/r.extraHeader"
    assert environment["GIT_CONFIG_VALUE_0"] == "Authorization: Basic bWU6c2VjcmV0"


def test_history_of_another_users_folder_is_not_left_out_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "bin" / "git"
    stub.parent.mkdir()
    stub.write_text(
        "#!/bin/sh\necho 'fatal: detected dubious ownership in repository' >&2\nexit 128\n"
    )
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(stub.parent))
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(Git(seconds=10).history(tmp_path / "tree", tmp_path / "history"))
    assert "another user" in caught.value.message
    assert "safe.directory" in caught.value.hint


def test_git_that_takes_too_long_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(UpstreamError, match=r"took more than 0\.05 s"):
        asyncio.run(Git(seconds=0.05).commit_of(Repository(url="file:///r"), "main"))
