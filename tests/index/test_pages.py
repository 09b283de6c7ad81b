"""What the pages say, and that HTML and JSON say the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from index.shelf import BUILT_AT
from wheelyard.index.address import exported_address, fault_of, served_address
from wheelyard.index.markup import project_html, root_html
from wheelyard.index.pages import SimplePage, merge, page_of
from wheelyard.index.verify import read_links
from wheelyard.index.wire import project_json, read_project_json, read_root_json, root_json
from wheelyard.model.artifact import Artifact, Origin
from wheelyard.model.release import ProjectName, Release

HOSTILE = [
    "",
    "'",
    '"',
    "<script>alert(1)</script>",
    "&lt;",
    "&notit;",
    "</a>",
    "\n",
    "\r\n",
    "\t",
    "\0",
]
HOSTILE += [
    "\x85",
    "\u2028",
    "\ud800",
    "\ufeff",
    "😀",
    "%2e%2e%2f",
    "#sha256=00",
    "?x=1",
    " leading",
    "--",
]

digests = st.binary(min_size=32, max_size=32).map(lambda content: f"sha256:{content.hex()}")
texts = st.one_of(
    st.sampled_from(HOSTILE), st.text(), st.lists(st.sampled_from(HOSTILE)).map("x".join)
)


@st.composite
def artifacts(draw: st.DrawFn) -> Artifact:
    return Artifact(
        filename=draw(texts),
        digest=draw(digests),
        size=draw(st.integers(0, 2**53)),
        release=Release.of("tiny", draw(st.sampled_from(["1.0", "1.0rc1", "2!1", "0.9+local.1"]))),
        tags=frozenset(),
        origin=Origin.BUILT,
        requires_python=draw(st.sampled_from([">=3.9", "<4,>=3", ""]) | texts),
        metadata_digest=draw(st.just("") | digests),
        created=draw(st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC))),
        yanked=draw(st.none() | texts),
    )


def artifact(**changes: object) -> Artifact:
    plain = Artifact(
        filename="tiny-1.0-py3-none-any.whl",
        digest="sha256:" + "ab" * 32,
        size=7,
        release=Release.of("tiny", "1.0"),
        tags=frozenset(),
        origin=Origin.BUILT,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def page(*listed: Artifact) -> SimplePage:
    return page_of(ProjectName("tiny"), listed, served_address)


class Metas(HTMLParser):
    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.tags: set[str] = set()
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "meta" and values.get("name"):
            self.found[str(values["name"])] = str(values["content"])


def said_by_json(content: bytes) -> list[dict[str, object]]:
    return [
        {
            "filename": file["filename"],
            "url": file["url"],
            "sha256": file["hashes"]["sha256"],
            "size": file["size"],
            "requires_python": file.get("requires-python"),
            "yanked": file.get("yanked", False),
            "metadata": (file.get("core-metadata") or {}).get("sha256"),
            "uploaded": file.get("upload-time"),
        }
        for file in json.loads(content)["files"]
    ]


def said_by_html(content: bytes) -> list[dict[str, object]]:
    said = []
    for link in read_links(content):
        url, fragment = urldefrag(link.attributes["href"])
        yanked = link.attributes.get("data-yanked")
        metadata = link.attributes.get("data-core-metadata")
        # pip 22.3 to 23.0 read that one, and refuse names that are spelled otherwise in METADATA.
        assert "data-dist-info-metadata" not in link.attributes
        said.append(
            {
                "filename": link.text,
                "url": url,
                "sha256": fragment.removeprefix("sha256="),
                "size": int(link.attributes["data-size"]),
                "requires_python": link.attributes.get("data-requires-python"),
                "yanked": False if yanked is None else yanked or True,
                "metadata": metadata and metadata.removeprefix("sha256="),
                "uploaded": link.attributes.get("data-upload-time"),
            }
        )
    return said


@settings(deadline=None)
@given(st.lists(artifacts(), max_size=5))
def test_html_and_json_say_the_same_whatever_names_and_reasons_hold(listed: list[Artifact]) -> None:
    made = page(*listed)
    html, content = project_html(made), project_json(made)
    assert said_by_html(html) == said_by_json(content)
    assert len(said_by_json(content)) == sum(not fault_of(each) for each in listed)
    assert Metas(html).tags == {"html", "head", "meta", "title", "body", "h1"} | (
        {"a", "br"} if made.files else set()
    )


@settings(deadline=None)
@given(st.lists(artifacts(), max_size=4))
def test_a_page_read_back_from_json_is_the_same_page(listed: list[Artifact]) -> None:
    made = page(*listed)
    assert read_project_json(project_json(made)) == made


@settings(deadline=None)
@given(artifacts())
def test_the_last_part_of_an_address_is_the_file_name_and_nothing_climbs(each: Artifact) -> None:
    if fault_of(each):
        return
    for address in (served_address(each), exported_address(each)):
        path = address.removeprefix("../../")
        assert unquote(path.rpartition("/")[2]) == each.filename
        assert ".." not in unquote(path).split("/")
        assert not set(path) & set("?#\"'<> ")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x.whl", "/x.whl", "a\\b.whl", "a\0b.whl", "a\nb.whl", ".hidden", "x" * 300, "x.whl.metadata", "\ud800"],
)  # fmt: skip
def test_a_name_that_is_no_plain_file_name_is_not_listed(name: str) -> None:
    assert fault_of(artifact(filename=name))
    assert not page(artifact(filename=name)).files


def test_versions_stand_in_the_order_of_pep_440_and_once() -> None:
    names = {"1.10": "c", "1.9": "b", "1.9rc1": "a"}
    listed = [
        artifact(filename=f"tiny-{version}-{tag}.whl", release=Release.of("tiny", version))
        for version in names
        for tag in ("py2", "py3")
    ]
    assert page(*listed).versions == ("1.9rc1", "1.9", "1.10")


def test_pages_name_their_api_version_and_the_project_status() -> None:
    made = page(artifact())
    metas = Metas(project_html(made)).found
    content = json.loads(project_json(made))
    assert metas["pypi:repository-version"] == content["meta"]["api-version"] == "1.4"
    assert metas["pypi:project-status"] == content["project-status"]["status"] == "active"


def test_a_status_reason_is_in_both_forms() -> None:
    made = replace(page(), status="archived", status_reason='moved to <"other">')
    assert Metas(project_html(made)).found["pypi:project-status-reason"] == made.status_reason
    assert json.loads(project_json(made))["project-status"]["reason"] == made.status_reason


def test_a_yank_without_a_reason_is_a_yank() -> None:
    made = page(artifact(yanked=""))
    assert json.loads(project_json(made))["files"][0]["yanked"] is True
    assert read_links(project_html(made))[0].attributes["data-yanked"] == ""


def test_upload_time_is_when_the_artifact_was_made_in_utc() -> None:
    local = BUILT_AT.astimezone()
    made = page(artifact(created=local))
    assert (
        json.loads(project_json(made))["files"][0]["upload-time"] == "2026-03-01T12:30:15.250000Z"
    )


def test_the_root_lists_projects_in_both_forms() -> None:
    names = [ProjectName("a"), ProjectName("b-c")]
    content = root_json(names)
    assert [link.text for link in read_links(root_html(names))] == names
    assert json.loads(content)["projects"] == [{"name": "a"}, {"name": "b-c"}]
    assert read_root_json(content) == tuple(names)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b'{"meta":{"api-version":"1.0"},"projects":[]}']
)
def test_json_that_wheelyard_did_not_write_is_not_read_back(content: bytes) -> None:
    assert read_root_json(content) is None
    assert read_project_json(content) is None


def test_merging_adds_files_and_versions() -> None:
    more = artifact(filename="tiny-1.1-py3-none-any.whl", release=Release.of("tiny", "1.1"))
    merged = merge(page(artifact()), page(more))
    assert merged.page == page(artifact(), more)
    assert merged.kept == ()


def test_merging_takes_a_later_yank() -> None:
    merged = merge(page(artifact()), page(artifact(yanked="broken")))
    assert [entry.yanked for entry in merged.page.files] == ["broken"]


def test_merging_never_changes_published_bytes() -> None:
    other = artifact(digest="sha256:" + "cd" * 32)
    merged = merge(page(artifact()), page(other))
    assert merged.page.files == page(artifact()).files
    assert merged.kept == (other.filename,)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["1", "1.0.post1", "2.0a1", "1!0", "0.1.dev3"]), unique=True))
def test_merged_versions_are_sorted(versions: list[str]) -> None:
    made = SimplePage(project=ProjectName("tiny"), files=(), versions=())
    for version in versions:
        made = merge(made, replace(made, versions=(version,))).page
    assert list(made.versions) == sorted(versions, key=Version)


def test_a_naive_time_counts_as_utc() -> None:
    made = page(artifact(created=datetime(2026, 1, 1)))  # noqa: DTZ001 the case itself
    assert made.files[0].uploaded == datetime(2026, 1, 1, tzinfo=UTC)
