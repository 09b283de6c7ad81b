"""Direct references: git at a commit, folders, and sdists by URL or path."""

import asyncio
import base64
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from upstream.archives import sdist, sha256
from upstream.opener import FolderBlobs, Opener
from upstream.web import Asked, Reply, Site
from wheelyard.errors import (
    ConfigurationError,
    DigestMismatchError,
    ExitCode,
    InvalidNameError,
    NotUpstreamError,
    OfflineError,
    ToolError,
    UpstreamError,
    WheelyardError,
)
from wheelyard.model.source import Source, SourceFacts, SourceKind
from wheelyard.ports import DirectSource
from wheelyard.upstream.git import Git, Repository, environment_for

PYPROJECT = '[project]\nname = "foo"\nversion = "{}"\ndependencies = ["bar"]\n'


@pytest.fixture(autouse=True)
def own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.invalid")


def git(folder: Path, *arguments: str) -> str:
    options = ("-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *options, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, version: str) -> str:
    if not (folder / ".git").exists():
        folder.mkdir(exist_ok=True)
        git(folder, "init", "--quiet")
    (folder / "pyproject.toml").write_text(PYPROJECT.format(version))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", version)
    return git(folder, "rev-parse", "HEAD")


def direct(opened: Opener, reference: str, **changes: object) -> DirectSource:
    async def look() -> DirectSource:
        async with opened(**changes) as upstream:
            return await upstream.direct(reference)

    return asyncio.run(look())


def fetch(opened: Opener, source: Source, **changes: object) -> Source:
    async def bring() -> Source:
        async with opened(**changes) as upstream:
            return await upstream.fetch(source)

    return asyncio.run(bring())


def names(blobs: FolderBlobs, source: Source) -> dict[str, str]:
    content = asyncio.run(blobs.read(source.archive))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: member.linkname for member in tar}


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


@pytest.mark.parametrize(
    "reference",
    [
        "git+http://x.invalid/r",
        "git+ext::sh -c touch% x",
        "git+file:///r@--upload-pack=touch",
        "git+file:///r@v1#subdirectory=../..",
        "https://x.invalid/foo-1.0-py3-none-any.whl",
        "https://x.invalid/page",
        "ftp://x.invalid/foo-1.0.tar.gz",
    ],
)
def test_reference_that_is_no_source_is_refused(opened: Opener, reference: str) -> None:
    with pytest.raises(InvalidNameError):
        direct(opened, reference)


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


def folder(path: Path, version: str = "1.0") -> Path:
    (path / "src" / "foo").mkdir(parents=True)
    (path / "pyproject.toml").write_text(PYPROJECT.format(version))
    (path / "src" / "foo" / "__init__.py").write_text("")
    return path


def test_same_tree_is_the_same_archive_wherever_and_whenever(
    tmp_path: Path, opened: Opener
) -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    os.utime(two / "pyproject.toml", (1, 1))
    (two / "pyproject.toml").chmod(0o600)
    first, second = direct(opened, str(one)), direct(opened, two.as_uri())
    assert first.source.digest == second.source.digest
    assert first.source.digest.startswith("tree:")
    assert first.source.archive == second.source.archive
    assert str(first.release) == "foo==1.0"
    assert first.metadata
    assert b"Requires-Dist: bar" in first.metadata
    (two / "src" / "foo" / "new.py").write_text("")
    assert direct(opened, str(two)).source.digest != first.source.digest


def test_leftovers_of_work_are_no_source(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    root = folder(tmp_path / "foo")
    for name in (".git/x", "__pycache__/x", "foo.egg-info/x", "build/x", "dist/x", ".venv/x"):
        (root / name).parent.mkdir()
        (root / name).write_text("")
    for name in ("env/pyvenv.cfg", "src/foo/build/x", "src/foo/x.pyc"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("")
    held = set(names(blobs, direct(opened, str(root)).source))
    assert held == {
        "source",
        "source/pyproject.toml",
        "source/src",
        "source/src/foo",
        "source/src/foo/__init__.py",
        "source/src/foo/build",
        "source/src/foo/build/x",
    }


def test_package_named_build_is_source(tmp_path: Path, opened: Opener, blobs: FolderBlobs) -> None:
    root = folder(tmp_path / "foo")
    (root / "build").mkdir()
    (root / "build" / "__init__.py").write_text("")
    assert "source/build/__init__.py" in names(blobs, direct(opened, str(root)).source)


def test_link_out_of_ones_own_folder_is_stored_as_its_file(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    root = folder(tmp_path / "foo")
    (tmp_path / "README").write_text("shared")
    (root / "README").symlink_to("../README")
    (root / "inside").symlink_to("pyproject.toml")
    os.mkfifo(root / "pipe")
    held = names(blobs, direct(opened, str(root)).source)
    assert held["source/README"] == ""
    assert held["source/inside"] == "pyproject.toml"
    assert "source/pipe" not in held


def test_folder_that_changed_since_it_was_planned_is_refused(
    tmp_path: Path, opened: Opener, blobs: FolderBlobs
) -> None:
    root = folder(tmp_path / "foo")
    source = direct(opened, str(root)).source
    (root / "pyproject.toml").write_text(PYPROJECT.format("2.0"))
    assert fetch(opened, source) == source
    asyncio.run(blobs.remove(source.archive))
    with pytest.raises(DigestMismatchError, match=r"where tree:.* is wanted"):
        fetch(opened, source)


def test_folder_over_its_limit_is_refused(tmp_path: Path, opened: Opener) -> None:
    root = folder(tmp_path / "foo")
    (root / "large").write_bytes(b"x" * 10_000)
    with pytest.raises(UpstreamError, match="more than 5000 bytes"):
        direct(opened, str(root), file_bytes=5_000)


def test_path_that_is_not_there_says_so(opened: Opener) -> None:
    with pytest.raises(ConfigurationError, match="nowhere") as caught:
        direct(opened, "./nowhere")
    assert caught.value.exit_code == ExitCode.USAGE


def test_sdist_by_url_and_by_path(tmp_path: Path, site: Site, opened: Opener) -> None:
    content = sdist("Foo", "1.0")
    path = tmp_path / "Foo-1.0.tar.gz"
    path.write_bytes(content)
    url = site.put("/Foo-1.0.tar.gz", content)
    for reference in (str(path), path.as_uri(), url, f"foo @ {url}#sha256={sha256(content)}"):
        found = direct(opened, reference)
        assert str(found.release) == "foo==1.0"
        assert found.source.digest == found.source.archive == f"sha256:{sha256(content)}"
    with pytest.raises(DigestMismatchError):
        direct(opened, f"{path.as_uri()}#sha256={'0' * 64}")


def test_name_before_the_reference_must_be_right(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "foo-1.0.tar.gz"
    path.write_bytes(sdist("foo", "1.0"))
    with pytest.raises(UpstreamError, match="is 'foo', not 'bar'"):
        direct(opened, f"bar @ {path.as_uri()}")


def test_credentials_of_a_reference_are_used_and_not_kept(site: Site, opened: Opener) -> None:
    url = site.put("/foo-1.0.tar.gz", sdist("foo", "1.0")).replace("//", "//me:secret@")
    found = direct(opened, url)
    assert "Authorization" in site.asked[0].headers
    assert "secret" not in str(found)


def test_query_of_a_reference_is_used_and_not_kept(site: Site, opened: Opener) -> None:
    url = site.put("/foo-1.0.tar.gz?token=secret", sdist("foo", "1.0"))
    found = direct(opened, f"foo @ {url}")
    assert site.asked[0].path == "/foo-1.0.tar.gz?token=secret"
    assert "secret" not in str(found)
    assert found.source.location == f"{site.url}/foo-1.0.tar.gz"


def test_secrets_are_not_quoted_where_a_reference_fails(site: Site, opened: Opener) -> None:
    port = site.url.rpartition(":")[2]
    for reference in (
        f"http://me:secret@127.0.0.1:{port}/foo-1.0.tar.gz?token=secret",
        "http://me:secret@127.0.0.1:1/foo-1.0.tar.gz?token=secret",
        "http://me:secret@x.invalid/foo-1.0.whl?token=secret",
        "git+https://me:secret@127.0.0.1:1/r?token=secret",
        "git+http://me:secret@x.invalid/r?token=secret",
        "git+ssh://me:secret@127.0.0.1:1/r?token=secret",
        "file://me:secret@x.invalid/foo?token=secret",
        "ftp://me:secret@x.invalid/foo?token=secret",
    ):
        with pytest.raises(WheelyardError) as caught:
            direct(opened, reference, retries=0)
        told = caught.value.message + caught.value.hint
        assert "secret" not in told, told


def test_each_reference_has_its_own_credentials(site: Site, opened: Opener) -> None:
    one = site.put("/one-1.0.tar.gz", sdist("one", "1.0")).replace("//", "//one:pass@")
    two = site.put("/two-1.0.tar.gz", sdist("two", "1.0")).replace("//", "//two:pass@")

    async def look() -> None:
        async with opened() as upstream:
            for url in (one, two):
                await upstream.direct(url)

    asyncio.run(look())
    sent = [asked.headers["Authorization"].partition(" ")[2] for asked in site.asked]
    assert [base64.b64decode(text) for text in sent] == [b"one:pass", b"two:pass"]


def test_references_that_differ_in_their_query_only_are_refused(site: Site, opened: Opener) -> None:
    for query in ("a", "b"):
        site.put(f"/foo-1.0.tar.gz?ref={query}", sdist("foo", "1.0"))

    async def look() -> None:
        async with opened() as upstream:
            for query in ("a", "a", "b"):
                await upstream.direct(f"{site.url}/foo-1.0.tar.gz?ref={query}")

    with pytest.raises(ConfigurationError, match="named twice, with different queries"):
        asyncio.run(look())


def test_git_reads_a_query_from_its_environment(tmp_path: Path) -> None:
    whole = "https://x.invalid/r?token=secret"
    environment = environment_for(Repository(url="https://x.invalid/r", whole=whole))
    told = subprocess.check_output(
        ["git", "ls-remote", "--get-url", "https://x.invalid/r"], env=environment, text=True
    )
    assert told.strip() == whole


def test_changed_file_at_a_url_is_noticed_and_an_unchanged_one_not_sent_again(
    site: Site, opened: Opener
) -> None:
    sent: list[int] = []

    def serve(content: bytes) -> str:
        tag = f'"{sha256(content)}"'

        def answer(asked: Asked) -> Reply:
            same = asked.headers.get("If-None-Match") == tag
            sent.append(304 if same else 200)
            return Reply(b"" if same else content, status=sent[-1], headers={"ETag": tag})

        site.answers["/foo-1.0.tar.gz"] = answer
        return f"{site.url}/foo-1.0.tar.gz"

    url = serve(sdist("foo", "1.0"))
    first = direct(opened, url)
    assert direct(opened, url) == first
    assert sent == [200, 304]
    assert direct(opened, url, offline=True) == first
    serve(sdist("foo", "1.0", {"foo.py": "changed"}))
    assert direct(opened, url).source.digest != first.source.digest
    assert sent == [200, 304, 200]


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


def test_facts_of_a_fetched_source_need_nothing_more(tmp_path: Path, opened: Opener) -> None:
    root = folder(tmp_path / "foo")
    source = direct(opened, str(root)).source

    async def facts() -> SourceFacts:
        async with opened(offline=True) as upstream:
            return await upstream.facts(source)

    first = asyncio.run(facts())
    assert first.backend == "setuptools.build_meta:__legacy__"
    assert asyncio.run(facts()) == first


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
