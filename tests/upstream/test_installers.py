"""Which index the machine's installers use."""

from pathlib import Path

import pytest
from pip._internal.models.index import PyPI

from wheelyard.upstream.installers import certificate_file, default_index


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.setenv(name, str(tmp_path / name))


def pip_file(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "pip.conf"
    path.write_text(text)
    return {"HOME": str(tmp_path / "HOME"), "PIP_CONFIG_FILE": str(path)}


def test_nothing_configured_means_pips_default(tmp_path: Path) -> None:
    assert default_index(pip_file(tmp_path, "")) == PyPI.simple_url


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_environment_comes_first(tmp_path: Path, variable: str) -> None:
    environment = pip_file(tmp_path, "[global]\nindex-url = https://file.invalid/simple\n")
    environment[variable] = "https://variable.invalid/simple"
    assert default_index(environment) == "https://variable.invalid/simple"


def test_pips_file_is_read(tmp_path: Path) -> None:
    text = "[global]\nindex-url = https://a.invalid/simple\nextra-index-url = https://b.invalid\n"
    assert default_index(pip_file(tmp_path, text)) == "https://a.invalid/simple"


@pytest.mark.parametrize(
    "text",
    [
        'index-url = "https://uv.invalid/simple"',
        '[[index]]\nurl = "https://uv.invalid/simple"\ndefault = true\n[[index]]\nurl = "https://b"',
    ],
)
def test_uvs_file_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "uv.toml"
    path.write_text(text)
    environment = pip_file(tmp_path, "") | {"UV_CONFIG_FILE": str(path)}
    assert default_index(environment) == "https://uv.invalid/simple"


def test_broken_files_name_no_index(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text("= nonsense")
    environment = pip_file(tmp_path, "no section") | {"UV_CONFIG_FILE": str(tmp_path / "uv.toml")}
    assert default_index(environment) == PyPI.simple_url


def test_certificates_of_pip_are_found(tmp_path: Path) -> None:
    environment = pip_file(tmp_path, "[global]\ncert = /some/file.pem\n")
    assert certificate_file(environment) == Path("/some/file.pem")
    assert certificate_file(environment | {"SSL_CERT_FILE": "/x.pem"}) == Path("/x.pem")
