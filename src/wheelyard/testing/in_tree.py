"""The back end that test sdists carry in themselves (PEP 517, ``backend-path``).

It is copied into each of them with a ``spec.json`` beside it, so it stands alone, and it keeps to what
Python 3.6 understands, because such interpreters run it too. It needs no requirements and no network.
"""

import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import sysconfig
import time
import zipfile
from base64 import urlsafe_b64encode
from typing import Any, List, Tuple

HERE = pathlib.Path(__file__).resolve().parent
EARLIEST_IN_A_ZIP = 315532800


def read_spec() -> Any:
    """Return what ``sdists.write_sdist`` wrote down."""
    return json.loads((HERE / "spec.json").read_text("utf-8"))


def get_requires_for_build_wheel(config_settings: Any = None) -> List[str]:
    """Ask for more, as PEP 517 lets a back end do."""
    return list(read_spec()["dynamic_requires"])


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Any = None) -> str:
    """Write the ``dist-info`` folder, less its RECORD."""
    spec = read_spec()
    folder = dist_info(spec)
    for path, content in metadata_files(spec, tag_of(spec)):
        target = pathlib.Path(metadata_directory) / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
    return folder


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None
) -> str:
    """Build the wheel of the tree that this file lies in, after running what the spec says."""
    spec = read_spec()
    exec(compile(spec["during_build"], "during_build", "exec"), {"__name__": "during_build"})
    root = HERE.parent / "src"
    if spec["extension"]:
        compile_extension(spec, root / spec["module"])
    files = [
        (path.relative_to(root).as_posix(), path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix not in (".c", ".pyc")
    ]
    return write_wheel(pathlib.Path(wheel_directory), spec, files, tag_of(spec))


def compile_extension(spec: Any, folder: pathlib.Path) -> None:
    """Call the compiler that this interpreter was built with."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    flags = shlex.split(os.environ.get("CFLAGS", "-O2"))
    limited = ["-DPy_LIMITED_API=0x03060000"] if spec["extension"] == "abi3" else []
    suffix = ".abi3.so" if limited else sysconfig.get_config_var("EXT_SUFFIX")
    include = "-I" + sysconfig.get_paths()["include"]
    output = str(folder / ("_native" + suffix))
    source = ["-shared", "-fPIC", include, str(folder / "_native.c"), "-o", output]
    subprocess.run(shlex.split(compiler) + flags + limited + source, check=True)


def tag_of(spec: Any) -> str:
    """Return the tag of what this interpreter builds."""
    if not spec["extension"]:
        return "py3-none-any"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if spec["extension"] == "abi3":
        return "cp36-abi3-" + platform
    abi = "cp" + sysconfig.get_config_var("SOABI").split("-")[1]
    return "cp{}{}-{}-{}".format(sys.version_info[0], sys.version_info[1], abi, platform)


def dist_info(spec: Any) -> str:
    """Return the name of the metadata folder."""
    return "{}-{}.dist-info".format(spec["module"], spec["version"])


def metadata_files(spec: Any, tag: str) -> List[Tuple[str, bytes]]:
    """Return METADATA and WHEEL."""
    pure = "false" if spec["extension"] else "true"
    wheel = "Wheel-Version: 1.0\nGenerator: in-tree\nRoot-Is-Purelib: {}\nTag: {}\n".format(
        pure, tag
    )
    folder = dist_info(spec)
    return [
        (folder + "/METADATA", spec["metadata"].encode()),
        (folder + "/WHEEL", wheel.encode()),
    ]


def write_wheel(
    directory: pathlib.Path, spec: Any, files: List[Tuple[str, bytes]], tag: str
) -> str:
    """Write a wheel with its RECORD, the same bytes each time, and return its file name."""
    name = "{}-{}-{}.whl".format(spec["module"], spec["version"], tag)
    entries = files + metadata_files(spec, tag)
    record = "".join(
        "{},sha256={},{}\n".format(
            path,
            urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode(),
            len(content),
        )
        for path, content in entries
    )
    record_path = dist_info(spec) + "/RECORD"
    record += record_path + ",,\n"
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", EARLIEST_IN_A_ZIP))
    moment = time.gmtime(max(seconds, EARLIEST_IN_A_ZIP))[:6]
    with zipfile.ZipFile(str(directory / name), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in [*entries, (record_path, record.encode())]:
            entry = zipfile.ZipInfo(path, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return name
