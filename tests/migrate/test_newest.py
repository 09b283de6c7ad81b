"""Where new versions show, and which of them a recipe goes to."""

import pytest

from wheelyard.migrate.newest.choosing import Wish, choose, is_prerelease, versions_in
from wheelyard.migrate.newest.origins import origins_of

HASHED = "ab/cd/" + "0" * 60


def kinds(url: str, version: str) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.name, one.pattern) for one in origins_of([url], [], version)]


@pytest.mark.parametrize(
    ("url", "version", "expected"),
    [
        ("https://i.example/packages/source/s/six/six-1.17.0.tar.gz", "1.17.0", [("pypi", "six", "")]),
        (f"https://i.example/packages/{HASHED}/a_b-1.0.tar.gz", "1.0", [("pypi", "a_b", "")]),
        (f"https://i.example/packages/{HASHED}/a_b-1.0-py3-none-any.whl", "1.0", [("pypi", "a_b", "")]),
        ("https://g.example/o/r/archive/refs/tags/v1.2.tar.gz", "1.2", [("github", "r", "v{}")]),
        ("https://g.example/o/r/archive/1.2.zip", "1.2", [("github", "r", "{}")]),
        ("https://g.example/o/r/archive/v1.2/r-1.2.tar.gz", "1.2", [("github", "r", "v{}")]),
        ("https://l.example/a/b/r/-/archive/rel_1_2/r-rel_1_2.tar.gz", "1.2", [("github", "r", "rel_{}")]),
        (
            "https://g.example/o/r/releases/download/r-1.2/r.tar.gz",
            "1.2",
            [("githubreleases", "r", "r-{}"), ("github", "r", "r-{}")],
        ),
        ("https://n.example/left-pad/-/left-pad-1.2.tgz", "1.2", [("npm", "left-pad", "")]),
        ("https://n.example/@types/node/-/node-1.2.tgz", "1.2", [("npm", "@types/node", "")]),
        ("https://c.example/api/v1/crates/rg/14.0/download", "14.0", [("crates", "rg", "")]),
        ("https://s.example/crates/rg/rg-14.0.crate", "14.0", [("crates", "rg", "")]),
        ("https://m.example/src/contrib/dplyr_1.0-2.tar.gz", "1.0_2", [("cran", "dplyr", "")]),
        ("https://m.example/src/contrib/Archive/dplyr/dplyr_1.0-2.tar.gz", "1.0_2", [("cran", "dplyr", "")]),
        (
            "https://d.example/glib/2.56/glib-2.56.1.tar.xz",
            "2.56.1",
            [("rawurl", "glib-2.56.1.tar.xz", "https://d.example/glib/2.56/glib-{}.tar.xz")],
        ),
        ("https://d.example/constant.tar.gz", "1.0", []),
        ("../local/archive.tar.gz", "1.0", []),
    ],
)  # fmt: skip
def test_an_address_tells_by_its_shape_where_versions_show(
    url: str, version: str, expected: list[tuple[str, str, str]]
) -> None:
    assert kinds(url, version) == expected


def test_git_sources_are_asked_for_tags_and_settings_choose_and_order_sources() -> None:
    urls = [
        "https://i.example/packages/source/s/six/six-1.0.tar.gz",
        "https://g.example/o/six/archive/v1.0.tar.gz",
    ]
    git = ["git://g.example/o/other.git"]
    found = origins_of(urls, git, "1.0")
    assert [(one.kind.value, one.address) for one in found] == [
        ("pypi", ""),
        ("github", "https://g.example/o/six"),
        ("github", "https://g.example/o/other.git"),
    ]
    assert [one.kind.value for one in origins_of(urls, (), "1.0", only=["github", "pypi"])] == [
        "github",
        "pypi",
    ]
    assert origins_of(urls, (), "1.0", only=["npm"]) == ()


@pytest.mark.parametrize(
    ("current", "found", "settings", "expected"),
    [
        ("1.9", ["1.10", "1.8"], {}, "1.10"),
        ("1.9", ["1.9", "1.9.0", "1.8"], {}, ""),
        ("1.0", ["2.0rc1", "1.1", "2.0.dev3", "2.0a1", "3.0-beta.1"], {}, "1.1"),
        ("1.0", ["2.0rc1"], {"prereleases": True}, "2.0rc1"),
        ("2.0b1", ["2.0b2"], {}, "2.0b2"),
        ("1.1.1a", ["1.1.1w", "1.1.1b"], {}, "1.1.1w"),
        ("9d", ["9e"], {}, "9e"),
        ("1.2.3", ["20240101", "1.3"], {}, "1.3"),
        ("20230101", ["20240101"], {}, "20240101"),
        ("1.4.0", ["1.5.1", "1.6.0"], {"even_odd_versions": True, "exclude": ["1.6*"]}, ""),
        ("1.4.0", ["1.5.1", "1.6.0"], {"even_odd_versions": True}, "1.6.0"),
        ("1.0", ["1.1", "1.2"], {"exclude": ["1.2"]}, "1.1"),
        ("1.0", ["1.1"], {"skip": True}, ""),
        ("1.0", ["nonsense!!", "x" * 500, "1.0.post1"], {}, "1.0.post1"),
        ("1.0", ["1.1"], {"exclude": "no list", "sources": 3, "allowed_tag_globs": None}, "1.1"),
    ],
)
def test_the_newest_that_is_wanted_is_chosen_in_condas_order(
    current: str, found: list[str], settings: dict[str, object], expected: str
) -> None:
    wish = Wish.parse({"bot": {"version_updates": settings}})
    assert choose(current, found, wish).version == expected


def test_what_is_passed_over_is_named_with_its_reason() -> None:
    wish = Wish.parse({"bot": {"version_updates": {"exclude": ["1.2"]}}})
    passed = dict(choose("1.0", ["1.1", "1.2", "1.3rc1"], wish).passed)
    assert "pre-release" in passed["1.3rc1"]
    assert "excludes 1.2" in passed["1.2"]


@pytest.mark.parametrize(
    ("pattern", "globs", "expected"),
    [
        ("v{}", [], ["1.2", "1.3"]),
        ("", [], ["1.2", "1.3", "1.4", "9.9", "2.0"]),
        ("r-{}", [], ["1.4"]),
        ("", ["v*"], ["1.2", "1.3"]),
        ("", ["!v*", "!r-*"], ["9.9", "2.0"]),
    ],
)
def test_tags_are_read_by_the_recipes_own_pattern(
    pattern: str, globs: list[str], expected: list[str]
) -> None:
    tags = ["v1.2", "v1_3", "r-1.4", "9.9", "other-thing-7", "release-2.0", "latest", "w1.1"]
    assert versions_in(tags, name="r", pattern=pattern, globs=globs) == expected


@pytest.mark.parametrize(
    "version", ["1.0.0-SNAPSHOT", "4.7.0.M2", "2.0c1", "1.0-preview3", "0.1.dev0"]
)
def test_pre_releases_are_known_by_their_words(version: str) -> None:
    assert is_prerelease(version)
