"""What a user gets wrong, or is given wrong, ends in one clear message and a documented exit code."""

import dataclasses
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from e2e.user import Ran, User
from upstream.archives import sha256, tar_gz
from upstream.web import Reply, Site, html
from wheelyard.testing.sdists import SdistSpec, write_sdist, write_wheel

USAGE, UPSTREAM, STATE = 2, 3, 4
CLOSED = "http://127.0.0.1:1/simple/"
GOOD = SdistSpec(name="good")
NO_BACKEND = "[build-system]\nrequires = []\n"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def assert_refused(ran: Ran, code: int, *words: str) -> None:
    """Look for one error with a hint that says what is wrong."""
    assert ran.code == code, ran.err
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ran.err
    assert "  hint: " in ran.err
    for word in words:
        assert word in ran.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), USAGE, ["nothing was asked for"]),
        (("not a name!!",), USAGE, ["'not a name!!'"]),
        (("./nowhere",), USAGE, ["nowhere"]),
        (("good", "-t", "cp27"), USAGE, ["'cp27'", "cp37"]),
        (("good", "-t", "cp399"), USAGE, ["cp399", "cp39"]),
        (("good", "-t", "cp312-win_amd64"), USAGE, ["This machine is", "win_amd64"]),
        (("good", "-r", "nofile"), USAGE, ["'nofile'"]),
        (("--plan", "nofile"), USAGE, ["'nofile'"]),
        (("--plan", "garbage"), USAGE, ["plan", "--write-plan"]),
        (("good", "--wall-limit", "soon"), USAGE, ["'soon'"]),
        (("good", "--min-release-age", "99999999999w"), USAGE, ["99999999999w"]),
        (("good", "--exclude-newer", "9999-12-31"), USAGE, ["9999-12-31"]),
        (("good", "--memory-limit", "much"), USAGE, ["'much'"]),
        (("good", "--recipes", "nofolder"), USAGE, ["nofolder"]),
        (("good", "--state", "garbage"), STATE, ["is not a folder"]),
        (("good", "--state", "newer"), STATE, ["newer wheelyard", "99"]),
        (("good", "--state", "foreign"), STATE, ["not a state folder"]),
        (("good", "--state", "/proc/state"), STATE, ["/proc/state"]),
    ],
    ids=str,
)
def test_mistake_is_told(user: User, words: tuple[str, ...], code: int, said: list[str]) -> None:
    user.upload(GOOD)
    (user.folder / "garbage").write_text("not what it should be")
    (user.folder / "newer").mkdir()
    (user.folder / "newer/wheelyard-state").write_text("99\n")
    (user.folder / "foreign").mkdir()
    (user.folder / "foreign/thesis.txt").write_text("")
    assert_refused(user.build(*words), code, *said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[bild]\n", ["'bild'", "build"]),
        ("[build]\ntargt = 'cp312'\n", ["'targt'", "target"]),
        ("[package.good]\npatchs = []\n", ["patchs", "patches"]),
        ("[package.good]\npatches = ['missing.patch']\n", ["missing.patch"]),
        ("[build\n", ["line 1"]),
        ("[checks]\npure-but-upstream-is-binary = 'maybe'\n", ["maybe", "hold"]),
        ("[checks]\npure-but-upstream-is-binry = 'warn'\n", ["pure-but-upstream-is-binary"]),
    ],
)
def test_mistake_in_wheelyard_toml_is_told(user: User, text: str, said: list[str]) -> None:
    user.upload(GOOD)
    (user.folder / "wheelyard.toml").write_text(text)
    assert_refused(user.build("good"), USAGE, "wheelyard.toml", *said)


def test_requirements_without_a_solution_are_left_out_and_the_rest_is_built(user: User) -> None:
    user.upload(GOOD, SdistSpec(name="needy", requires=("good>7",)))
    write_wheel(SdistSpec(name="binary-only"), user.index)
    ran = user.build("good", "unknown-project", "needy", "binary-only", "good<9")
    assert ran.code == 1
    assert ran.row("good==1.0")["ending"] in {"built", "reused"}
    (resolved,) = ran.of_kind("target-resolved")
    reasons = {each["requirement"]: each for each in resolved["exclusions"]}
    assert set(reasons) == {"unknown-project", "needy", "binary-only"}
    assert "'unknown-project' is not on" in reasons["unknown-project"]["reason"]
    assert "good>7" in reasons["needy"]["reason"]
    assert "no source" in reasons["binary-only"]["hint"]


def test_requested_release_without_a_source_is_told_how_to_take_the_wheel(user: User) -> None:
    write_wheel(SdistSpec(name="binary-only"), user.index)
    row = user.build("binary-only", "--from-source", "requested").row("binary-only==1.0")
    assert "has no source, only wheels" in row["reason"]
    assert "--from-source=none" in row["hint"]
    assert "only what requires it" in row["hint"]


def test_index_is_offered_only_where_something_was_put_into_it(user: User) -> None:
    user.upload(GOOD)
    for words in (("unknown-project",), ("good; python_version < '3'",)):
        ran = user.run("build", *user.words(*words, "-o", "wheelhouse"))
        assert "install with" not in ran.out
    assert ran.code == 0
    assert "the markers of all that was asked for leave out every target" in ran.out


def test_build_requirement_on_no_index_is_told_with_the_ways_out(user: User) -> None:
    user.upload(SdistSpec(name="asks-much", build_requires=("unknown-tool[fast]>=2",)))
    ran = user.build("asks-much")
    assert ran.code == 1
    row = ran.row("asks-much==1.0")
    assert "'unknown-tool' is not on" in row["reason"]
    assert "\n" not in row["reason"]
    assert "--index" in row["hint"]
    assert "patch that out" in row["hint"]


def test_impossible_constraint_is_told(user: User) -> None:
    user.upload(GOOD)
    (user.folder / "limits.txt").write_text("good<1\n")
    ran = user.run("build", *user.words("good", "-c", "limits.txt"))
    assert ran.code == 1
    assert "left out: good" in ran.out
    assert "good<1" in ran.out


def test_release_that_is_not_for_this_python_is_no_failure(user: User) -> None:
    user.upload(SdistSpec(name="for-the-future", requires_python=">=3.99"), GOOD)
    ran = user.run("build", *user.words("for-the-future", "good"))
    assert ran.code == 0
    assert "not applicable: for-the-future" in ran.out


def test_unreachable_index_is_told(user: User) -> None:
    assert_refused(user.build("good", index=CLOSED), UPSTREAM, CLOSED, "cannot be reached")


def lying(site: Site, folder: Path, way: str) -> Mapping[str, Callable[[], None]]:
    """Return ways in which an index may lie about ``good``, whose bytes nobody has seen before."""
    unseen = dataclasses.replace(GOOD, body=f"SEEN_BY = {way!r}\n")
    content = write_sdist(unseen, folder).read_bytes()
    name = "good-1.0.tar.gz"

    def page(digest: str, reply: Reply) -> None:
        site.answers[f"/files/{name}"] = lambda _: reply
        link = f'<a href="{site.url}/files/{name}#sha256={digest}">{name}</a>'
        site.put_page("good", html(link))

    return {
        "500": lambda: site.answers.update(
            {"/simple/good/": lambda _: Reply(b"broken", status=500)}
        ),
        "no page": lambda: site.put_page("good", b"\x00\xff garbage", "application/octet-stream"),
        "bad json": lambda: site.put_page(
            "good", b"{", content_type="application/vnd.pypi.simple.v1+json"
        ),
        "digest": lambda: page("0" * 64, Reply(content)),
        "cut": lambda: page(sha256(content), Reply(content, cut=100)),
        "short": lambda: page(sha256(content), Reply(content[:-100])),
        "file gone": lambda: page(sha256(content), Reply(b"", status=404)),
    }


@pytest.mark.parametrize(
    "way", ["500", "no page", "bad json", "digest", "cut", "short", "file gone"]
)
def test_lying_index_is_told_and_harms_no_other_requirement(
    user: User, site: Site, way: str
) -> None:
    lying(site, user.folder / "lies", way)[way]()
    good = dataclasses.replace(GOOD, name="honest")
    site.put_files("honest", ("honest-1.0.tar.gz", write_sdist(good, user.folder).read_bytes()))
    ran = user.build("good", "honest", index=f"{site.url}/simple/")
    assert ran.code == 1
    assert ran.row("honest==1.0")["ending"] in {"built", "reused"}
    (resolved,) = ran.of_kind("target-resolved")
    (left_out,) = resolved["exclusions"]
    assert left_out["requirement"] == "good"
    assert "good" in left_out["reason"]
    assert left_out["hint"]


def test_wrong_digest_is_told(user: User, site: Site) -> None:
    lying(site, user.folder / "lies", "alone")["digest"]()
    ran = user.build("good", index=f"{site.url}/simple/")
    assert_refused(ran, UPSTREAM, "good-1.0.tar.gz", "sha256:0000", "was announced")


def pkg_info(name: str) -> str:
    """Return the least PKG-INFO that tells its requirements."""
    return f"Metadata-Version: 2.2\nName: {name}\nVersion: 1.0\n"


SPOILT: Mapping[str, tuple[Mapping[str, bytes | str], str]] = {
    "traversal": ({"../../escaped": "x"}, "leaves its place"),
    "absolute": ({"/escaped": "x"}, "/escaped"),
    "bomb": ({"bomb-1.0/zeros": bytes(80 << 20)}, "unpacks to more than"),
    "empty": ({"empty-1.0/README": "x"}, "neither pyproject.toml nor setup.py"),
    "tomless": ({"tomless-1.0/pyproject.toml": "[build-system\n"}, "pyproject.toml, line 1"),
    "reqless": (
        {"reqless-1.0/pyproject.toml": '[build-system]\nrequires = ["a b c!"]\n'},
        "not a requirement",
    ),
    "backless": (
        {"backless-1.0/pyproject.toml": NO_BACKEND + 'build-backend = "nowhere"\n'},
        "nowhere",
    ),
}


def test_spoilt_sources_are_their_own_failures(user: User) -> None:
    user.index.mkdir()
    for name, (files, _) in SPOILT.items():
        base = {f"{name}-1.0/PKG-INFO": pkg_info(name)}
        if name in {"traversal", "absolute", "bomb"}:
            base[f"{name}-1.0/pyproject.toml"] = NO_BACKEND + 'build-backend = "x"\n'
        (user.index / f"{name}-1.0.tar.gz").write_bytes(tar_gz({**base, **files}))
    (user.index / "noise-1.0.tar.gz").write_bytes(b"not an archive at all")
    whole = write_sdist(SdistSpec(name="cut"), user.index)
    whole.write_bytes(whole.read_bytes()[:-200])
    renamed = write_sdist(SdistSpec(name="other"), user.index)
    renamed.rename(user.index / "renamed-1.0.tar.gz")
    user.upload(GOOD)

    ran = user.build(*SPOILT, "noise", "cut", "renamed", "good", "--disk-limit", "50M")
    assert ran.code == 1
    assert ran.row("good==1.0")["ending"] in {"built", "reused"}
    for name, (_, said) in SPOILT.items():
        row = ran.row(f"{name}==1.0")
        assert row["ending"] == "failed"
        assert said in row["reason"]
    (resolved,) = ran.of_kind("target-resolved")
    reasons = {each["requirement"]: each["reason"] for each in resolved["exclusions"]}
    assert set(reasons) == {"noise", "cut", "renamed"}
    assert not (user.state.parent / "escaped").exists()
    assert not Path("/escaped").exists()


@pytest.mark.parametrize("kilobytes", [60, 200, 450])
def test_full_disk_ends_with_a_word_and_the_same_command_goes_on(
    newcomer: User, kilobytes: int
) -> None:
    user = newcomer
    user.upload(GOOD, SdistSpec(name="user-of-good", build_requires=("good",)))
    words = user.words("user-of-good", "--output", user.state / "out")
    user.state.mkdir()
    small = ["--dev-bind", "/", "/", "--size", str(kilobytes << 10), "--tmpfs", str(user.state)]
    done = subprocess.run(
        [str(shutil.which("bwrap")), *small, *user.command("build", *words)],
        cwd=user.folder,
        env=user.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == STATE, done.stderr
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr or "disk is full" in done.stderr
    assert "hint: Make room" in done.stderr or "hint: Free" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("job", "show", "nothing-of-it"),
        ("job", "log", "a999999"),
        ("job", "approve", "nothing-of-it"),
        ("job", "list", "--since", "foo-bar"),
        ("job", "retry", "--since", "13-13-13"),
        ("job", "list", "--target", "nonsense"),
        ("job", "list", "--project", "!!"),
    ],
    ids=str,
)
def test_mistake_about_jobs_is_told(user: User, words: tuple[str, ...]) -> None:
    assert_refused(user.run(*words, "--state", user.state), USAGE)
