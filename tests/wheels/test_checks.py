"""What each check finds, what it leaves in peace, and who decides what a finding does."""

from pathlib import Path

import pytest

from wheels.compiled import INTERPRETER, NATIVE, SUFFIX, compile_library, compile_module, make_wheel
from wheelyard.errors import ConfigurationError
from wheelyard.executor.checks import CheckPolicy, check_wheel
from wheelyard.executor.wheelfile import inspect_wheel
from wheelyard.model.job import Finding, Verdict
from wheelyard.targets.target import Target

LINUX = "linux_x86_64"
PURE = "py3-none-any"


def check(
    wheel: Path,
    *,
    platform: str = LINUX,
    upstream: str = "",
    upstream_files: tuple[str, ...] | None = None,
    upstream_portable: bool = False,
    policy: CheckPolicy | None = None,
) -> dict[str, Finding]:
    found = check_wheel(
        wheel,
        inspect_wheel(wheel),
        target=Target.parse(f"{INTERPRETER}-{platform}"),
        upstream_filename=upstream,
        upstream_files=upstream_files,
        upstream_portable=upstream_portable,
        policy=policy or CheckPolicy(),
    )
    return {finding.check: finding for finding in found}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compile_module(tmp_path_factory.mktemp("plain"), "plain")


def test_good_wheels_have_no_findings(tmp_path: Path, plain: bytes) -> None:
    pure = make_wheel(tmp_path / "a", {"a.py": "x = 1"}, tags=PURE, purelib=True)
    binary = make_wheel(tmp_path / "b", {f"plain{SUFFIX}": plain})

    assert check(pure) == {}
    assert check(binary, upstream=f"sample-1.0-{NATIVE}.whl") == {}


def test_pure_wheel_is_held_where_upstream_is_binary(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"a.py": ""}, tags=PURE, purelib=True)

    found = check(
        wheel, upstream=f"sample-1.0-{INTERPRETER}-{INTERPRETER}-manylinux_2_17_x86_64.whl"
    )

    assert found["pure-but-upstream-is-binary"].verdict is Verdict.HOLD
    assert check(wheel, upstream="sample-1.0-py2.py3-none-any.whl") == {}


def test_pure_wheel_is_a_warning_where_upstream_has_both_kinds(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pkg/speed.py": ""}, tags=PURE, purelib=True)
    upstream = f"sample-1.0-{INTERPRETER}-{INTERPRETER}-manylinux_2_17_x86_64.whl"

    found = check(
        wheel,
        upstream=upstream,
        upstream_files=("pkg/speed.py", "pkg/speed.cpython-312-x86_64-linux-gnu.so"),
        upstream_portable=True,
    )

    assert set(found) == {"optional-extension-left-out"}
    assert found["optional-extension-left-out"].verdict is Verdict.WARN
    assert check(wheel, upstream="sample-1.0-py3-none-any.whl", upstream_portable=True) == {}


def test_extension_that_upstream_has_is_held(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pkg/speed.py": ""}, tags=PURE, purelib=True)

    found = check(
        wheel, upstream_files=("pkg/speed.py", "pkg/speed.cpython-312-x86_64-linux-gnu.so")
    )

    assert set(found) == {"missing-extension"}
    assert found["missing-extension"].verdict is Verdict.HOLD
    assert "pkg/speed.cpython-312-x86_64-linux-gnu.so" in found["missing-extension"].message


@pytest.mark.parametrize(
    "upstream",
    [
        "pkg/plain.cpython-312-x86_64-linux-gnu.so",
        "pkg/plain.abi3.so",
        "pkg/plain.so",
        "pkg/plain.cp312-win_amd64.pyd",
        "sample-1.0.data/platlib/pkg/plain.abi3.so",
    ],
)
def test_extension_by_another_suffix_is_the_same(
    tmp_path: Path, plain: bytes, upstream: str
) -> None:
    wheel = make_wheel(tmp_path, {f"pkg/plain{SUFFIX}": plain})

    assert check(wheel, upstream_files=(upstream,)) == {}


def test_missing_file_is_a_warning(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pkg/a.py": ""}, tags=PURE, purelib=True)

    found = check(wheel, upstream_files=("pkg/a.py", "pkg/table.json"))

    assert set(found) == {"missing-files"}
    assert found["missing-files"].verdict is Verdict.WARN
    assert "pkg/table.json" in found["missing-files"].message


def test_what_builds_rightly_differ_in_is_not_missing(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"pkg/a.py": ""}, tags=PURE, purelib=True)
    theirs = (
        "sample-1.0.dist-info/top_level.txt",
        "sample.libs/libz-1234.so.1",
        "pkg/.dylibs/libz.dylib",
        "pkg/__pycache__/a.cpython-312.pyc",
        "pkg/LICENSE.txt",
        "LICENCE",
        "COPYING",
    )

    assert check(wheel, upstream_files=theirs) == {}


def test_platform_tag_without_binary_is_held(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"a.py": "", "fake.so": "text"})

    found = check(wheel)

    assert set(found) == {"platform-tag-without-binary"}
    assert found["platform-tag-without-binary"].verdict is Verdict.HOLD


def test_tag_that_the_target_does_not_take_is_held(tmp_path: Path, plain: bytes) -> None:
    tags = f"{INTERPRETER}-{INTERPRETER}-manylinux_2_34_x86_64"
    wheel = make_wheel(tmp_path, {f"plain{SUFFIX}": plain}, tags=tags)

    found = check(wheel, platform="manylinux_2_17_x86_64")

    assert found["unsupported-platform-tag"].verdict is Verdict.HOLD
    assert check(wheel, platform="manylinux_2_35_x86_64") == {}
    assert check(wheel) == {}


def test_file_for_another_processor_is_held(tmp_path: Path, plain: bytes) -> None:
    foreign = bytearray(plain)
    foreign[18] = 183  # aarch64
    wheel = make_wheel(tmp_path, {f"plain{SUFFIX}": plain, "pkg/other.so": bytes(foreign)})

    found = check(wheel)

    assert set(found) == {"foreign-architecture"}
    assert found["foreign-architecture"].message == "not for x86_64: pkg/other.so (aarch64)"


def test_test_data_for_another_processor_is_not_held(tmp_path: Path, plain: bytes) -> None:
    foreign = bytearray(plain)
    foreign[18] = 183
    files: dict[str, bytes | str] = {"a.py": "", "pkg/sample.elf": bytes(foreign)}

    assert check(make_wheel(tmp_path, files, tags=PURE, purelib=True)) == {}


def test_symbol_outside_the_stable_abi_is_held(tmp_path: Path) -> None:
    later = compile_module(tmp_path, "later", value="(long)PyUnicode_AsUTF8AndSize(self, NULL)")
    outside = compile_module(tmp_path, "outside", value="(long)PyUnicode_AsUTF8(self)")
    files: dict[str, bytes | str] = {"later.abi3.so": later, "outside.abi3.so": outside}
    wheel = make_wheel(tmp_path, files, tags=f"cp38-abi3-{LINUX}")

    finding = check(wheel)["abi3-violation"]

    assert finding.verdict is Verdict.HOLD
    assert finding.message == (
        "later.abi3.so is tagged for 3.8 and uses PyUnicode_AsUTF8AndSize (since 3.10); "
        "outside.abi3.so uses PyUnicode_AsUTF8, not in the stable ABI"
    )


def test_abi3_that_keeps_its_promise_passes(tmp_path: Path) -> None:
    module = compile_module(tmp_path, "good", options=["-DPy_LIMITED_API=0x03080000"])
    wheel = make_wheel(tmp_path, {"good.abi3.so": module}, tags=f"cp38-abi3-{LINUX}")

    assert check(wheel) == {}


def test_symbols_do_not_matter_without_the_abi3_tag(tmp_path: Path) -> None:
    module = compile_module(tmp_path, "wide", value="(long)PyUnicode_AsUTF8(self)")

    assert check(make_wheel(tmp_path, {f"wide{SUFFIX}": module})) == {}


def test_path_of_the_build_is_a_warning(tmp_path: Path) -> None:
    library = compile_library(tmp_path, 'const char *path = "/build/source/sample-1.0/own.c";')
    files: dict[str, bytes | str] = {
        "own.so": library,
        "pkg/config.py": 'ROOT = "/build/source/sample-1.0"\n',
    }

    finding = check(make_wheel(tmp_path, files))["build-path-leak"]

    assert finding.verdict is Verdict.WARN
    assert "/build/source/sample-1.0/own.c in own.so" in finding.message
    assert "/build/source/sample-1.0 in pkg/config.py" in finding.message


def test_path_of_the_build_is_found_wherever_it_lies_in_a_large_file(tmp_path: Path) -> None:
    mebibyte = 1 << 20
    for before in range(mebibyte - 16, mebibyte + 2):
        folder = tmp_path / str(before)
        folder.mkdir()
        text = "#" * (before - 1) + ' /build/source/sample-1.0"\n'

        assert "build-path-leak" in check(make_wheel(folder, {"a.py": text})), before


def test_debugging_information_and_addresses_are_no_leak(tmp_path: Path) -> None:
    options = ["-g", f"-fdebug-prefix-map={Path.cwd()}=/build/source/sample-1.0"]
    library = compile_library(tmp_path, "int one(void) { return 1; }", options)
    text = 'SEE = "https://example.org/build/source/html"; OUT = "docs/build/source/html"; LOG = "./build/source/x"; DEBIAN = "/build/reproducible-path/openssl-3.0"\n'
    assert b"/build/source/sample-1.0" in library

    assert check(make_wheel(tmp_path, {"own.so": library, "a.py": text})) == {}


def test_tests_for_everybody_are_a_warning(tmp_path: Path) -> None:
    files = {"pkg/tests/test_a.py": "", "tests/test_a.py": ""}
    wheel = make_wheel(tmp_path / "a", files, tags=PURE, purelib=True)
    inside = make_wheel(tmp_path / "b", {"pkg/tests/test_a.py": ""}, tags=PURE, purelib=True)

    assert check(wheel)["tests-at-top-level"].verdict is Verdict.WARN
    assert check(inside) == {}


def test_policy_decides_what_a_finding_does(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"a.py": "", "tests/test_a.py": ""})
    policy = CheckPolicy.parse(
        {"tests-at-top-level": "hold", "platform-tag-without-binary": "accept"}
    )

    found = check(wheel, policy=policy)

    assert found["tests-at-top-level"].verdict is Verdict.HOLD
    assert found["platform-tag-without-binary"].verdict is Verdict.ACCEPT


def test_unknown_check_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError) as error:
        CheckPolicy.parse({"abi3-violations": "warn"})

    assert error.value.hint == "Did you mean 'abi3-violation'?"


def test_unknown_verdict_gets_the_nearest_word() -> None:
    with pytest.raises(ConfigurationError) as error:
        CheckPolicy.parse({"abi3-violation": "warning"})

    assert error.value.message == "'warning' is not a verdict for abi3-violation"
    assert error.value.hint == "Did you mean 'warn'?"
