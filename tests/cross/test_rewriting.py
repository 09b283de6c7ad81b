"""What holds of every rewritten command, whatever was called."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cross.crossings import CROSSINGS, EMSCRIPTEN, GNU
from cross.tables import FOLDER
from wheelyard.cross.description import Exporting, Tool
from wheelyard.cross.lines import lines
from wheelyard.cross.naming import TOOLS, tool_of
from wheelyard.cross.rewrite import Command, Refused, Rewritten, rewrite
from wheelyard.cross.rules import parse
from wheelyard.cross.toolchain_files import cargo_variables
from wheelyard.cross.words import joined, normal, split
from wheelyard.errors import ConfigurationError

_FOLDERS = some.sampled_from(
    [
        "/usr/include",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/include/python3.11",
        "/opt/x/lib",
        "/build/source/include",
        "include",
        "../include",
        "/env/lib/python3.11/site-packages/numpy/_core/include",
        "/lib64",
        "/usr/local/include",
        "/elsewhere/x",
    ]
)
_FLAGS = ("-I", "-L", "-isystem", "-iquote", "-idirafter", "-B", "--sysroot=")
_ALONE = some.sampled_from(
    (
        "-c",
        "-O2",
        "-shared",
        "-fPIC",
        "-g",
        "-m64",
        "-march=native",
        "-lz",
        "-lpython3.11",
        "-DX=1",
        "a.c",
        "b.cpp",
        "a.o",
        "libx.a",
        "/usr/lib/x86_64-linux-gnu/libz.so.1",
        "-Wl,-z,now",
        "-pthread",
        "-mavx2",
        "-",
        "-Wl,-rpath,/usr/lib",
        "-Wl,-rpath,$ORIGIN",
        "-o",
        "a.so",
        "-E",
        "-x",
        "c++",
        "-Xlinker",
        "-Wl,",
        "",
    )
)
_WORDS = some.lists(
    some.one_of(
        _ALONE.map(lambda word: [word]),
        some.tuples(some.sampled_from(_FLAGS), _FOLDERS).map(lambda pair: ["".join(pair)]),
        some.tuples(some.sampled_from(_FLAGS[:6]), _FOLDERS).map(list),
        some.tuples(some.just("-Wl,-rpath"), _FOLDERS).map(lambda pair: [",".join(pair)]),
    ),
    max_size=12,
).map(lambda groups: [word for group in groups for word in group])
_NAMES = some.sampled_from(["cc", "gcc-12", "x86_64-linux-gnu-g++", "ld", "ar", "c++"])
_KINDS = some.sampled_from(sorted(CROSSINGS))


def command(name: str, words: list[str]) -> Command:
    return Command(argv=(name, *words), folder=FOLDER)


@given(_NAMES, _WORDS, _KINDS)
def test_rewriting_what_was_rewritten_changes_nothing(
    name: str, words: list[str], kind: str
) -> None:
    crossing = CROSSINGS[kind]
    first = rewrite(command(name, words), crossing)
    if not isinstance(first, Rewritten):
        return
    real = len(crossing.tools[Tool(tool_of(name))])
    again = rewrite(command(name, list(first.argv[real:])), crossing)
    assert again == first


@given(_WORDS, _KINDS)
def test_no_folder_of_the_build_machine_is_left(words: list[str], kind: str) -> None:
    """A folder after a flag for folders is the target's or the project's, never the machine's."""
    found = rewrite(command("cc", words), CROSSINGS[kind])
    if not isinstance(found, Rewritten):
        return
    own = (
        *CROSSINGS[kind].includes,
        *CROSSINGS[kind].compiler_includes,
        *CROSSINGS[kind].cxx_includes,
    )
    at = len(CROSSINGS[kind].tools[Tool.CC])
    argv = found.argv[at:]
    skip = False
    two = parse(lines(CROSSINGS[kind])).two["compiler"]
    for place, word in enumerate(argv):
        value = ""
        if skip:
            skip = False
            continue
        if word in _FLAGS and place + 1 < len(argv):
            value, skip = argv[place + 1], True
        elif word in two:
            skip = True
        else:
            for flag in sorted(_FLAGS, key=len, reverse=True):
                if word.startswith(flag):
                    value = word[len(flag) :]
                    break
        if value in own or not value.startswith("/"):
            continue
        assert not normal(value, FOLDER).startswith(("/usr/", "/lib", "/opt/")), (word, value)


@given(_NAMES, _WORDS, _KINDS)
def test_what_stays_keeps_its_order(name: str, words: list[str], kind: str) -> None:
    crossing = CROSSINGS[kind]
    found = rewrite(command(name, words), crossing)
    if not isinstance(found, Rewritten):
        return
    kept = [
        word
        for word in words
        if word in {"-O2", "-g", "-fPIC", "-DX=1", "a.c", "b.cpp", "a.o", "-lz"}
    ]
    left = iter(found.argv[len(crossing.tools[Tool(tool_of(name))]) :])
    if kind != "emscripten":  # its own flags come first, and say -fPIC and -O2 themselves
        assert all(word in left for word in kept)


@given(some.lists(some.text(alphabet="ab \t\n\\'\"@$ä", max_size=6)))
def test_response_file_says_what_was_written(words: list[str]) -> None:
    assert split(joined(words)) == words


def test_response_files_are_read_in_place_and_within_each_other() -> None:
    files = {"a.rsp": "-DX='1 2' @b.rsp \"-I/usr/include\"", "b.rsp": "-c\na.c\\ b"}
    found = rewrite(Command(argv=("cc", "@a.rsp", "-O1"), folder=FOLDER, files=files), GNU)
    assert isinstance(found, Rewritten)
    assert found.argv[1:5] == ("-DX=1 2", "-c", "a.c b", "-O1")


def test_response_file_that_names_itself_ends() -> None:
    found = rewrite(Command(argv=("cc", "-c", "@a"), folder=FOLDER, files={"a": "a.c @a"}), GNU)
    assert isinstance(found, Rewritten)


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_names_with_machine_and_version_are_the_same_tool(name: str) -> None:
    assert tool_of(f"x86_64-linux-gnu-{name}-12") == TOOLS[name]


@pytest.mark.parametrize(
    "name", ["python3", "gcov", "ldd", "make", "-", "", "accountant", "g++filt"]
)
def test_other_programs_are_no_tools(name: str) -> None:
    assert tool_of(name) == ""


def test_symbols_of_objects_name_what_a_module_exports() -> None:
    called = Command(
        argv=("cc", "-shared", "a.o", "-o", "_a.so"),
        folder=FOLDER,
        symbols=("PyInit__a", "PyInit__b", "helper"),
    )
    found = rewrite(called, EMSCRIPTEN)
    assert isinstance(found, Rewritten)
    assert "-sEXPORTED_FUNCTIONS=_PyInit__a,_PyInit__b" in found.argv


def test_module_that_would_export_nothing_is_refused() -> None:
    called = Command(
        argv=("cc", "-shared", "a.o", "-o", "a.so"), folder=FOLDER, symbols=("helper",)
    )
    found = rewrite(called, EMSCRIPTEN)
    assert isinstance(found, Refused)
    assert "export nothing" in found.reason


@pytest.mark.parametrize(
    ("exports", "expected"),
    [
        (Exporting.ALL, ("-sSIDE_MODULE=1",)),
        (Exporting.LISTED, ("-sSIDE_MODULE=2", "-sEXPORTED_FUNCTIONS=_one,_two")),
    ],
)
def test_recipe_chooses_what_a_module_exports(
    exports: Exporting, expected: tuple[str, ...]
) -> None:
    crossing = replace(EMSCRIPTEN, exports=exports, exported=("one", "two"))
    found = rewrite(command("cc", ["-shared", "a.o", "-o", "a.so"]), crossing)
    assert isinstance(found, Rewritten)
    assert [word for word in found.argv if "SIDE_MODULE" in word or "EXPORTED" in word] == list(
        expected
    )


def test_recipe_takes_a_warning_out_of_the_errors() -> None:
    crossing = replace(EMSCRIPTEN, errors=("return-type",))
    found = rewrite(command("cc", ["-c", "a.c"]), crossing)
    assert isinstance(found, Rewritten)
    assert [word for word in found.argv if word.startswith("-Werror")] == ["-Werror=return-type"]


def test_cache_stands_before_the_real_compiler() -> None:
    found = rewrite(
        command("ccache", ["gcc", "-c", "a.c"]), replace(GNU, launcher=("/usr/bin/ccache",))
    )
    assert isinstance(found, Rewritten)
    assert found.argv[:2] == ("/usr/bin/ccache", "/usr/bin/aarch64-linux-gnu-gcc")


def test_tool_is_given_its_variables() -> None:
    crossing = replace(GNU, environment={Tool.CC: {"A": "1=2"}})
    found = rewrite(command("cc", ["-c", "a.c"]), crossing)
    assert found == replace_environment(found, {"A": "1=2"})


def replace_environment(found: Rewritten | Refused, expected: dict[str, str]) -> Rewritten:
    assert isinstance(found, Rewritten)
    return replace(found, environment=expected)


def test_cargo_is_told_where_the_targets_own_library_of_rust_is() -> None:
    name = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS"
    plain = replace(GNU, rust_target="aarch64-unknown-linux-gnu")
    given = replace(plain, rust_libraries=("/sysroots/rust/lib",))
    assert name not in cargo_variables(plain, "/shims", "/native")
    assert cargo_variables(given, "/shims", "/native")[name] == "-L/sysroots/rust/lib"


def test_folder_that_no_line_can_hold_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="cannot be handed"):
        rewrite(command("cc", ["a.c"]), replace(GNU, sysroot="/a\tb"))
