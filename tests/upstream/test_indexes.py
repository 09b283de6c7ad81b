"""Indexes over HTTP and in folders: order, cache, retries, and indexes that lie."""

import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from upstream.archives import sdist, wheel
from upstream.opener import Opener
from upstream.web import JSON, Asked, Reply, Site, html
from wheelyard.errors import ConfigurationError, NotUpstreamError, OfflineError, UpstreamError
from wheelyard.model.release import project_name

FOO = project_name("foo")
PAGE = "/simple/foo/"
LINK = '<a href="foo-1.0.tar.gz">foo-1.0.tar.gz</a>'


async def names(opened: Opener, *indexes: str, **changes: object) -> list[str]:
    async with opened(*indexes, **changes) as upstream:
        return [entry.filename for entry in (await upstream.page(FOO)).files]


async def refused(opened: Opener, *indexes: str, **changes: object) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await names(opened, *indexes, **changes)
    assert caught.value.hint
    return caught.value


def run(work: object) -> object:
    return asyncio.run(work)  # type: ignore[arg-type]


def test_json_is_preferred_and_html_is_taken(site: Site, opened: Opener) -> None:
    site.put_page("foo", html(LINK))
    assert run(names(opened, site.index)) == ["foo-1.0.tar.gz"]
    accept = site.asked[0].headers["Accept"]
    assert accept.index("json") < accept.index("html;q=0.2")


def test_json_page_is_read(site: Site, opened: Opener) -> None:
    page = {"name": "foo", "files": [{"filename": "foo-2.0.zip", "url": "/f/x", "hashes": {}}]}
    site.put_page("foo", msgspec.json.encode(page), JSON)
    assert run(names(opened, site.index)) == ["foo-2.0.zip"]


def test_first_index_that_has_the_project_is_the_only_one_asked(
    site: Site, second_site: Site, opened: Opener
) -> None:
    site.put_page("foo", html(LINK))
    second_site.put_page("foo", html('<a href="foo-99.tar.gz">x</a>'))
    assert run(names(opened, site.index, second_site.index)) == ["foo-1.0.tar.gz"]
    assert second_site.asked == []


def test_next_index_is_asked_where_the_first_lacks_the_project(
    site: Site, second_site: Site, opened: Opener
) -> None:
    second_site.put_page("foo", html(LINK))
    assert run(names(opened, site.index, second_site.index)) == ["foo-1.0.tar.gz"]


def test_index_that_fails_is_not_one_that_lacks_the_project(
    site: Site, second_site: Site, opened: Opener
) -> None:
    site.answers[PAGE] = lambda _: Reply(status=500)
    second_site.put_page("foo", html(LINK))
    run(refused(opened, site.index, second_site.index))
    assert second_site.asked == []


def test_unknown_project_names_the_indexes_that_were_asked(
    site: Site, second_site: Site, opened: Opener
) -> None:
    error = run(refused(opened, site.index, second_site.index))
    assert isinstance(error, NotUpstreamError)
    assert site.index in error.message
    assert second_site.index in error.message


def test_fresh_page_is_not_asked_for_again(site: Site, opened: Opener) -> None:
    site.put(PAGE, html(LINK), Content_Type="text/html", Cache_Control="max-age=100")
    run(names(opened, site.index))
    opened.time += 99
    run(names(opened, site.index))
    assert site.count(PAGE) == 1
    opened.time += 2
    run(names(opened, site.index))
    assert site.count(PAGE) == 2


def test_age_on_the_way_counts(site: Site, opened: Opener) -> None:
    site.put(PAGE, html(LINK), Content_Type="text/html", Cache_Control="max-age=100", Age="60")
    run(names(opened, site.index))
    opened.time += 41
    run(names(opened, site.index))
    assert site.count(PAGE) == 2


def test_page_without_a_word_on_caching_is_believed_for_a_while(site: Site, opened: Opener) -> None:
    site.put_page("foo", html(LINK))
    run(names(opened, site.index, fresh_seconds=300))
    opened.time += 299
    run(names(opened, site.index, fresh_seconds=300))
    assert site.count(PAGE) == 1


def test_clock_that_goes_back_asks_again(site: Site, opened: Opener) -> None:
    site.put_page("foo", html(LINK))
    run(names(opened, site.index))
    opened.time -= 3600
    run(names(opened, site.index))
    assert site.count(PAGE) == 2


def test_stale_page_is_confirmed_by_its_validators(site: Site, opened: Opener) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.headers.get("If-None-Match") == '"1"':
            return Reply(status=304, headers={"Cache-Control": "max-age=10"})
        headers = {"ETag": '"1"', "Cache-Control": "max-age=10", "Content-Type": "text/html"}
        return Reply(html(LINK).encode(), headers=headers | {"Last-Modified": "yesterday"})

    site.answers[PAGE] = answer
    run(names(opened, site.index))
    opened.time += 11
    assert run(names(opened, site.index)) == ["foo-1.0.tar.gz"]
    assert site.asked[1].headers["If-Modified-Since"] == "yesterday"
    opened.time += 9
    assert run(names(opened, site.index)) == ["foo-1.0.tar.gz"]
    assert site.count(PAGE) == 2


def test_page_that_must_not_be_stored_is_not(site: Site, opened: Opener) -> None:
    site.put(PAGE, html(LINK), Content_Type="text/html", Cache_Control="no-store")
    run(names(opened, site.index))
    run(names(opened, site.index))
    assert site.count(PAGE) == 2


def test_offline_serves_what_is_cached_however_old(site: Site, opened: Opener) -> None:
    site.put_page("foo", html(LINK))
    run(names(opened, site.index))
    opened.time += 10**9
    assert run(names(opened, site.index, offline=True)) == ["foo-1.0.tar.gz"]
    assert site.count(PAGE) == 1


def test_offline_without_a_cached_page_does_not_go_on_to_the_next_index(
    site: Site, second_site: Site, opened: Opener
) -> None:
    second_site.put_page("foo", html(LINK))
    run(names(opened, second_site.index))
    error = run(refused(opened, site.index, second_site.index, offline=True))
    assert isinstance(error, OfflineError)


def test_offline_remembers_that_an_index_lacks_a_project(
    site: Site, second_site: Site, opened: Opener
) -> None:
    second_site.put_page("foo", html(LINK))
    run(names(opened, site.index, second_site.index))
    assert run(names(opened, site.index, second_site.index, offline=True)) == ["foo-1.0.tar.gz"]


def test_damaged_cache_is_asked_for_again(site: Site, opened: Opener) -> None:
    site.put_page("foo", html(LINK))
    run(names(opened, site.index))
    (kept,) = (path for path in opened.cache.rglob("*") if path.is_file())
    whole = kept.read_bytes()
    for content in (b"", whole[:20], whole[:-3], b"\xff" * 100):
        kept.write_bytes(content)
        assert run(names(opened, site.index)) == ["foo-1.0.tar.gz"]
    assert site.count(PAGE) == 5


def test_same_question_at_the_same_time_is_asked_once(site: Site, opened: Opener) -> None:
    site.put_page("foo", html(LINK))

    async def many() -> None:
        async with opened(site.index) as upstream:
            pages = await asyncio.gather(*(upstream.page(FOO) for _ in range(20)))
        assert len({page.fingerprint for page in pages}) == 1

    run(many())
    assert site.count(PAGE) == 1


def test_caller_who_gives_up_does_not_take_the_answer_from_the_others(
    site: Site, opened: Opener
) -> None:
    site.put_page("foo", html(LINK))

    async def two() -> None:
        async with opened(site.index) as upstream:
            first = asyncio.create_task(upstream.page(FOO))
            second = asyncio.create_task(upstream.page(FOO))
            await asyncio.sleep(0)
            first.cancel()
            assert len((await second).files) == 1
            with pytest.raises(asyncio.CancelledError):
                await first

    run(two())


def test_passing_faults_are_tried_again_with_growing_delays(site: Site, opened: Opener) -> None:
    good = Reply(html(LINK).encode(), headers={"Content-Type": "text/html"})
    site.script(PAGE, Reply(status=503), Reply(b"x" * 50, cut=10), Reply(status=500), good)
    assert run(names(opened, site.index)) == ["foo-1.0.tar.gz"]
    assert opened.delays == [0.5, 1.0, 2.0]


def test_server_says_when_to_come_back_but_not_for_ever(site: Site, opened: Opener) -> None:
    good = Reply(html(LINK).encode(), headers={"Content-Type": "text/html"})
    later = Reply(status=429, headers={"Retry-After": "7"})
    site.script(PAGE, later, Reply(status=503, headers={"Retry-After": "99999"}), good)
    run(names(opened, site.index))
    assert opened.delays == [7.0, 30.0]


def test_tries_are_bounded(site: Site, opened: Opener) -> None:
    site.answers[PAGE] = lambda _: Reply(status=503)
    error = run(refused(opened, site.index, retries=2))
    assert isinstance(error, UpstreamError)
    assert "503" in error.message
    assert site.count(PAGE) == 3


def test_refused_connection_says_so(opened: Opener) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/simple"
        error = run(refused(opened, address))
    assert isinstance(error, UpstreamError)
    assert "cannot be reached" in error.message


def test_silent_server_is_given_up(opened: Opener) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        error = run(refused(opened, address, timeout_seconds=0.05, retries=1))
    assert isinstance(error, UpstreamError)
    assert "did not answer" in error.message


def test_redirects_are_followed_but_not_in_a_circle(site: Site, opened: Opener) -> None:
    site.answers[PAGE] = lambda _: Reply(status=302, headers={"Location": "/simple/Foo/"})
    site.put("/simple/Foo/", html(LINK), Content_Type="text/html")
    assert run(names(opened, site.index)) == ["foo-1.0.tar.gz"]
    site.answers["/simple/bar/"] = lambda _: Reply(status=301, headers={"Location": "/simple/bar/"})

    async def circle() -> None:
        async with opened(site.index) as upstream:
            with pytest.raises(UpstreamError, match="redirects without end"):
                await upstream.page(project_name("bar"))

    run(circle())


def test_redirect_to_this_machines_files_is_refused(site: Site, opened: Opener) -> None:
    site.answers[PAGE] = lambda _: Reply(status=302, headers={"Location": "file:///etc/passwd"})
    run(refused(opened, site.index))


def test_gigantic_page_is_refused(site: Site, opened: Opener) -> None:
    site.put_page("foo", html(LINK) + " " * 10_000)
    error = run(refused(opened, site.index, page_bytes=5_000))
    assert isinstance(error, UpstreamError)
    assert "larger than 5000 bytes" in error.message


def test_lie_is_not_cached(site: Site, opened: Opener) -> None:
    site.put_page("foo", "<html><h1>Please wait</h1></html>")
    run(refused(opened, site.index))
    site.put_page("foo", html(LINK))
    assert run(names(opened, site.index)) == ["foo-1.0.tar.gz"]


def test_credentials_go_to_their_index_only_and_into_no_message(
    site: Site, second_site: Site, opened: Opener
) -> None:
    second_site.put_page("foo", html(LINK))
    address = site.index.replace("//", "//me:s%40cret@")

    async def look() -> str:
        async with opened(address, second_site.index) as upstream:
            await upstream.page(FOO)
            with pytest.raises(NotUpstreamError) as caught:
                await upstream.page(project_name("nobody"))
            return caught.value.message

    message = run(look())
    assert site.asked[0].headers["Authorization"] == "Basic bWU6c0BjcmV0"
    assert "Authorization" not in second_site.asked[0].headers
    assert "cret" not in str(message)
    assert not any(
        b"cret" in path.read_bytes() for path in opened.cache.rglob("*") if path.is_file()
    )


def test_netrc_is_used(site: Site, opened: Opener) -> None:
    opened.netrc.write_text("machine 127.0.0.1 login me password secret\n")
    site.put_page("foo", html(LINK))
    run(names(opened, site.index))
    assert site.asked[0].headers["Authorization"].startswith("Basic ")


def test_denied_access_tells_where_credentials_go(site: Site, opened: Opener) -> None:
    site.answers[PAGE] = lambda _: Reply(status=401)
    error = run(refused(opened, site.index))
    assert isinstance(error, UpstreamError)
    assert "netrc" in error.hint
    assert site.count(PAGE) == 1


def test_flat_folder_is_an_index(tmp_path: Path, opened: Opener) -> None:
    folder = tmp_path / "my files"
    folder.mkdir()
    (folder / "Foo-1.0.tar.gz").write_bytes(sdist("Foo", "1.0"))
    (folder / "foo-1.0-py3-none-any.whl").write_bytes(wheel("foo", "1.0"))
    (folder / "bar-1.0.tar.gz").write_bytes(b"")
    for address in (str(folder), folder.as_uri()):
        assert run(names(opened, address)) == ["Foo-1.0.tar.gz", "foo-1.0-py3-none-any.whl"]


def test_replaced_file_in_a_folder_changes_the_fingerprint(tmp_path: Path, opened: Opener) -> None:
    file = tmp_path / "foo-1.0.tar.gz"

    async def fingerprint(content: bytes) -> str:
        file.write_bytes(content)
        async with opened(str(tmp_path)) as upstream:
            return (await upstream.page(FOO)).fingerprint

    assert run(fingerprint(b"one")) != run(fingerprint(b"three"))


@pytest.mark.parametrize("below", ["", "simple"])
def test_repository_on_disk_is_an_index(tmp_path: Path, opened: Opener, below: str) -> None:
    (tmp_path / "r" / below / "foo").mkdir(parents=True)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "foo-1.0.tar.gz").write_bytes(b"x")
    up = "../" * (3 if below else 2)
    page = html(f'<a href="{up}files/foo-1.0.tar.gz">foo-1.0.tar.gz</a>')
    (tmp_path / "r" / below / "foo" / "index.html").write_text(page)

    async def look() -> str:
        async with opened((tmp_path / "r").as_uri(), offline=True) as upstream:
            return (await upstream.page(FOO)).files[0].url

    assert run(look()) == (tmp_path / "files" / "foo-1.0.tar.gz").as_uri()


def test_folder_without_the_project_leads_to_the_next_index(
    tmp_path: Path, site: Site, opened: Opener
) -> None:
    site.put_page("foo", html(LINK))
    assert run(names(opened, str(tmp_path), site.index)) == ["foo-1.0.tar.gz"]


def test_index_with_a_query_is_refused_and_the_query_is_not_shown(opened: Opener) -> None:
    with pytest.raises(ConfigurationError, match="is given with a query") as caught:
        run(names(opened, "https://a.invalid/simple/?token=hush-hush"))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("address", ["/nowhere/at/all", "ftp://x.invalid/simple", "nowhere"])
def test_what_is_no_index_is_refused_at_once(opened: Opener, address: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an index"):
        run(names(opened, address))


def test_large_page_is_read_from_the_cache_in_no_time(site: Site, opened: Opener) -> None:
    from time import process_time

    link = f'<a href="foo-{{0}}.tar.gz#sha256={"a" * 64}" data-upload-time="2024-01-01T00:00:00Z">x</a>'
    site.put_page("foo", html(*(link.format(number) for number in range(5000))))

    async def measure() -> float:
        async with opened(site.index) as upstream:
            await upstream.page(FOO)
            start = process_time()
            assert len((await upstream.page(FOO)).files) == 5000
            return process_time() - start

    assert run(measure()) < 0.1  # type: ignore[operator]
    assert site.count(PAGE) == 1
