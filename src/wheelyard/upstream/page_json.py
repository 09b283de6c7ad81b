"""A project's page in JSON (PEP 691, and 700, 714, 792 on top of it)."""

import msgspec

from wheelyard.errors import UpstreamError
from wheelyard.model.source import FileEntry
from wheelyard.upstream import digests
from wheelyard.upstream.page_parts import file_address, is_understood, safe_name, upload_time


class _Meta(msgspec.Struct, rename="kebab"):
    api_version: str = ""


class _Status(msgspec.Struct):
    status: str = "active"
    reason: str | None = ""


class _File(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str] = {}
    requires_python: str | None = None
    core_metadata: bool | dict[str, str] | None = None
    dist_info_metadata: bool | dict[str, str] | None = None
    yanked: bool | str | None = None
    size: int | None = None
    upload_time: str | None = None


class JsonPage(msgspec.Struct, rename="kebab"):
    """What a page holds; what else is in it is of later versions and left out."""

    name: str
    files: list[_File]
    meta: _Meta = msgspec.field(default_factory=_Meta)
    project_status: _Status = msgspec.field(default_factory=_Status)


_DECODER = msgspec.json.Decoder(JsonPage)


def parse_json(body: bytes, base: str) -> JsonPage:
    """Read a page that came from the URL ``base``. Raises UpstreamError where it is not one."""
    try:
        page = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamError(
            f"{base} answered with JSON that is not a project's page: {error}",
            hint="Check the index's address: it often ends in /simple.",
        ) from error
    if not is_understood(page.meta.api_version):
        raise UpstreamError(
            f"{base} speaks version {page.meta.api_version!r} of the simple API, which is not known",
            hint="Update wheelyard.",
        )
    return page


def entries(page: JsonPage, base: str) -> list[FileEntry]:
    """Return the files of a page that have a safe name and an address to fetch from."""
    read = (_entry(file, base) for file in page.files)
    return [entry for entry in read if entry is not None]


def _entry(file: _File, base: str) -> FileEntry | None:
    address = file_address(base, file.url)
    if address is None or not safe_name(file.filename):
        return None
    return FileEntry(
        filename=file.filename,
        url=address[0],
        digest=digests.best(file.hashes),
        size=file.size if file.size is not None and file.size >= 0 else None,
        requires_python=(file.requires_python or "").strip(),
        yanked=_yanked(file.yanked),
        uploaded=upload_time(file.upload_time),
        metadata_digest=_metadata_digest(file),
    )


def _yanked(value: bool | str | None) -> str | None:
    if isinstance(value, str):
        return value
    return "" if value else None


def _metadata_digest(file: _File) -> str | None:
    value = file.core_metadata if file.core_metadata is not None else file.dist_info_metadata
    if isinstance(value, dict):
        return digests.best(value)
    return "" if value else None
