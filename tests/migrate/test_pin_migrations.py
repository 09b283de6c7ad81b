"""A migration of pins is read with every key, and a slip of the pen is named with its line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidMigrationError, WheelyardError
from wheelyard.migrate.pins.keys import MIGRATOR_KEYS
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.pins.pinfile import PinFile

FULL = """\
# libknurl 2 has another soname
__migrator:
  kind: version
  migration_number:  # only to run it again
    3
  operation: key_add
  primary_key: libknurl
  additional_zip_keys: [knurl_abi]
  ordering:
    libknurl: ['2.0', '1.9']
  bump_number: 2
  commit_message: |
    Rebuild for libknurl 2

    It has another soname.
  exclude:
    - knurl-legacy
  exclude_pinned_pkgs: false
  include_noarch: yes
  include_build: true
  platform_allowlist: [linux_64, osx-arm64]
  wait_for_migrators:
    - openssl3
  override_cbc_keys: [libknurl]
  ignored_deps_per_node:
    knurl-tools: [swig, bison]
  conda_forge_yml_patches:
    provider.win: azure
  allowlist_file: knurls.txt
  paused: on
  longterm: true
  automerge: true
  check_solvable: false
  use_local: true
  pr_limit: -1
  max_solver_attempts: 4
  force_pr_after_solver_attempts: 7
migrator_ts: 1700000000.5
libknurl:
  - 2.10    # [not win]
  - '1.90'  # [win]
knurl_abi: ['2']
zip_keys:
  - - libknurl
    - knurl_abi
"""


def test_every_key_is_read() -> None:
    read = PinMigration.parse(FULL, name="libknurl2")

    assert read.operation == "key_add"
    assert read.primary_key == "libknurl"
    assert read.additional_zip_keys == ("knurl_abi",)
    assert read.ordering == {"libknurl": ("2.0", "1.9")}
    assert (read.migration_number, read.bump_number) == (3, 2)
    assert read.exclude == ("knurl-legacy",)
    assert (read.exclude_pinned_pkgs, read.include_noarch, read.include_build) == (
        False,
        True,
        True,
    )
    assert read.platform_allowlist == ("linux_64", "osx-arm64")
    assert read.wait_for_migrators == ("openssl3",)
    assert read.ignored_deps_per_node == {"knurl-tools": ("swig", "bison")}
    assert read.conda_forge_yml_patches == {"provider.win": "azure"}
    assert read.allowlist_file == "knurls.txt"
    assert (read.paused, read.longterm, read.automerge) == (True, True, True)
    assert (read.check_solvable, read.use_local) == (False, True)
    assert (read.pr_limit, read.max_solver_attempts) == (-1, 4)
    assert read.force_pr_after_solver_attempts == 7
    assert read.timestamp == 1700000000.5
    assert read.title() == "Rebuild for libknurl 2"
    assert read.title(closing=True) == "Close out migration for libknurl2"
    assert read.packages() == {"libknurl"}


def test_values_stay_as_they_are_written_with_their_selectors() -> None:
    read = PinMigration.parse(FULL, name="libknurl2")

    values = [(value.text, value.selector, value.line) for value in read.values("libknurl")]

    assert values == [("2.10", "not win", 40), ("1.90", "win", 41)]
    assert read.pins.zipped_with("knurl_abi") == ("libknurl", "knurl_abi")


def test_pins_are_packages_with_dashes_as_well_where_such_are_made() -> None:
    read = PinMigration.parse("lib_knurl: ['2']\nmigrator_ts: 1\n", name="knurl")

    assert read.packages() == {"lib_knurl", "lib-knurl"}
    assert read.packages({"lib-knurl", "other"}) == {"lib-knurl"}
    assert read.bump_number == 1
    assert read.title() == "Rebuild for knurl"


def test_older_names_of_keys_are_read() -> None:
    text = "__migrator:\n  build_number: 0\n  whitelist_file: old.txt\n"
    read = PinMigration.parse(text, name="old")
    assert (read.bump_number, read.allowlist_file) == (0, "old.txt")


@pytest.mark.parametrize("key", sorted(MIGRATOR_KEYS))
def test_a_misspelt_key_is_named_with_the_nearest_and_its_line(key: str) -> None:
    wrong = key[:-2] + key[-1]
    text = f"__migrator:\n  # what it is\n  {wrong}: 1\n"
    if wrong in MIGRATOR_KEYS:
        return
    with pytest.raises(InvalidMigrationError) as caught:
        PinMigration.parse(text, name="knurl")
    assert caught.value.message == f"knurl.yaml:3: {wrong!r} is no key of `__migrator`"
    assert repr(key) in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("__migrater:\n  kind: version\n", "knurl.yaml:1: '__migrater' is neither", "__migrator"),
        ("a: [1]\nmigratr_ts: 1\n", "knurl.yaml:2: 'migratr_ts' is neither", "migrator_ts"),
        ("zip_key:\n  - [a, b]\n", "knurl.yaml:1: 'zip_key' is neither", "zip_keys"),
        ("a: [1]\npaused: true\n", "knurl.yaml:2: 'paused' stands outside", "below"),
        ("__migrator:\n  paused: maybe\n", "knurl.yaml:2: 'paused' holds 'maybe'", "true or false"),
        ("__migrator:\n  bump_number: x\n", "knurl.yaml:2: 'bump_number' holds 'x'", "number"),
        (
            "__migrator:\n  exclude: {a: b}\n",
            "knurl.yaml:2: 'exclude' holds a list",
            "list of names",
        ),
        ("__migrator:\n  kind: versoin\n", "knurl.yaml:2: 'kind' is 'versoin'", "version"),
        ("__migrator:\n  operation: key_ad\na: [1]\n", "knurl.yaml:2: 'operation' is", "key_add"),
        (
            "__migrator:\n  operation: key_add\na: [1]\n",
            "knurl.yaml:2: key_add has no",
            "primary_key",
        ),
        (
            "__migrator:\n  operation: key_add\n  primary_key: pythn\npython: [1]\n",
            "knurl.yaml:3: 'primary_key' is 'pythn'",
            "'python'",
        ),
        (
            "__migrator:\n  paused: true\n  paused: no\n",
            "knurl.yaml:3: 'paused' stands twice",
            "one",
        ),
        ("migrator_ts: soon\n", "knurl.yaml:1: 'migrator_ts' holds 'soon'", "seconds"),
        ("__migrator: [1\n", "knurl.yaml:2: this is not YAML", "Mend"),
        ("hello world\n", "knurl.yaml:1: a mapping of keys", "key:"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidMigrationError) as caught:
        PinMigration.parse(text, name="knurl")
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_a_key_that_nobody_knows_is_kept_aside() -> None:
    text = "__migrator:\n  kind: version\n  colour: blue\nknurl: ['2']\n"
    assert PinMigration.parse(text, name="knurl").unknown == ("colour",)


def test_aliases_that_grow_beyond_all_bounds_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    text = "\n".join(lines) + "\n__migrator:\n  conda_forge_yml_patches:\n    a: *a8\n"
    with pytest.raises(InvalidMigrationError, match="holds too much"):
        PinMigration.parse(text, name="bomb")


@given(st.text(max_size=200))
def test_no_text_makes_it_crash(text: str) -> None:
    for reader in (PinMigration.parse, PinFile.parse):
        with suppress(WheelyardError):
            reader(text, name="any")


def test_a_pin_file_keeps_keys_that_stand_twice() -> None:
    text = "cdt_name: cos6  # [x86]\ncdt_name: cos7  # [aarch64]\nlast:\n  - 1\n"
    pins = PinFile.parse(text, name="pins")
    assert [(v.text, v.selector) for v in pins.of("cdt_name")] == [
        ("cos6", "x86"),
        ("cos7", "aarch64"),
    ]
    assert pins.names() == ("cdt_name", "last")
