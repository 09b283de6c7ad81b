"""Which index this machine's installers use.

A user who told pip or uv where packages come from has told us too. Only *the* index is taken, not
pip's extra ones: pip mixes them without order, and a guess at the order would either hide sources
or let a stranger's release stand in for a private one.
"""

import configparser
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from platformdirs import site_config_path, user_config_path

from wheelyard.errors import ConfigurationError

_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")


def default_index(environment: Mapping[str, str] | None = None) -> str:
    """Return the index that uv or pip would ask: environment, configuration files, pip's default."""
    environment = os.environ if environment is None else environment
    for variable in _VARIABLES:
        if environment.get(variable, "").strip():
            return environment[variable].strip()
    for path in _uv_files(environment):
        index = _uv_index(path)
        if index:
            return index
    index = _pip_option("index-url", environment)
    return index or _pip_default()


def certificate_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the file of certificates that the user's installers trust, where one is named."""
    environment = os.environ if environment is None else environment
    named = next((environment[name] for name in _CA_VARIABLES if environment.get(name)), "")
    named = named or _pip_option("cert", environment)
    return Path(named).expanduser() if named else None


def _pip_default() -> str:
    try:
        from pip._internal.models.index import PyPI
    except ImportError as error:
        raise ConfigurationError(
            "No index is configured, and pip is not there to name its default",
            hint="Name one with --index URL, or set PIP_INDEX_URL.",
        ) from error
    return str(PyPI.simple_url)


def _uv_files(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("UV_NO_CONFIG"):
        return
    if environment.get("UV_CONFIG_FILE"):
        yield Path(environment["UV_CONFIG_FILE"])
        return
    yield user_config_path("uv") / "uv.toml"
    yield Path("/etc/uv/uv.toml")


def _uv_index(path: Path) -> str:
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        # uv itself reports a broken file of its own; here it only names no index.
        return ""
    for index in settings.get("index", ()):
        if isinstance(index, dict) and index.get("default") and isinstance(index.get("url"), str):
            return str(index["url"])
    url = settings.get("index-url", "")
    return url if isinstance(url, str) else ""


def _pip_option(name: str, environment: Mapping[str, str]) -> str:
    value = ""
    for path in _pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, "utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install", "download", "wheel"):
            value = parser.get(section, name, fallback=value).strip()
    return value


def _pip_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield pip's files, weakest first, as ``pip config debug`` lists them."""
    own = environment.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return
    yield site_config_path("pip") / "pip.conf"
    yield Path("/etc/pip.conf")
    home = Path(environment["HOME"]) if environment.get("HOME") else Path("~").expanduser()
    yield home / ".pip" / "pip.conf"
    yield user_config_path("pip") / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if own:
        yield Path(own)
