"""The HTML of the simple repository (PEP 503).

Every value goes through ``html.escape``; there is no other way into the text.
"""

from collections.abc import Iterable
from html import escape

from wheelyard.index.address import sha256_of
from wheelyard.index.pages import API_VERSION, SimplePage
from wheelyard.model.release import ProjectName
from wheelyard.model.source import FileEntry

GENERATOR = "wheelyard"
OWN_MARK = f'<meta name="generator" content="{GENERATOR}">'.encode()
"""What is in each page that wheelyard wrote, and in no other."""


def project_html(page: SimplePage) -> bytes:
    """Write the page of a project."""
    return _document(
        f"Links for {page.project}",
        (_anchor(_file_attributes(entry), entry.filename) for entry in page.files),
        metadata={
            "pypi:project-status": page.status,
            "pypi:project-status-reason": page.status_reason,
        },
    )


def root_html(projects: Iterable[ProjectName]) -> bytes:
    """Write the page that lists every project."""
    links = (_root_anchor(project) for project in projects)
    return _document("Simple index", links, metadata={})


def root_html_parts() -> tuple[bytes, bytes]:
    """Return what stands before and after the links of the page that lists every project."""
    head, mark, tail = _document("Simple index", ["\0"], metadata={}).partition(b"\0<br>\n")
    assert mark
    return head, tail


def root_link(project: ProjectName) -> bytes:
    """Return what stands on the root page for a project that it lists."""
    return _root_anchor(project).encode()


def _root_anchor(project: ProjectName) -> str:
    return _anchor({"href": f"{project}/"}, project)


def _document(title: str, links: Iterable[str], *, metadata: dict[str, str]) -> bytes:
    named = {"generator": GENERATOR, "pypi:repository-version": API_VERSION, **metadata}
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        *(f"<meta{_attributes({'name': n, 'content': c})}>" for n, c in named.items() if c),
        f"<title>{escape(title)}</title>",
        "</head>",
        "<body>",
        f"<h1>{escape(title)}</h1>",
        *(f"{link}<br>" for link in links),
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode()


def _file_attributes(entry: FileEntry) -> dict[str, str]:
    attributes = {"href": f"{entry.url}#sha256={sha256_of(entry.digest)}"}
    if entry.requires_python:
        attributes["data-requires-python"] = entry.requires_python
    if entry.metadata_digest:
        # Not by its older name as well (PEP 714): pip 22.3 to 23.0, which know that one only, take a
        # wheel for another project's where Name in METADATA is not spelled as it was asked for.
        attributes["data-core-metadata"] = f"sha256={sha256_of(entry.metadata_digest)}"
    if entry.yanked is not None:
        attributes["data-yanked"] = entry.yanked
    if entry.provenance:
        attributes["data-provenance"] = entry.provenance
    if entry.size is not None:
        attributes["data-size"] = str(entry.size)
    if entry.uploaded is not None:
        # In no standard, but uv's --exclude-newer reads it, and a folder has no JSON for uv.
        attributes["data-upload-time"] = entry.uploaded.isoformat().replace("+00:00", "Z")
    return attributes


def _anchor(attributes: dict[str, str], text: str) -> str:
    return f"<a{_attributes(attributes)}>{escape(text)}</a>"


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
