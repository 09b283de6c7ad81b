"""A simple repository (PEP 503) in a folder, for tests: no server, no network.

It lies in ``FOLDER/simple`` with the files in ``FOLDER/files``; its URL is ``(…/simple).as_uri()``.
"""

import hashlib
import html
import shutil
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from email.parser import Parser
from pathlib import Path
from urllib.parse import quote

from packaging.utils import canonicalize_name


def write_index(
    folder: Path,
    files: Iterable[Path],
    *,
    yanked: Mapping[str, str] | None = None,
    uploaded: Mapping[str, str] | None = None,
) -> Path:
    """Write pages for sdists and wheels, and return the ``simple`` folder.

    ``yanked`` gives reasons and ``uploaded`` RFC 3339 times (in the ``data-upload-time`` attribute) by
    file name. Calling it again replaces the pages of the projects that it is given.
    """
    store = folder / "files"
    simple = folder / "simple"
    store.mkdir(parents=True, exist_ok=True)
    links: dict[str, list[str]] = defaultdict(list)
    for path in sorted(files):
        copy = store / path.name
        if copy != path:
            shutil.copyfile(path, copy)
        attributes = {
            "data-requires-python": _requires_python(copy),
            "data-yanked": (yanked or {}).get(path.name),
            "data-upload-time": (uploaded or {}).get(path.name),
        }
        links[_project_of(path.name)].append(_link(copy, attributes))
    for project, lines in links.items():
        page = simple / project
        page.mkdir(parents=True, exist_ok=True)
        (page / "index.html").write_text(_page(project, lines), encoding="utf-8")
    names = sorted(entry.name for entry in simple.iterdir() if entry.is_dir())
    root = [f'<a href="{name}/">{name}</a>' for name in names]
    (simple / "index.html").write_text(_page("Simple index", root), encoding="utf-8")
    return simple


def _project_of(filename: str) -> str:
    if filename.endswith(".whl"):
        return canonicalize_name(filename.partition("-")[0])
    return canonicalize_name(filename.removesuffix(".tar.gz").rpartition("-")[0])


def _requires_python(path: Path) -> str | None:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
            text = archive.read(name).decode()
    else:
        with tarfile.open(path) as archive:
            member = archive.extractfile(path.name.removesuffix(".tar.gz") + "/PKG-INFO")
            text = member.read().decode() if member else ""
    return Parser().parsestr(text)["Requires-Python"]


def _link(path: Path, attributes: Mapping[str, str | None]) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    written = "".join(
        f' {name}="{html.escape(value)}"' for name, value in attributes.items() if value is not None
    )
    href = f"../../files/{quote(path.name)}#sha256={digest}"
    return f'<a href="{href}"{written}>{html.escape(path.name)}</a>'


def _page(title: str, lines: Iterable[str]) -> str:
    body = "<br>\n".join(lines)
    version = '<meta name="pypi:repository-version" content="1.0">'
    return (
        "<!DOCTYPE html>\n"
        f"<html><head>{version}<title>{html.escape(title)}</title></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )
