"""Which files belong to which release."""

import pytest
from packaging.version import Version

from wheelyard.model.release import Release, project_name
from wheelyard.model.source import FileEntry, ProjectPage, SourceKind
from wheelyard.upstream.files import (
    listing,
    sdist_of,
    source_of,
    version_of,
    versions,
    wheels_of,
    yanked,
)


def page(project: str, *names: str, yanked: dict[str, str] | None = None) -> ProjectPage:
    reasons = yanked or {}
    files = tuple(
        FileEntry(filename=name, url=f"https://f.invalid/{name}", yanked=reasons.get(name))
        for name in names
    )
    return ProjectPage(project=project_name(project), index="i", files=files, fingerprint="f")


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("foo-1.0.tar.gz", "foo", "1.0"),
        ("Foo.Bar-1.0.tar.gz", "foo-bar", "1.0"),
        ("zope.interface-5.0.tar.gz", "zope-interface", "5.0"),
        ("python-dateutil-2.8.2.tar.gz", "python-dateutil", "2.8.2"),
        ("foo_bar-1.0.zip", "foo-bar", "1.0"),
        ("foo-1.0-beta2.tar.bz2", "foo", "1.0b2"),
        ("foo-1.0+local.1.tar.xz", "foo", "1.0+local.1"),
        ("foo-1!2.0.tgz", "foo", "1!2.0"),
        ("foo-bar-1.0.tar.gz", "foo", None),
        ("foo-1.0.tar.gz", "foo-1", None),
        ("foo-1.0.win32.zip", "foo", None),
        ("foo-1.0.linux-x86_64.tar.gz", "foo", None),
        ("foo-1.0-py2.7.egg", "foo", None),
        ("foo-1.0.win32.exe", "foo", None),
        ("foo-1.0-1.noarch.rpm", "foo", None),
        ("foo-1.0.tar.gz.asc", "foo", None),
        ("foo-latest.tar.gz", "foo", None),
        ("foo_bar-1.0-py3-none-any.whl", "foo-bar", "1.0"),
        ("Foo.Bar-1.0-2build-py3-none-any.whl", "foo-bar", "1.0"),
        ("foo-1.0-x-py3-none-any.whl", "foo", None),
        ("foo-1.0-py3-none.whl", "foo", None),
        ("bar-1.0-py3-none-any.whl", "foo", None),
        ("foo-x-py3-none-any.whl", "foo", None),
    ],
)
def test_version_is_read_from_a_file_name_of_the_project(
    filename: str, project: str, version: str | None
) -> None:
    expected = Version(version) if version else None
    assert version_of(filename, project_name(project)) == expected


def test_sdist_in_the_standard_format_is_preferred() -> None:
    listed = page("foo", "foo-1.0.zip", "foo-1.0.tar.bz2", "foo-1.0.tar.gz", "foo-2.0.zip")
    first = sdist_of(listed, Release.parse("foo==1.0"))
    second = sdist_of(listed, Release.parse("foo==2.0"))
    assert first
    assert second
    assert (first.filename, second.filename) == ("foo-1.0.tar.gz", "foo-2.0.zip")
    assert sdist_of(listed, Release.parse("foo==3.0")) is None


def test_sdist_that_is_not_yanked_is_preferred() -> None:
    listed = page("foo", "foo-1.0.tar.gz", "foo-1.0.zip", yanked={"foo-1.0.tar.gz": "bad"})
    found = sdist_of(listed, Release.parse("foo==1.0"))
    assert found
    assert found.filename == "foo-1.0.zip"


def test_release_is_yanked_when_all_its_files_are() -> None:
    wheel = "foo-1.0-py3-none-any.whl"
    half = page("foo", "foo-1.0.tar.gz", wheel, yanked={wheel: "bad"})
    whole = page("foo", "foo-1.0.tar.gz", wheel, yanked={"foo-1.0.tar.gz": "", wheel: "bad"})
    assert yanked(half, Release.parse("foo==1.0")) is None
    assert yanked(whole, Release.parse("foo==1.0")) == "bad"


def test_versions_are_newest_first_and_each_once() -> None:
    listed = page(
        "foo", "foo-1.0.tar.gz", "foo-1.0-py3-none-any.whl", "foo-1.10.tar.gz", "foo-1.9.exe"
    )
    assert versions(listed) == (Version("1.10"), Version("1.0"))


def test_listing_agrees_with_the_single_questions() -> None:
    listed = page(
        "foo", "foo-2.0.tar.gz", "foo-1.0-py3-none-any.whl", "foo-1.0.tar.gz", "bar-1.0.tar.gz"
    )
    groups = listing(listed)
    assert tuple(groups) == versions(listed)
    for version, group in groups.items():
        release = Release(listed.project, version)
        assert group.wheels == wheels_of(listed, release)
        assert group.sdists[0] == sdist_of(listed, release)


def test_source_of_an_entry_keeps_what_the_index_said() -> None:
    listed = page("foo", "foo-1.0.tar.gz")
    source = source_of(listed, listed.files[0])
    assert source.kind is SourceKind.SDIST
    assert (source.location, source.filename, source.index) == (
        listed.files[0].url,
        "foo-1.0.tar.gz",
        "i",
    )
