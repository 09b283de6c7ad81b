"""The keys of a migration's ``__migrator`` table, and what each holds.

They are those that conda-forge's bot and conda-smithy read; one that is none of them and looks like
one of them is a slip of the pen, and is named.
"""

from enum import StrEnum


class Holds(StrEnum):
    """What a key's value is."""

    TEXT = "text"
    FLAG = "true or false"
    NUMBER = "a whole number"
    NAMES = "a list of names"
    NAMES_BY_NAME = "names, each with a list of names"
    VALUES_BY_KEY = "keys, each with its value"


MIGRATOR_KEYS: dict[str, Holds] = {
    "kind": Holds.TEXT,
    "name": Holds.TEXT,
    "operation": Holds.TEXT,
    "primary_key": Holds.TEXT,
    "additional_zip_keys": Holds.NAMES,
    "ordering": Holds.NAMES_BY_NAME,
    "migration_number": Holds.NUMBER,
    "bump_number": Holds.NUMBER,
    "build_number": Holds.NUMBER,
    "commit_message": Holds.TEXT,
    "description": Holds.TEXT,
    "exclude": Holds.NAMES,
    "exclude_pinned_pkgs": Holds.FLAG,
    "include_noarch": Holds.FLAG,
    "include_build": Holds.FLAG,
    "platform_allowlist": Holds.NAMES,
    "wait_for_migrators": Holds.NAMES,
    "override_cbc_keys": Holds.NAMES,
    "ignored_deps_per_node": Holds.NAMES_BY_NAME,
    "conda_forge_yml_patches": Holds.VALUES_BY_KEY,
    "allowlist_file": Holds.TEXT,
    "whitelist_file": Holds.TEXT,
    "paused": Holds.FLAG,
    "longterm": Holds.FLAG,
    "automerge": Holds.FLAG,
    "check_solvable": Holds.FLAG,
    "use_local": Holds.FLAG,
    "pr_limit": Holds.NUMBER,
    "max_solver_attempts": Holds.NUMBER,
    "force_pr_after_solver_attempts": Holds.NUMBER,
}
"""Each key of ``__migrator`` and what it holds."""

SPECIAL_KEYS = ("__migrator", "migrator_ts", "zip_keys", "pin_run_as_build", "extend_keys")
"""Keys of the file itself that are no pins."""

KINDS = ("version",)
OPERATIONS = ("key_add", "key_remove")
