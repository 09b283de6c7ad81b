"""The patterns by which logs tell why builds failed, by what they are about.

Their texts are those of the tools themselves; quotes are plain ones (see ``reasons``). Where two
match one line, the one that stands first is the more specific.
"""

from wheelyard.jobs.reason_names import (
    of_header,
    of_libpython,
    of_library,
    of_program,
)
from wheelyard.jobs.reason_pattern import Pattern, Rank
from wheelyard.jobs.reason_patterns_tools import TOOL_PATTERNS
from wheelyard.model.job import Outcome

_MORE_MEMORY = "Give the job more memory, or let fewer jobs run at once."

_MACHINE = (
    Pattern(
        needles=("No space left on device", "ENOSPC", "Disk quota exceeded"),
        regex=r"No space left on device|ENOSPC|Disk quota exceeded",
        phrase="no space left on the disk",
        hint="Free space, or raise the disk limit.",
        rank=Rank.MACHINE,
        outcome=Outcome.RESOURCES,
    ),
    Pattern(
        needles=("Killed", "SIGKILL"),
        regex=r"Killed signal terminated program (?P<name>[\w+.-]{1,40})"
        r"|internal compiler error: Killed \(program (?P<older>[\w+.-]{1,40})\)"
        r"|ld terminated with signal 9 \[Killed\]"
        r"|\(signal: 9, SIGKILL: kill\)"
        r"|unable to execute command: Killed",
        phrase="the compiler was killed (out of memory)",
        hint=_MORE_MEMORY,
        rank=Rank.MACHINE,
        outcome=Outcome.RESOURCES,
    ),
    Pattern(
        needles=(
            "out of memory allocating",
            "virtual memory exhausted",
            "LLVM ERROR: out of memory",
            "memory exhausted",
            "Cannot allocate memory",
            "bad_alloc",
            "MemoryError",
        ),
        regex=r"out of memory allocating \d|virtual memory exhausted|LLVM ERROR: out of memory"
        r"|ld: (?:final link failed: )?memory exhausted|Cannot allocate memory"
        r"|what\(\):\s{1,4}std::bad_alloc|^MemoryError\b",
        phrase="out of memory",
        hint=_MORE_MEMORY,
        rank=Rank.MACHINE,
        outcome=Outcome.RESOURCES,
    ),
    Pattern(
        needles=("Resource temporarily unavailable", "can't start new thread"),
        regex=r"(?:fork|clone|pthread_create|posix_spawn|BlockingIOError|OSError)"
        r".{0,80}Resource temporarily unavailable|can't start new thread",
        phrase="too many processes",
        hint="Raise the limit of processes, or let it build with fewer at once.",
        rank=Rank.MACHINE,
        outcome=Outcome.RESOURCES,
    ),
)

NO_SOLUTION = "its requirements have no solution"

_WORLD = (
    Pattern(
        needles=("No matching distribution found for", "was not found in the package registry"),
        regex=r"No matching distribution found for (?P<name>[^\s;,]{1,100})"
        r"|Because (?P<other>[\w.-]{1,100}) was not found in the package registry",
        phrase="no matching distribution for {name}{other}",
        hint="It may be uploaded soon; look at its versions, and at Requires-Python.",
        outcome=Outcome.UPSTREAM,
    ),
    Pattern(
        needles=("nothing provides ", "No candidates were found for ", "a missing channel)"),
        regex=r"nothing provides (?:requested )?(?P<name>[\w.-]{1,100})"
        r"|No candidates were found for (?P<other>[\w.-]{1,100})"
        r"|(?P<third>\w[\w.-]{0,99})[^\n(]{0,100} does not exist \(perhaps a typo or a missing channel\)",
        phrase="no channel has {name}{other}{third} as it is required",
        hint="Build it first, name the channel that has it, or change what is required.",
    ),
    Pattern(
        needles=(
            "UnsatisfiableError",
            "PackagesNotFoundError",
            "Could not solve for environment specs",
            "Cannot solve the request because of",
            "ResolutionImpossible",
            "No solution found when resolving",
        ),
        regex=r"UnsatisfiableError|PackagesNotFoundError|Could not solve for environment specs"
        r"|Cannot solve the request because of|ResolutionImpossible|No solution found when resolving",
        phrase=NO_SOLUTION,
        hint="The lines around it say which requirements contradict each other.",
        # What it says next may name what is not there.
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=(
            "--offline was specified",
            "failed to download from",
            "Unable to update registry",
            "crates.io",
            "as a dependency of package",
        ),
        regex=r"attempting to make an HTTP request, but --offline was specified"
        r"|failed to download from `|Unable to update registry|Could(?:n't| not) resolve host.{0,40}crates\.io"
        r"|failed to get `[\w-]{1,80}` as a dependency of package",
        phrase="its Rust crates are not there",
        hint="The build step has no network: put them into its source with 'cargo vendor', and build that.",
    ),
    Pattern(
        needles=(
            "Network is unreachable",
            "name resolution",
            "Name or service not known",
            "ould not resolve host",
            "Failed to establish a new connection",
            "urlopen error",
            "getaddrinfo",
        ),
        regex=r"Network is unreachable|Temporary failure in name resolution|Name or service not known"
        r"|[cC]ould not resolve host|Failed to establish a new connection|urlopen error"
        r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN|failed)",
        phrase="tries to download while it is built",
        hint="The build step has no network: give it what it fetches in a recipe, or turn that off in its settings.",
    ),
    Pattern(
        needles=("Read-only file system", "Permission denied"),
        regex=r"(?:Read-only file system|Permission denied): ?'(?P<name>/[^']{1,200})'"
        r"|could not create '(?P<other>/[^']{1,200})': (?:Read-only file system|Permission denied)"
        r"|cannot (?:create|touch|open|remove|write)[^/]{0,40}(?P<third>/[^':]{1,200})'?: (?:Read-only file system|Permission denied)",
        phrase="writes outside its folder ({name}{other}{third})",
        hint="Turn that off in its settings, or patch it in a recipe.",
    ),
    Pattern(
        needles=("macOS", "Mac OS", "Windows", "windows"),
        regex=r"(?:requires|(?:only|can only be) (?:\w+ ){0,3}(?:on|for|under)) (?P<name>macOS|Mac ?OS ?X?|[Ww]indows)\b",
        phrase="only for {name}",
        hint="Leave it out with a recipe (skip), or give what requires it an environment marker.",
        rank=Rank.LAST_WORDS,
    ),
)

_HEADERS = (
    Pattern(
        needles=("Python.h",),
        regex=r"error: '?Python\.h(?:'|:)|'Python\.h': No such file",
        phrase="Python.h not found",
        hint="Install that Python's headers (Debian: apt install python3-dev, or python3.X-dev).",
    ),
    Pattern(
        needles=("No such file or directory", "file not found", "Cannot open include file"),
        regex=r"error: (?P<name>[\w./+-]{1,120}\.(?:h|hh|hpp|hxx)|Eigen/\w{1,20}): No such file or directory"
        r"|error: '(?P<clang>[\w./+-]{1,120})' file not found"
        r"|Cannot open include file: '(?P<msvc>[\w./+-]{1,120})'",
        explain=of_header,
    ),
    Pattern(
        needles=("headers or library files could not be found for",),
        regex=r"headers or library files could not be found for (?P<name>[\w+-]{1,40})",
        explain=of_library,
    ),
    Pattern(
        needles=("libxml2 and libxslt development packages",),
        regex=r"Please make sure the (?P<name>libxml2) and libxslt development packages",
        phrase="needs libxml2 and libxslt headers",
        hint="Install them (Debian: apt install libxml2-dev libxslt1-dev).",
    ),
    Pattern(
        needles=("Could not find directory of OpenSSL",),
        regex=r"Could not find directory of OpenSSL installation",
        phrase="needs OpenSSL headers",
        hint="Install them (Debian: apt install libssl-dev).",
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("Can not find valid pkg-config name",),
        regex=r"Can not find valid pkg-config name",
        phrase="needs MySQL headers",
        hint="Install them (Debian: apt install default-libmysqlclient-dev).",
        rank=Rank.SYMPTOM,
    ),
)

_LIBRARIES = (
    Pattern(
        needles=(
            "-lpython",
            "libraries: libpython",
            "Development.Module",
            "Python3_LIBRAR",
            "PYTHON_LIBRAR",
        ),
        regex=r"(?:cannot find|unable to find library) -l(?P<name>python[\d.]{0,6})"
        r"|error while loading shared libraries: (?P<second>libpython[\d.]{0,6})"
        r"|^\s{0,8}Could NOT find (?P<third>Python3?) \(missing:[^)]{0,200}(?:LIBRAR|Development)",
        explain=of_libpython,
    ),
    Pattern(
        needles=("cannot open shared object file",),
        regex=r"(?:^|[\s'\"])lib(?P<name>[\w+-]{1,60})\.so[\d.]{0,12}: cannot open shared object file",
        explain=of_library,
    ),
    Pattern(
        needles=("cannot find -l", "unable to find library -l", "library not found for -l"),
        regex=r"(?:cannot find|unable to find library|library not found for) -l(?P<name>[\w.+-]{1,60}?)(?=:|'|\s|$)",
        explain=of_library,
    ),
    Pattern(
        needles=(
            "No package '",
            "Package '",
            "was not found in the pkg-config search path",
            "ERROR: Dependency",
        ),
        regex=r"No package '(?P<name>[\w.+-]{1,60})' found"
        r"|Package '(?P<second>[\w.+-]{1,60})'(?:, required by '[^']{1,60}',)? not found"
        r"|Package (?P<third>[\w.+-]{1,60}) was not found in the pkg-config search path"
        r"|ERROR: Dependency [\"'](?P<fourth>[\w.+-]{1,60})[\"'] not found"
        r"|ERROR: Dependency lookup for (?P<fifth>[\w.+-]{1,60}) with method",
        explain=of_library,
    ),
    Pattern(
        needles=("Could NOT find",),
        # Without the two dashes that stand before what CMake can do without.
        regex=r"^\s{0,8}Could NOT find (?!PkgConfig|Python)(?P<name>[\w+-]{1,60})",
        explain=of_library,
    ),
    Pattern(
        needles=("Could not find a package configuration file provided by",),
        regex=r"Could not find a package configuration file provided by \"(?P<name>[\w+-]{1,60})\"",
        explain=of_library,
        rank=Rank.SYMPTOM,
    ),
    Pattern(
        needles=("-config",),
        regex=r"(?:^|[\s'\"`/])(?P<name>(?!pkg)[\w.]{1,30}-config)['\"`]?"
        r"(?: executable|: command)? ?(?::|is )?(?: ?not found| not installed|: No such file)"
        r"|No such file or directory: '(?P<second>(?!pkg)[\w.]{1,30}-config)'"
        r"|(?:Could not (?:run|find)|Did not find executable) (?P<third>(?!pkg)[\w.]{1,30}-config)",
        explain=of_program,
    ),
    Pattern(
        needles=("pg_config", "mysql_config", "mariadb_config"),
        regex=r"(?P<name>pg_config|mysql_config|mariadb_config)['\"`]?(?: executable|:)? (?:is )?(?:not found|No such file)"
        r"|No such file or directory: '(?P<second>pg_config|mysql_config|mariadb_config)'",
        explain=of_program,
    ),
    Pattern(
        needles=("nvcc", "CUDA_HOME"),
        regex=r"CUDA_HOME environment variable is not set|nvcc['\"]?(?: was|: command)? not found"
        r"|No such file or directory: '[\w/.-]{0,100}nvcc'|Failed to find nvcc",
        phrase="needs CUDA",
        hint="Install the CUDA toolkit, or turn that part off in its settings.",
    ),
)

SYSTEM_PATTERNS = (*_MACHINE, *_WORLD, *_HEADERS, *_LIBRARIES, *TOOL_PATTERNS)
