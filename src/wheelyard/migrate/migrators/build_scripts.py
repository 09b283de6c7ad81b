"""Clean-ups of build scripts that make cross-compilation possible.

A script that was written for the machine it runs on hands CMake no toolchain, runs tests that cannot
run and has a ``config.sub`` that never heard of the target. Each of these is one or two lines.
"""

import re
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment
from wheelyard.migrate.feedstock import BLD_BAT, BUILD_SH, FORGE, Feedstock
from wheelyard.migrate.migrator import CleanUp
from wheelyard.migrate.migrators.forge_file import mapping_at, with_key

_COMPILERS = {"compiler(c)", "compiler(cxx)", "compiler(fortran)"}
_TESTS = re.compile(r"[ \t]*(make (check|test)|ctest)\b")
_GUARD = (
    'if [[ "${CONDA_BUILD_CROSS_COMPILATION:-}" != "1" || '
    '"${CROSSCOMPILING_EMULATOR:-}" != "" ]]; then'
)
_WIN_GUARD = 'if not "%CONDA_BUILD_SKIP_TESTS%"=="1" ('


def compiles(feedstock: Feedstock) -> bool:
    """Say whether a recipe asks for a compiler of C, C++ or Fortran to build with."""
    return bool(feedstock.names("build") & _COMPILERS)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


class CrossConfigSub(CleanUp):
    """Brings autotools' list of machines up to date before configure runs."""

    name: ClassVar[str] = "cross-config-sub"
    summary: ClassVar[str] = "bring config.sub and config.guess up to date before configure"
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Copy gnuconfig's files where the source has its own, and require gnuconfig."""
        script = feedstock.text(BUILD_SH)
        if script is None or not compiles(feedstock) or feedstock.name in {"libtool", "gnuconfig"}:
            return feedstock
        folders = _config_folders(feedstock, script)
        if not folders or _is_refreshed(script):
            return feedstock
        lines = script.splitlines(keepends=True)
        end = _newline(script)
        added = [f"# Get an updated config.sub and config.guess{end}"]
        added += [f"cp $BUILD_PREFIX/share/gnuconfig/config.* {folder}{end}" for folder in folders]
        at = 1 if lines and lines[0].startswith("#!") else 0
        edited = feedstock.with_file(BUILD_SH, "".join([*lines[:at], *added, *lines[at:]]))
        return edited.with_recipe(_with_gnuconfig(edited))


def _config_folders(feedstock: Feedstock, script: str) -> tuple[str, ...]:
    """Give the folders of the source that hold both files; its root where nobody looked, but configure is run."""
    if feedstock.source_files is None:
        return (".",) if re.search(r"^\s*(\./|\S+/)?configure\b", script, re.MULTILINE) else ()
    held = set(feedstock.source_files)
    found = []
    for path in sorted(held):
        folder, _, file = path.rpartition("/")
        if file == "config.sub" and f"{folder}/config.guess".lstrip("/") in held:
            found.append(f"./{folder}" if folder else ".")
    return tuple(found)


def _is_refreshed(script: str) -> bool:
    for line in map(str.strip, script.splitlines()):
        if line.startswith(("cp $BUILD_PREFIX/share/gnuconfig", "./autogen.sh")) or (
            "/share/libtool/build-aux/config" in line
        ):
            return True
        words = line.split()
        if words[:1] == ["autoreconf"] and any(
            word == "--force" or re.match(r"-[a-z]*f", word) for word in words
        ):
            return True
    return False


def _with_gnuconfig(feedstock: Feedstock) -> str:
    amendment = Amendment(feedstock.document)
    for section in feedstock.sections:
        if section.name != "build" or "gnuconfig" in section.names():
            continue
        for line in section.lines:
            if line.name.startswith("compiler("):
                first = line.branches[0] if line.branches else line.entry
                indent = " " * first.column
                amendment.before(
                    first,
                    *(
                        (f"{indent}- if: unix", f"{indent}  then: gnuconfig")
                        if feedstock.is_v1
                        else (f"{indent}- gnuconfig  # [unix]",)
                    ),
                )
                return amendment.text
    return amendment.text


class CrossCMake(CleanUp):
    """Hands the toolchain's arguments to CMake."""

    name: ClassVar[str] = "cross-cmake"
    summary: ClassVar[str] = "hand CMAKE_ARGS to cmake in build.sh"
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)
    path: ClassVar[str] = BUILD_SH
    argument: ClassVar[str] = "${CMAKE_ARGS}"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the variable behind the first ``cmake`` that configures."""
        script = feedstock.text(self.path)
        if script is None or "CMAKE_ARGS" in script or not compiles(feedstock):
            return feedstock
        if "cmake" not in feedstock.names("build"):
            return feedstock
        changed = re.sub(
            r"^([ \t]*)cmake (?!\s*--build|\s*--install|\s*-E\b|\s*-P\b|\s*--version)",
            lambda found: f"{found.group(1)}cmake {self.argument} ",
            script,
            count=1,
            flags=re.MULTILINE,
        )
        return feedstock.with_file(self.path, changed)


class CrossCMakeWindows(CrossCMake):
    """The same for Windows."""

    name: ClassVar[str] = "cross-cmake-win"
    summary: ClassVar[str] = "hand CMAKE_ARGS to cmake in bld.bat"
    path: ClassVar[str] = BLD_BAT
    argument: ClassVar[str] = "%CMAKE_ARGS%"


class CrossTests(CleanUp):
    """Runs a build's own tests only where they can run."""

    name: ClassVar[str] = "cross-tests"
    summary: ClassVar[str] = "run tests in build.sh only where their programs can run"
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)
    path: ClassVar[str] = BUILD_SH
    guard: ClassVar[str] = _GUARD
    close: ClassVar[str] = "fi"
    guarded: ClassVar[tuple[str, ...]] = ("CONDA_BUILD_CROSS_COMPILATION",)
    goes_on: ClassVar[str] = "\\"

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Put each line that runs tests between the guard and its end."""
        script = feedstock.text(self.path)
        if script is None or any(word in script for word in self.guarded):
            return feedstock
        if not compiles(feedstock):
            return feedstock
        return feedstock.with_file(self.path, self._guarded(script))

    def _guarded(self, script: str) -> str:
        end = _newline(script)
        lines = script.splitlines(keepends=True)
        done: list[str] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if not _TESTS.match(line):
                done.append(line)
                at += 1
                continue
            last = at
            while lines[last].rstrip("\r\n").endswith(self.goes_on) and last + 1 < len(lines):
                last += 1
            indent = line[: len(line) - len(line.lstrip())]
            body = [*lines[at:last], lines[last].rstrip("\r\n") + end]
            done += [indent + self.guard + end, *body, indent + self.close + end]
            at = last + 1
        return "".join(done)


class CrossTestsWindows(CrossTests):
    """The same for Windows."""

    name: ClassVar[str] = "cross-tests-win"
    summary: ClassVar[str] = "run tests in bld.bat only where their programs can run"
    path: ClassVar[str] = BLD_BAT
    guard: ClassVar[str] = _WIN_GUARD
    close: ClassVar[str] = ")"
    guarded: ClassVar[tuple[str, ...]] = ("CONDA_BUILD_SKIP_TESTS", "CONDA_BUILD_CROSS_COMPILATION")
    goes_on: ClassVar[str] = "^"


class CrossArmAndPower(CleanUp):
    """Cross-compiles for aarch64 and ppc64le where a feedstock is built for them natively."""

    name: ClassVar[str] = "cross-arm-power"
    summary: ClassVar[str] = (
        "cross-compile for linux-aarch64 and linux-ppc64le, and run tests emulated"
    )
    after: ClassVar[bool] = True
    forms: ClassVar[tuple[int, ...]] = (0, 1)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write ``build_platform`` for both, and let emulated tests run."""
        text = feedstock.text(FORGE)
        if text is None:
            return feedstock
        platforms = mapping_at(text, "build_platform")
        if platforms:
            provider = mapping_at(text, "provider")
            for target in ("linux_aarch64", "linux_ppc64le"):
                if target not in platforms and provider.get(target) == "default":
                    text = with_key(text, ("build_platform", target), "linux_64")
        script = feedstock.text(BUILD_SH)
        edited = feedstock.with_file(FORGE, text)
        return edited if script is None else edited.with_file(BUILD_SH, _emulated(script))


_OLD_GUARD = re.compile(
    r'if \[\[ "\$\{?CONDA_BUILD_CROSS_COMPILATION(?::-)?\}?" (?:!= "1"|== "0") \]\]; then(?=\r?\n)'
)
_EMULATED_GUARD = (
    'if [[ "${CONDA_BUILD_CROSS_COMPILATION:-}" != "1" || '
    '"${CROSSCOMPILING_EMULATOR}" != "" ]]; then'
)


def _emulated(script: str) -> str:
    """Loosen the guard that stands directly above a line that runs tests."""
    lines = script.splitlines(keepends=True)
    for at in range(1, len(lines)):
        if _TESTS.match(lines[at]):
            lines[at - 1] = _OLD_GUARD.sub(_EMULATED_GUARD, lines[at - 1])
    return "".join(lines)
