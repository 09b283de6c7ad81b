"""Pages in HTML and JSON: what is read, and what is not believed."""

import json
from datetime import UTC, datetime

import pytest

from upstream.web import html
from wheelyard.errors import UpstreamError
from wheelyard.model.release import project_name
from wheelyard.model.source import ProjectPage
from wheelyard.upstream.page import parse_page

URL = "https://index.invalid/simple/foo/"
SHA = "a" * 64


def read(body: str, content_type: str = "text/html", url: str = URL) -> ProjectPage:
    return parse_page(
        body.encode(),
        content_type=content_type,
        url=url,
        index="https://index.invalid/simple",
        project=project_name("foo"),
    )


def as_json(**changes: object) -> str:
    page = {"meta": {"api-version": "1.1"}, "name": "Foo", "files": []}
    return json.dumps(page | changes)


def test_html_keeps_all_that_a_link_says() -> None:
    page = read(
        html(
            f'<a href="../../p/foo-1.0.tar.gz#sha256={SHA}" data-requires-python="&gt;=3.8"'
            ' data-yanked="broken &amp; bad" data-upload-time="2024-05-06T07:08:09.5Z"'
            f' data-core-metadata="sha256={SHA}">foo-1.0.tar.gz</a>'
        )
    )
    entry = page.files[0]
    assert entry.url == "https://index.invalid/p/foo-1.0.tar.gz"
    assert entry.filename == "foo-1.0.tar.gz"
    assert entry.digest == f"sha256:{SHA}"
    assert entry.requires_python == ">=3.8"
    assert entry.yanked == "broken & bad"
    assert entry.uploaded == datetime(2024, 5, 6, 7, 8, 9, 500000, tzinfo=UTC)
    assert entry.metadata_digest == f"sha256:{SHA}"


def test_json_says_the_same_and_more() -> None:
    file = {
        "filename": "foo-1.0.tar.gz",
        "url": "../../p/foo-1.0.tar.gz",
        "hashes": {"md5": "b" * 32, "sha256": SHA},
        "requires-python": ">=3.8",
        "core-metadata": {"sha256": SHA},
        "yanked": "broken & bad",
        "size": 7,
        "upload-time": "2024-05-06T07:08:09.500000Z",
        "some-later-field": [1],
    }
    status = {"status": "archived", "reason": "moved"}
    page = read(as_json(files=[file], **{"project-status": status}), "application/json")
    same = read(
        html(
            f'<a href="../../p/foo-1.0.tar.gz#sha256={SHA}" data-requires-python="&gt;=3.8"'
            ' data-yanked="broken &amp; bad" data-upload-time="2024-05-06T07:08:09.5Z"'
            f' data-core-metadata="sha256={SHA}">foo-1.0.tar.gz</a>',
            head='<meta name="pypi:project-status" content="archived">'
            '<meta name="pypi:project-status-reason" content="moved">',
        )
    )
    assert page.files[0].size == 7
    assert (page.status, page.status_reason) == (same.status, same.status_reason)
    assert (page.status, page.status_reason) == ("archived", "moved")
    for name in ("url", "digest", "requires_python", "metadata_digest", "yanked", "uploaded"):
        assert getattr(page.files[0], name) == getattr(same.files[0], name)


@pytest.mark.parametrize(
    ("given", "meant"), [(True, ""), (False, None), ("why", "why"), ("", ""), (None, None)]
)
def test_yanked_in_json_is_a_reason_or_a_truth_value(given: object, meant: str | None) -> None:
    file = {"filename": "foo-1.0.tar.gz", "url": "x", "hashes": {}, "yanked": given}
    assert read(as_json(files=[file]), "application/json").files[0].yanked == meant


@pytest.mark.parametrize(
    ("attribute", "meant"),
    [
        ("data-core-metadata", ""),
        ('data-core-metadata="true"', ""),
        ('data-dist-info-metadata="true"', ""),
        ('data-core-metadata="false"', None),
        (f'data-dist-info-metadata="sha256={SHA}"', f"sha256:{SHA}"),
        ("", None),
    ],
)
def test_metadata_files_are_announced_in_several_ways(attribute: str, meant: str | None) -> None:
    page = read(html(f'<a href="foo-1.0.tar.gz" {attribute}>x</a>'))
    assert page.files[0].metadata_digest == meant


def test_base_address_and_percent_encoding_are_followed() -> None:
    page = read(
        html(
            '<a href="foo-1.0%2Blocal.tar.gz">foo-1.0+local.tar.gz</a>',
            head='<base href="https://files.invalid/deep/">',
        )
    )
    assert page.files[0].url == "https://files.invalid/deep/foo-1.0%2Blocal.tar.gz"
    assert page.files[0].filename == "foo-1.0+local.tar.gz"


@pytest.mark.parametrize(
    "fragment", ["sha256=zz", "sha256=" + "a" * 63, "sha256=", "crc32=1234", "=", "sha256"]
)
def test_malformed_digest_counts_as_none(fragment: str) -> None:
    assert read(html(f'<a href="foo-1.0.tar.gz#{fragment}">x</a>')).files[0].digest == ""


@pytest.mark.parametrize(
    "link", ["foo-1%2F..%2F..%2Fetc.tar.gz", "a%00b.tar.gz", "%2e%2e", "..%5Cx"]
)
def test_file_names_that_leave_their_folder_are_left_out(link: str) -> None:
    names = [entry.filename for entry in read(html(f'<a href="{link}">x</a>')).files]
    assert all("/" not in name and "\\" not in name and "\0" not in name for name in names)
    assert ".." not in names


def test_page_from_the_network_cannot_name_files_of_this_machine() -> None:
    link = '<a href="file:///etc/foo-1.0.tar.gz">x</a><a href="javascript:foo-1.0.tar.gz">x</a>'
    assert read(html(link)).files == ()
    file = {"filename": "foo-1.0.tar.gz", "url": "file:///etc/passwd", "hashes": {}}
    assert read(as_json(files=[file]), "application/json").files == ()
    assert len(read(html(link), url="file:///srv/simple/foo/").files) == 1


def test_credentials_in_links_are_not_kept() -> None:
    page = read(html('<a href="https://me:secret@files.invalid/foo-1.0.tar.gz">x</a>'))
    assert page.files[0].url == "https://files.invalid/foo-1.0.tar.gz"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
        ('<html><a href="/login">Log in</a></html>', "text/html"),
        (html('<a href="foo-1.0.tar.gz">foo-1.0.tar.gz</a>')[:-40], "text/html"),
        (html('<a href="foo-1.0.tar.gz">x</a>')[:75], "text/html"),
        ('{"name": "foo"', "application/json"),
        ('{"name": "foo", "files": 3}', "application/json"),
        ('{"error": "no"}', "application/json"),
        ("\udcff", "application/json"),
        ("%PDF", "application/pdf"),
        (as_json(name="bar"), "application/json"),
        (as_json(name="../../x"), "application/json"),
        (as_json(meta={"api-version": "2.0"}), "application/json"),
        (html(head='<meta name="pypi:repository-version" content="2.0">'), "text/html"),
    ],
)
def test_what_is_not_the_page_of_the_project_is_refused(body: str, content_type: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse_page(
            body.encode("utf-8", "surrogateescape"),
            content_type=content_type,
            url=URL,
            index="i",
            project=project_name("foo"),
        )
    assert URL in caught.value.message
    assert caught.value.hint


def test_empty_page_of_a_project_without_files_is_believed() -> None:
    assert read(html()).files == ()
    assert read(as_json(), "application/json").files == ()


def test_later_minor_version_is_read() -> None:
    assert read(as_json(meta={"api-version": "1.99"}), "application/json").files == ()


def test_fingerprint_changes_with_what_a_page_says() -> None:
    one = read(html('<a href="foo-1.0.tar.gz">x</a>'))
    same = read(html('<a   href="foo-1.0.tar.gz">another text</a>'))
    other = read(html('<a href="foo-1.0.tar.gz" data-yanked>x</a>'))
    assert one.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00:00+14:00", ""])
def test_upload_time_that_cannot_be_read_is_unknown(text: str) -> None:
    page = read(html(f'<a href="foo-1.0.tar.gz" data-upload-time="{text}">x</a>'))
    assert page.files[0].uploaded is None
