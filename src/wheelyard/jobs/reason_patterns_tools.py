"""The patterns of what compilers and other programs of the machine are missing or lack."""

from wheelyard.jobs.reason_names import (
    of_program,
)
from wheelyard.jobs.reason_pattern import Pattern, Rank

_COMPILERS = (
    Pattern(
        needles=("Unknown compiler(s)",),
        regex=r"Unknown compiler\(s\): \[\['(?P<name>[\w.+-]{1,40})'",
        explain=of_program,
    ),
    Pattern(
        needles=("_COMPILER could be found",),
        regex=r"No CMAKE_C_COMPILER could be found",
        phrase="no C compiler",
        hint="Install one (Debian: apt install gcc).",
    ),
    Pattern(
        needles=("_COMPILER could be found",),
        regex=r"No CMAKE_CXX_COMPILER could be found",
        phrase="no C++ compiler",
        hint="Install one (Debian: apt install g++).",
    ),
    Pattern(
        needles=("_COMPILER could be found", "Fortran compiler", "fortran compiler"),
        regex=r"No CMAKE_Fortran_COMPILER could be found|[nN]o [fF]ortran compiler found"
        r"|[fF]ortran compiler not found",
        phrase="no Fortran compiler",
        hint="Install one (Debian: apt install gfortran).",
    ),
    Pattern(
        needles=("no acceptable C compiler", "linker `cc` not found", "Microsoft Visual C++"),
        regex=r"no acceptable C compiler found|linker `cc` not found|Microsoft Visual C\+\+ [\d.]{1,5} or greater is required",
        phrase="no C compiler",
        hint="Install one (Debian: apt install gcc).",
    ),
    Pattern(
        needles=("cannot execute", "error trying to exec"),
        regex=r"(?:cannot execute|error trying to exec) '(?P<name>cc1plus|f951)'",
        explain=of_program,
    ),
    Pattern(
        needles=("requires rustc", "rustc", "edition2024", "lock file version"),
        regex=r"requires rustc (?P<name>\d[\d.]{0,8})|rustc (?P<second>\d[\d.]{0,8}) is not supported by"
        r"|feature `(?P<third>edition20\d\d)` is required|lock file version `?(?P<fourth>\d)`? (?:requires|was found)",
        phrase="Rust is too old",
        hint="Install a newer Rust (rustup), or build an older version.",
    ),
    Pattern(
        needles=("target may not be installed",),
        regex=r"the `(?P<name>[\w.-]{1,60})` target may not be installed",
        phrase="Rust has no library for {name}",
        hint="Give the builder's Rust that target (rustup target add {name}); Debian's Rust has it as 'libstd-rust-dev' under "
        "'host-packages' in a recipe.",
    ),
    Pattern(
        needles=("incompatible version of rustc",),
        regex=r"found crate `(?:std|core)` compiled by an incompatible version of rustc",
        phrase="Rust's library for the target is that of another Rust",
        hint="'libstd-rust-dev' fits the rustc of the same release of Debian; with rustup: rustup target add.",
    ),
    Pattern(
        needles=("Rust", "rustc", "rustup", "cargo", "Cargo"),
        regex=r"can't find Rust compiler|Downloading rustup-init from|Cargo, the Rust package manager, is not installed"
        r"|Rust not found, installing into a temporary directory|Do you have cargo in your PATH"
        r"|could not execute process `rustc |failed to run `rustc`",
        phrase="no Rust compiler",
        hint="Install one (Debian: apt install rustc cargo, or rustup).",
    ),
)

_PROGRAMS = (
    Pattern(
        needles=("pkg-config", "PkgConfig", "pkgconf"),
        regex=r"pkg-config['`\"]?: (?:command )?not found|pkg-config command could not be found"
        r"|pkg-config['`\"]? (?:is|was) not (?:found|installed)|^\s{0,8}Could NOT find PkgConfig"
        r"|No such file or directory: '(?:pkg-config|pkgconf)'|Could not run `(?:PKG_|pkg-config)",
        phrase="needs the program pkg-config",
        hint="Install it (Debian: apt install pkg-config).",
    ),
    Pattern(
        needles=("Did not find pkg-config by name",),
        regex=r"Did not find pkg-config by name",
        phrase="needs the program pkg-config",
        hint="Install it (Debian: apt install pkg-config).",
        # Meson goes on without it, and says later what it missed.
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("or higher is required",),
        regex=r"CMake (?P<name>\d[\d.]{0,10}) or higher is required",
        phrase="CMake is too old (wants {name})",
        hint="Add cmake to its build-requires, or install a newer one.",
    ),
    Pattern(
        needles=("Compatibility with CMake <",),
        regex=r"Compatibility with CMake < (?P<name>\d[\d.]{0,10}) has been removed",
        phrase="CMake is too new for it",
        hint="Set CMAKE_POLICY_VERSION_MINIMUM=3.5 in its environment, or constrain its build to cmake<4.",
    ),
    Pattern(
        needles=(
            "CMake must be installed",
            "Problem with the CMake installation",
            "Could not find CMake",
        ),
        regex=r"CMake must be installed|Problem with the CMake installation|Could not find CMake",
        phrase="needs the program cmake",
        hint="Add cmake to its build-requires, or install it (Debian: apt install cmake).",
    ),
    Pattern(
        needles=("Ninja",),
        regex=r"Could not (?:detect|find) Ninja|unable to find a build program corresponding to \"Ninja\"",
        phrase="needs the program ninja",
        hint="Add ninja to its build-requires, or install it (Debian: apt install ninja-build).",
    ),
    Pattern(
        needles=("Meson version is",),
        regex=r"Meson version is (?P<found>[\w.]{1,20}),? but project requires (?P<name>[^\s]{1,3} ?[\w.]{1,20})",
        phrase="Meson is too old (wants {name})",
        hint="Constrain its build to a newer meson, or drop the pin that holds it back.",
    ),
    Pattern(
        needles=("No such file or directory", "unable to execute"),
        regex=r"FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<name>[a-z][a-z0-9_+-]{0,40})'"
        r"|command '(?P<second>[\w./+-]{1,80})' failed: No such file or directory"
        r"|unable to execute '?(?P<third>[\w./+-]{1,80})'?: No such file or directory",
        explain=of_program,
    ),
    Pattern(
        needles=(" executable not found", "PyProjectOptionException('qmake"),
        regex=r"(?:^|[\s\"'])(?P<name>[a-z][\w+-]{1,40})['\"]? executable not found"
        r"|PyProjectOptionException\('(?P<second>qmake)'",
        explain=of_program,
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("command not found", ": not found"),
        regex=r"(?:sh|bash|dash|make)(?:\[\d{1,3}\])?: (?:line )?(?:\d{1,6}: )?(?P<name>[A-Za-z][\w.+-]{0,40}): (?:command )?not found",
        explain=of_program,
        # Many builds ask for programs that they can do without.
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("No such file or directory: '",),
        regex=r"FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<name>[^']{1,200}\.(?:txt|md|rst|toml|cfg|in|py|pyx|json)|[A-Z]{2,40})'",
        phrase="its source lacks {name}",
        hint="The sdist was made without that file: build from git, or patch it in a recipe.",
    ),
)

TOOL_PATTERNS = (*_COMPILERS, *_PROGRAMS)
