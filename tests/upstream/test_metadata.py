"""METADATA by the cheapest way: which ways are taken, and what of them is believed."""

import asyncio
from email.parser import HeaderParser

import pytest

from upstream.archives import sdist, sha256, tar_gz, wheel
from upstream.opener import FolderBlobs, Opener
from upstream.web import Reply, Site, html
from wheelyard.errors import DigestMismatchError, NotUpstreamError, UpstreamError
from wheelyard.model.release import Release
from wheelyard.model.source import Source, SourceFacts, SourceKind
from wheelyard.upstream.remote_zip import first_stretch

FOO = Release.parse("foo==1.0")
WHEEL = "foo-1.0-py3-none-any.whl"
SDIST = "foo-1.0.tar.gz"


async def metadata(opened: Opener, *indexes: str, **changes: object) -> bytes:
    async with opened(*indexes, **changes) as upstream:
        return await upstream.metadata(await upstream.page(FOO.project), FOO)


def requires(opened: Opener, site: Site) -> list[str]:
    content = asyncio.run(metadata(opened, site.index))
    return HeaderParser().parsestr(content.decode()).get_all("Requires-Dist", [])


def put_wheel_with_metadata(site: Site, content: bytes, digest: str) -> None:
    url = site.put(f"/files/{WHEEL}", wheel("foo", "1.0", "Requires-Dist: from-wheel"))
    site.put(f"/files/{WHEEL}.metadata", content)
    site.put_page("foo", html(f'<a href="{url}" data-core-metadata="{digest}">x</a>'))


BESIDE = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Dist: beside\n"


@pytest.mark.parametrize("digest", ["true", f"sha256={sha256(BESIDE)}"])
def test_metadata_file_is_taken_first(site: Site, opened: Opener, digest: str) -> None:
    put_wheel_with_metadata(site, BESIDE, digest)
    assert requires(opened, site) == ["beside"]
    assert site.count(f"/files/{WHEEL}") == 0


def test_metadata_file_with_other_bytes_is_refused(site: Site, opened: Opener) -> None:
    put_wheel_with_metadata(site, BESIDE, "sha256=" + "0" * 64)
    with pytest.raises(DigestMismatchError, match="was announced"):
        requires(opened, site)


def test_metadata_file_of_another_release_is_refused(site: Site, opened: Opener) -> None:
    other = BESIDE.replace(b"foo", b"bar")
    put_wheel_with_metadata(site, other, f"sha256={sha256(other)}")
    with pytest.raises(UpstreamError, match=r"is that of bar==1\.0"):
        requires(opened, site)


def test_promised_metadata_file_that_is_not_there_leads_to_the_wheel(
    site: Site, opened: Opener
) -> None:
    put_wheel_with_metadata(site, BESIDE, "true")
    del site.answers[f"/files/{WHEEL}.metadata"]
    assert requires(opened, site) == ["from-wheel"]


def test_only_the_end_of_a_wheel_is_read(site: Site, opened: Opener) -> None:
    content = wheel("foo", "1.0", "Requires-Dist: bar")
    site.put_files("foo", (WHEEL, content))
    assert requires(opened, site) == ["bar"]
    assert site.count(f"/files/{WHEEL}") == 1
    assert site.asked[-1].headers["Range"].startswith("bytes=-")


def test_metadata_far_from_the_end_takes_few_more_ranges(site: Site, opened: Opener) -> None:
    content = wheel("foo", "1.0", "Requires-Dist: bar", padding=500_000)
    site.put_files("foo", (WHEEL, content))
    assert requires(opened, site) == ["bar"]
    asked = [one for one in site.asked if one.path.endswith(".whl")]
    assert 2 <= len(asked) <= 4
    assert all("Range" in one.headers for one in asked)


def test_whole_wheel_is_read_where_a_server_knows_no_ranges(site: Site, opened: Opener) -> None:
    site.ranges = False
    site.put_files("foo", (WHEEL, wheel("foo", "1.0", "Requires-Dist: bar", padding=100_000)))
    assert requires(opened, site) == ["bar"]


def test_server_that_gives_wrong_ranges_is_not_believed(site: Site, opened: Opener) -> None:
    content = wheel("foo", "1.0", padding=500_000)
    site.put_files("foo", (WHEEL, content))
    headers = {"Content-Range": f"bytes {len(content) - 5}-{len(content) - 1}/{len(content)}"}
    lie = Reply(b"12345", status=206, headers=headers)
    site.answers[f"/files/{WHEEL}"] = lambda _: lie
    with pytest.raises(UpstreamError):
        requires(opened, site)


def test_pure_wheel_is_preferred(site: Site, opened: Opener) -> None:
    site.put_files(
        "foo",
        ("foo-1.0-cp312-cp312-win32.whl", wheel("foo", "1.0", "Requires-Dist: other")),
        (WHEEL, wheel("foo", "1.0", "Requires-Dist: pure")),
    )
    assert requires(opened, site) == ["pure"]


def test_metadata_is_kept_and_works_offline(site: Site, opened: Opener) -> None:
    site.put_files("foo", (WHEEL, wheel("foo", "1.0", "Requires-Dist: bar")))
    first = asyncio.run(metadata(opened, site.index))
    assert asyncio.run(metadata(opened, site.index, offline=True)) == first


def sdist_requires(site: Site, opened: Opener, files: dict[str, str]) -> list[str]:
    site.put_files("foo", (SDIST, sdist("foo", "1.0", files)))
    return requires(opened, site)


PROJECT = '[project]\nname = "foo"\nversion = "1.0"\ndependencies = ["from-project"]\n'
EGG = {"foo.egg-info/requires.txt": "from-egg\n"}
HEAD = "Name: foo\nVersion: 1.0\nRequires-Dist: from-pkg-info\n"


def test_static_pkg_info_is_believed_first(site: Site, opened: Opener) -> None:
    files = {"PKG-INFO": "Metadata-Version: 2.2\n" + HEAD, "pyproject.toml": PROJECT, **EGG}
    assert sdist_requires(site, opened, files) == ["from-pkg-info"]


@pytest.mark.parametrize(
    "pkg_info",
    ["Metadata-Version: 2.1\n" + HEAD, "Metadata-Version: 2.2\nDynamic: Requires-Dist\n" + HEAD],
)
def test_project_table_comes_before_pkg_info_that_may_be_wrong(
    site: Site, opened: Opener, pkg_info: str
) -> None:
    files = {"PKG-INFO": pkg_info, "pyproject.toml": PROJECT, **EGG}
    assert sdist_requires(site, opened, files) == ["from-project"]


def test_dynamic_dependencies_lead_to_what_setuptools_recorded(site: Site, opened: Opener) -> None:
    project = '[project]\nname = "foo"\nversion = "1.0"\ndynamic = ["dependencies"]\n'
    files = {"PKG-INFO": "Metadata-Version: 2.1\n" + HEAD, "pyproject.toml": project, **EGG}
    assert sdist_requires(site, opened, files) == ["from-egg"]


def test_old_pkg_info_is_the_last_word(site: Site, opened: Opener) -> None:
    files = {"PKG-INFO": "Metadata-Version: 2.1\n" + HEAD}
    assert sdist_requires(site, opened, files) == ["from-pkg-info"]


def test_extras_of_the_project_table_get_their_markers(site: Site, opened: Opener) -> None:
    project = PROJECT + (
        'requires-python = ">=3.9"\n[project.optional-dependencies]\n'
        'x = ["a", "b; python_version < \'3\' or os_name == \'nt\'", "c @ https://c.invalid/c.zip"]\n'
    )
    site.put_files("foo", (SDIST, sdist("foo", "1.0", {"pyproject.toml": project})))
    content = asyncio.run(metadata(opened, site.index)).decode()
    message = HeaderParser().parsestr(content)
    assert message["Requires-Python"] == ">=3.9"
    assert message.get_all("Provides-Extra") == ["x"]
    assert message.get_all("Requires-Dist") == [
        "from-project",
        'a ; extra == "x"',
        'b ; (python_version < "3" or os_name == "nt") and (extra == "x")',
        'c @ https://c.invalid/c.zip ; extra == "x"',
    ]


def test_sections_of_requires_txt_become_markers(site: Site, opened: Opener) -> None:
    text = (
        "base>=1\n\n[:python_version < '3']\nold\n\n[x]\nextra\n\n"
        "[y:sys_platform == 'win32']\nboth[z]>=2; os_name == 'nt'\n"
    )
    assert sdist_requires(site, opened, {"src/foo.egg-info/requires.txt": text}) == [
        "base>=1",
        'old ; python_version < "3"',
        'extra ; extra == "x"',
        'both[z]>=2 ; (os_name == "nt") and ((sys_platform == "win32") and extra == "y")',
    ]


def test_sdist_of_another_release_is_refused(site: Site, opened: Opener) -> None:
    site.put_files("foo", (SDIST, sdist("bar", "1.0")))
    with pytest.raises(UpstreamError, match=r"is that of bar==1\.0"):
        requires(opened, site)


def test_damaged_sdist_is_upstreams_fault(site: Site, opened: Opener) -> None:
    site.put_files("foo", (SDIST, sdist("foo", "1.0")[:60]))
    with pytest.raises(UpstreamError, match="not an archive"):
        requires(opened, site)


def test_archive_is_read_once_however_often_it_is_asked_about(
    site: Site, opened: Opener, blobs: FolderBlobs
) -> None:
    content = sdist("foo", "1.0", {"pyproject.toml": PROJECT, "setup.py": ""})
    wanted = Source(
        kind=SourceKind.SDIST,
        location=site.put(f"/files/{SDIST}", content),
        digest=f"sha256:{sha256(content)}",
        filename=SDIST,
    )

    async def facts() -> SourceFacts:
        async with opened() as upstream:
            return await upstream.facts(wanted)

    first = asyncio.run(facts())
    archive = blobs.path(wanted.digest)
    assert archive is not None
    archive.write_bytes(b"nobody reads this")

    assert asyncio.run(facts()) == first


def test_release_without_any_metadata_says_so(site: Site, opened: Opener) -> None:
    site.put_files("foo", (SDIST, tar_gz({"foo-1.0/setup.py": ""})), ("foo-2.0.zip", b""))
    with pytest.raises(NotUpstreamError, match=r"no metadata of foo==1\.0"):
        requires(opened, site)


@pytest.mark.parametrize(
    "content_range", ["", "bytes */100", "bytes 90-99/100", "bytes 95-99/99", "lines 95-99/100"]
)
def test_range_that_is_not_what_came_is_no_range(content_range: str) -> None:
    assert first_stretch({"content-range": content_range}, b"12345") is None
    assert first_stretch({"content-range": "bytes 95-99/100"}, b"12345")
