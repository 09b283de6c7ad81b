"""Direct references to sdists, by URL or path, and what is refused."""

import asyncio
import base64
from pathlib import Path

import pytest

from upstream.archives import sdist, sha256
from upstream.opener import Opener
from upstream.repositories import direct
from upstream.web import Asked, Reply, Site
from wheelyard.errors import (
    ConfigurationError,
    DigestMismatchError,
    InvalidNameError,
    UpstreamError,
    WheelyardError,
)

pytestmark = pytest.mark.usefixtures("own_git")


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
