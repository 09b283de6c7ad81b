"""Requirements of the build machine, where it differs from the one that a package is for."""

import re
from collections.abc import Sequence
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment
from wheelyard.migrate.feedstock import BUILD_SH, Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.migrators.build_scripts import compiles
from wheelyard.migrate.requirement_lines import TOP

_CRAN_SCRIPT = """\
#!/bin/bash

export DISABLE_AUTOBREW=1

# shellcheck disable=SC2086
${R} CMD INSTALL --build . ${R_ARGS}
"""

_CRAN_LINES = re.compile(
    r"\s*(#.*|export DISABLE_AUTOBREW=1|(\$\{?R\}?|\"?\$R\"?|R) CMD INSTALL --build \.( \$\{R_ARGS\})?|"
    r"set -e\w*|mv DESCRIPTION DESCRIPTION\.old|grep -v .*DESCRIPTION.*|if \[\[.*then|else|fi|"
    r"mkdir -p \$PREFIX/lib/R/library/\S*|mv \* \$PREFIX/lib/R/library/\S*|cd .*/lib/R/library/.*|)\s*"
)


class CrossRBase(CleanUp):
    """Lets packages of R be cross-compiled."""

    name: ClassVar[str] = "cross-r-base"
    summary: ClassVar[str] = "require cross-r-base and the R packages of host where machines differ"
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Require what runs on the build machine, and hand R its arguments."""
        if not compiles(feedstock) or "cross-r-base" in feedstock.recipe:
            return feedstock
        found = {each.name: each for each in feedstock.sections if each.output == TOP}
        host = found["host"].names() if "host" in found else set()
        if "build" not in found or not ("r-base" in host or feedstock.name.startswith("r-")):
            return feedstock
        packages = [
            line.specification.split()[0]
            for line in (found["host"].lines if "host" in found else ())
            if line.name.startswith("r-") and line.name != "r-base"
        ]
        amendment = Amendment(feedstock.document)
        build = found["build"].key
        indent = " " * min((item.column for item in build.entries), default=build.column + 2)
        amendment.below_key(build, *_cross_lines(indent, packages, is_v1=feedstock.is_v1))
        edited = feedstock.with_recipe(amendment.text)
        script = feedstock.text(BUILD_SH)
        return edited if script is None else edited.with_file(BUILD_SH, _cran_script(script))


def _cross_lines(indent: str, packages: list[str], *, is_v1: bool) -> list[str]:
    if is_v1:
        return [
            f"{indent}- if: build_platform != host_platform",
            f"{indent}  then:",
            f"{indent}    - cross-r-base ${{{{ r_base }}}}",
            *(f"{indent}    - {package}" for package in packages),
        ]
    selector = "  # [build_platform != target_platform]"
    return [
        f"{indent}- cross-r-base {{{{ r_base }}}}{selector}",
        *(f"{indent}- {package:<25}{selector}" for package in packages),
    ]


def _cran_script(script: str) -> str:
    """Write the script that CRAN recipes have now, or (where somebody wrote more) only R's arguments."""
    if all(_CRAN_LINES.fullmatch(line) for line in script.splitlines()):
        return _CRAN_SCRIPT
    return re.sub(
        r"(?:\$\{?R\}?|\bR) CMD INSTALL --build \.(?! \$\{R_ARGS\})",
        "${R} CMD INSTALL --build . ${R_ARGS}",
        script,
    )


class CrossPython(CleanUp):
    """Lets Python packages be cross-compiled."""

    name: ClassVar[str] = "cross-python"
    summary: ClassVar[str] = (
        "require cross-python and what runs at build time where machines differ"
    )
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Require in build what host needs to run on the build machine."""
        found = {each.name: each for each in feedstock.sections if each.output == TOP}
        host = found.get("host")
        if host is None or "python" not in host.names() or _is_noarch(feedstock):
            return feedstock
        build = found.get("build")
        if build is not None and ("python" in build.names() or "cross-python_" in feedstock.recipe):
            return feedstock
        wanted = [each for each in ("cython", "numpy", "cffi", "pybind11") if each in host.names()]
        amendment = Amendment(feedstock.document)
        if build is None:
            amendment.before(host.key, f"{' ' * host.key.column}build:")
        column = min(
            (item.column for item in (build or host).key.entries), default=host.key.column + 2
        )
        lines = _cross_python_lines(" " * column, wanted, is_v1=feedstock.is_v1)
        if build is None:
            amendment.before(host.key, *lines)
        else:
            amendment.below_key(build.key, *lines)
        return feedstock.with_recipe(amendment.text)


def _is_noarch(feedstock: Feedstock) -> bool:
    return bool(feedstock.document.find("build", "noarch"))


def _cross_python_lines(indent: str, packages: Sequence[str], *, is_v1: bool) -> list[str]:
    if is_v1:
        return [
            f"{indent}- if: build_platform != host_platform",
            f"{indent}  then:",
            f"{indent}    - python",
            f"{indent}    - cross-python_${{{{ host_platform }}}}",
            *(f"{indent}    - {package}" for package in packages),
        ]
    wanted = ["python", "cross-python_{{ target_platform }}", *packages]
    return [f"{indent}- {each:<37}  # [build_platform != target_platform]" for each in wanted]
