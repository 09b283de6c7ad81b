"""conda's platforms and the names that recipes know them by."""

from collections.abc import Mapping
from functools import lru_cache

from wheelyard.recipes.evaluated import Variant

PLATFORMS = (
    "linux-64", "linux-aarch64", "linux-ppc64le", "osx-64", "osx-arm64", "win-64", "win-arm64",
)  # fmt: skip

SUBDIRS = (
    "emscripten-wasm32", "wasi-wasm32", "freebsd-64", "linux-32", "linux-64", "linux-aarch64", "linux-armv6l",
    "linux-armv7l", "linux-ppc64", "linux-ppc64le", "linux-riscv64", "linux-s390x", "osx-64", "osx-arm64",
    "win-32", "win-64", "win-arm64", "zos-z",
)  # fmt: skip

DEFAULTS: Mapping[str, str] = {
    "python": "3.12", "numpy": "2.0", "perl": "5.32.1", "lua": "5", "r_base": "4.4", "cpu_optimization_target": "nocona",
    "cran_mirror": "https://cran.r-project.org",
}  # fmt: skip

_PYTHON_3 = 30
_PYTHONS = (26, 27, 33, 34, 35, 36)


def _as_known(value: str) -> object:
    """Give a variant's value as conda-build's selectors see it: whole numbers and booleans as such."""
    try:
        return int(value)
    except ValueError:
        return {"true": True, "false": False}.get(value.lower(), value)


def _digits(version: str) -> int:
    """Give 312 for "3.12.* *_cpython" and 20 for "2.0"."""
    parts = version.split(maxsplit=1)[0].strip("=<>~!").split(".") if version.split() else ["0"]
    digits = "".join(part for part in parts[:2] if part.isdigit())
    return int(digits or 0)


@lru_cache(maxsize=256)
def _of_platform(platform: str) -> Mapping[str, object]:
    system, _, machine = platform.partition("-")
    names: dict[str, object] = {}
    for subdir in (*SUBDIRS, platform):
        one, _, other = subdir.partition("-")
        names[one] = one == system
        names.setdefault(other, False)
    for each in [name for name in names if name.isdigit()]:
        del names[each]
    names[machine] = True
    return names | {
        "unix": system in ("linux", "osx", "emscripten", "freebsd"),
        "linux32": platform == "linux-32",
        "linux64": platform == "linux-64",
        "win32": platform == "win-32",
        "win64": platform == "win-64",
        "arm": machine.startswith("arm"),
        "x86": machine in ("32", "64"),
        "x86_64": machine == "64",
        "armv7l": machine == "armv7l",
        "nomkl": False,
        "vc": 14 if system == "win" else None,
    }


def selector_names(variant: Variant) -> dict[str, object]:
    """Give the names that selectors and templates know in a variant (conda-build's ``ns_cfg``)."""
    names = dict(_of_platform(variant.platform))
    held = {**DEFAULTS, **variant.values}
    py = _digits(held["python"])
    names.update(
        py=py, py3k=py >= _PYTHON_3, py2k=py < _PYTHON_3, np=_digits(held["numpy"]),
        pl=held["perl"], lua=held["lua"], luajit=held["lua"].startswith("2"),
        build_platform=variant.build_platform or variant.platform, target_platform=variant.platform,
        ARCH=64 if not variant.platform.endswith("-32") else 32, osx=names["osx"],
    )  # fmt: skip
    names.update({f"py{one}": py == one for one in _PYTHONS})
    for key, value in variant.values.items():
        if key not in names or key in ("vc", "lua"):
            names[key] = _as_known(value)
    for key in ("python", "numpy", "perl", "r_base", "cran_mirror"):
        names.setdefault(key, held[key])
    return names
