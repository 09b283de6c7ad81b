"""Small wheels and sdists."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tar_gz(files: Mapping[str, bytes | str], mode: str = "w:gz") -> bytes:
    """An archive of the files, by their whole paths."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def wheel(name: str, version: str, *headers: str, padding: int = 0) -> bytes:
    folder = f"{name}-{version}.dist-info"
    metadata = "\n".join(
        ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers, "", "text"]
    )
    # What does not compress pushes the metadata apart from the rest.
    noise = hashlib.shake_256(b"noise").digest(padding)
    return zipped(
        {
            f"{name}/__init__.py": "",
            f"{folder}/METADATA": metadata,
            f"{name}/noise.bin": noise,
            f"{folder}/RECORD": "",
        }
    )


def sdist(name: str, version: str, files: Mapping[str, bytes | str] | None = None) -> bytes:
    top = f"{name}-{version}"
    base = {
        "setup.py": "",
        "PKG-INFO": f"Metadata-Version: 1.2\nName: {name}\nVersion: {version}\n",
    }
    return tar_gz({f"{top}/{path}": text for path, text in (base | dict(files or {})).items()})
