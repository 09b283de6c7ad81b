"""The shell line that repeats a build by hand, without wheelyard: unpack, the same wheels, the same hook."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelyard.executor.attempt import State
from wheelyard.executor.surroundings import OF_WHEELS
from wheelyard.model.job import Offer
from wheelyard.model.secrets import HIDDEN, is_secret, shown

_UNPACK = (
    "import sys, tarfile, zipfile; p, d = sys.argv[1:];"
    " (zipfile.ZipFile if zipfile.is_zipfile(p) else tarfile.open)(p).extractall(d)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The programs that the line calls."""

    python: Path
    uv: Path


def repeat_line(
    offer: Offer, state: State, *, tools: Tools, archive: Path, wheels: Sequence[Path]
) -> str:
    """Write the line; the wheel lies in ``$W`` afterwards, whose name is printed."""
    quoted = shlex.quote
    executable = quoted(str(tools.python))
    steps = [
        "W=$(mktemp -d)",
        f'{executable} -c {quoted(_UNPACK)} {quoted(str(archive))} "$W/source"',
        f'{quoted(str(tools.uv))} venv -q --python {executable} "$W/env"',
    ]
    if wheels:
        files = " ".join(quoted(str(path)) for path in wheels)
        steps.append(
            f'{quoted(str(tools.uv))} pip install -q --offline --no-deps --python "$W/env" {files}'
        )
    steps.append(f'cd "$W"/{quoted(state.project)}')
    steps += [
        f"printf %s {quoted(patch.text)} | patch -p{patch.strip}" for patch in offer.recipe.patches
    ]
    variables = {
        "SOURCE_DATE_EPOCH": str(offer.source_date_epoch),
        "PYTHONHASHSEED": "0",
        **OF_WHEELS,
        **offer.recipe.environment,
    }
    words = [f"{name}={_value(name, value)}" for name, value in variables.items()]
    steps.append(
        f'env {" ".join(words)} "PATH=$W/env/bin:$PATH" python -c {quoted(_hook(offer, state))} "$W"'
    )
    return " && ".join((*steps, 'echo "$W"'))


def _value(name: str, value: str) -> str:
    """Write a value; a secret one has to be in the shell that runs the line, which stops without it."""
    if not is_secret(name, value):
        return shlex.quote(value)
    return f'"${{{name}:?}}"' if name.isidentifier() else HIDDEN


def _hook(offer: Offer, state: State) -> str:
    module, _, attributes = state.system.backend.partition(":")
    settings = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in shown(offer.recipe.config_settings).items()
    }
    backend = ".".join(filter(None, ("b", attributes)))
    # Not the current folder, which "python -c" puts first.
    path = f"sys.path[:1] = [os.path.abspath(p) for p in {list(state.system.backend_path)!r}]"
    return (
        f"import importlib, os, sys; {path}; b = importlib.import_module({module!r});"
        f" {backend}.build_wheel(sys.argv[1], {settings or None!r})"
    )
