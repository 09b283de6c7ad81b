"""The recorded answers of conda-forge's bot, and what wheelyard makes of the same inputs."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wheelyard.migrate.builtin import BUILTIN
from wheelyard.migrate.carrying import carry
from wheelyard.migrate.distances import waves
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrator import Migrator
from wheelyard.migrate.migrators.pin_rebuild import OpenPin, PinRebuild
from wheelyard.migrate.migrators.rebuild import NewVersion
from wheelyard.migrate.migrators.replacing import MiniReplacement, PinRemoval, Replacement
from wheelyard.migrate.noarch import all_noarch
from wheelyard.migrate.pins.closing import closed
from wheelyard.migrate.pins.migration import PinMigration
from wheelyard.migrate.versions import next_versions, why_ignored
from wheelyard.recipes.answers import Answers, RecordedAnswers

FILE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "migrator_edits.jsonl.gz"

OF_RECIPES = {
    "fn:update_build_number",
    "fn:gen_transformed_urls",
    "version",
    "legacy:version",
    "legacy:rebuild",
}
"""Kinds that are an edit of a recipe alone; the tests of recipes read them."""

CLEAN_UPS = {
    "Build2HostMigrator": "build-to-host",
    "CombineV1ConditionsMigrator": "v1-conditions",
    "CondaForgeYAMLCleanup": "conda-forge-yml",
    "Cos7Config": "cos7",
    "CrossCompilationForARMAndPower": "cross-arm-power",
    "CrossPythonMigrator": "cross-python",
    "CrossRBaseMigrator": "cross-r-base",
    "DuplicateLinesCleanup": "duplicate-lines",
    "ExtraJinja2KeysCleanup": "extra-jinja-keys",
    "FlangMigrator": "flang",
    "GuardTestingMigrator": "cross-tests",
    "GuardTestingWinMigrator": "cross-tests-win",
    "Jinja2VarsCleanup": "jinja-style",
    "LibboostMigrator": "libboost",
    "LicenseMigrator": "licence-file",
    "MPIPinRunAsBuildCleanup": "mpi-pin-run-as-build",
    "NoCondaInspectMigrator": "no-conda-inspect",
    "Numpy2Migrator": "numpy-pin",
    "PipCheckMigrator": "pip-check",
    "PipMigrator": "use-pip",
    "PyPIOrgMigrator": "pypi-address",
    "RUCRTCleanup": "r-ucrt",
    "StdlibMigrator": "stdlib",
    "UpdateCMakeArgsMigrator": "cross-cmake",
    "UpdateCMakeArgsWinMigrator": "cross-cmake-win",
    "UpdateConfigSubGuessMigrator": "cross-config-sub",
}
"""The bot's names of clean-ups, and ours."""

OLDER = {
    "legacy:blas": "blas",
    "legacy:cb3-compiler": "compilers",
    "legacy:noarch": "noarch",
    "legacy:noarch-r": "noarch-r",
    "legacy:npm-build": "npm-build",
    "cdt": "cdt",
}


def cases() -> Iterator[dict[str, Any]]:
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            if case["kind"] not in OF_RECIPES:
                yield case


def feedstock_of(case: dict[str, Any]) -> Feedstock:
    held = case["input"]
    text = held["recipe"]
    path = "recipe/recipe.yaml" if "${{" in text else "recipe/meta.yaml"
    attrs = held.get("attrs") or {}
    name = attrs.get("feedstock_name") or case["params"].get("feedstock_name") or ""
    files = {**(held.get("files") or {}), path: text}
    return Feedstock(name=name, files=files)


def _clean_up(held: dict[str, Any]) -> Migrator:
    if held["class"] == "MiniReplacement":
        return MiniReplacement(old=held["old_pkg"], new=held["new_pkg"])
    made: Migrator = BUILTIN[CLEAN_UPS[held["class"]]]()
    return made


def _leading(case: dict[str, Any]) -> Migrator:
    kind, params = case["kind"], case["params"]
    recorded = case["migrator"]
    match kind:
        case "replacement" if recorded["class"] == "MatplotlibBase":
            return BUILTIN["matplotlib-base"]()  # type: ignore[no-any-return]
        case "replacement":
            return Replacement(old=recorded["old_pkg"], new=recorded["new_pkg"])
        case "legacy:replacement":
            old, new = re.findall(r"_pkg='([^']+)'", recorded["constructed"])
            return Replacement(old=old, new=new)
        case "pin-open":
            return OpenPin(
                package=recorded["package_name"],
                version=recorded["new_pin_version"],
                pattern=recorded["pin_spec"],
                together=tuple(recorded["pinnings"]),
                timestamp="12345.2",
            )
        case "legacy:pin-removal":
            return PinRemoval(packages=tuple(params["req"]["__set__"]))
        case _ if kind in OLDER:
            return BUILTIN[OLDER[kind]]()  # type: ignore[no-any-return]
    return NewVersion(to=params["new_version"], answers=_answers(case))


def _answers(case: dict[str, Any]) -> Answers:
    oracle = case.get("oracle")
    if not oracle:
        # Cases that were read from history say no more than the digest that came out.
        digest = re.search(r"sha256: (\w+)", case["expected"]["recipe"])
        assert digest is not None
        return _OneDigest(digest.group(1))
    files = {name: tuple(held) for name, held in oracle.get("pypi_files", {}).items()}
    return RecordedAnswers(hash=oracle.get("hash", {}), pypi_files=files)


class _OneDigest:
    def __init__(self, digest: str) -> None:
        self._digest = digest

    def digest(self, url: str, kind: str) -> str | None:
        return self._digest

    def files(self, project: str) -> tuple[str, ...] | None:
        return None


def _pin_rebuild(case: dict[str, Any]) -> Feedstock:
    """Rebuild for a migration of no pins, by as much as the recorded one raised the number."""
    recorded = case["migrator"]
    migration = PinMigration.parse("{}", name="hi")
    raise_by = recorded.get("bump_number", 0)
    assert raise_by == 0
    object.__setattr__(migration, "bump_number", raise_by)
    return PinRebuild(migration=migration).edit(feedstock_of(case))


def migrated(case: dict[str, Any]) -> Feedstock:
    kind = case["kind"]
    if kind in {"rebuild-pin", "legacy:rebuild-pin"}:
        return _pin_rebuild(case)
    riding = case["migrator"].get("piggy_back", [])
    if kind == "legacy:version+license":
        riding = [{"class": "LicenseMigrator"}]
    return carry(feedstock_of(case), [_leading(case), *map(_clean_up, riding)]).feedstock


def rule(case: dict[str, Any]) -> object:
    """Give what one of our pure rules answers, in the form in which it was recorded."""
    args, options = case["params"]["args"], case["params"]["kwargs"]
    match case["kind"]:
        case "fn:merge_migrator_cbc":
            return closed(args[1], PinMigration.parse(args[0], name="merged"))
        case "fn:all_noarch":
            return all_noarch(args[0]["meta_yaml"], **options)
        case "fn:get_levels":
            edges = args[0]["__digraph__"]["edges"]
            children: dict[str, list[str]] = {}
            for start, end in edges:
                children.setdefault(start, []).append(end)
            found = waves(children, args[1])
            return {str(level): {"__set__": nodes} for level, nodes in enumerate(found)}
        case "fn:is_version_ignored":
            return bool(why_ignored(args[0].get("conda-forge.yml", {}), args[1]))
        case "fn:next_version":
            return list(next_versions(args[0], letters=options.get("increment_alpha", False)))
    raise AssertionError(case["kind"])
