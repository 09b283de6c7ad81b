"""Any message that there can be, made from its type, and one of each to compare with what was written once."""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from packaging.tags import Tag
from packaging.version import Version

from store.things import TARGET, built, digest_of, wheel
from wheelyard.model.artifact import InputWheel, Origin
from wheelyard.model.builder import Facts, Health, Mode, Running
from wheelyard.model.caught import Caught
from wheelyard.model.job import BuildKey, Offer
from wheelyard.model.reach import Reach
from wheelyard.model.recipe import Patch, Recipe
from wheelyard.model.release import Release, project_name
from wheelyard.model.source import Source, SourceKind
from wheelyard.protocol.messages import (
    Assignment,
    Order,
    Presence,
    Result,
    Returned,
    SetMode,
    Settled,
    Stop,
    Upload,
    Word,
)
from wheelyard.targets.target import Target

_PROJECTS = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?", fullmatch=True)
NAMED = ("key", "builder", "session", "filename", "step")
NAMES = st.text(max_size=20).filter(str.isprintable)
_TARGETS = ("cp312-manylinux_2_28_x86_64", "cp37m-linux_armv6l", "cp313t-win_amd64")

LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    bytes: st.binary(max_size=20),
    bool: st.booleans(),
    int: st.integers(min_value=-(2**63), max_value=2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    Version: st.sampled_from([Version("1.0"), Version("2!1.0rc1.post2.dev3+local.4")]),
    Tag: st.sampled_from([Tag("py3", "none", "any"), Tag("cp312", "abi3", "linux_riscv64")]),
    Target: st.sampled_from([Target.parse(text) for text in _TARGETS]),
    Reach: st.builds(
        Reach,
        platform=NAMES,
        architecture=st.sampled_from(["aarch64", "wasm32", "of nobody"]),
        build=st.sampled_from(["manylinux_2_36_x86_64", "linux_armv7l"]),
        pythons=st.lists(st.text(max_size=5), max_size=2).map(tuple),
        tag=st.text(max_size=20),
        any_floor=st.booleans(),
        emulates=st.booleans(),
        toolchain=st.text(max_size=20),
        compilers=st.text(max_size=20),
    ),
    Release: st.builds(
        Release, _PROJECTS.map(project_name), st.sampled_from([Version("1.0"), Version("0")])
    ),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Every value of a type that a message may hold."""
    if isinstance(hint, NewType):
        return values(hint.__supertype__)
    if hint in LEAVES:
        return LEAVES[hint]
    if hint is type(None):
        return st.none()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        parts = {
            field.name: NAMES if field.name in NAMED else values(hints[field.name])
            for field in fields(hint)
        }
        make: Callable[..., Any] = hint
        return st.builds(make, **parts)
    return _GENERICS[get_origin(hint)](get_args(hint))


def _tuples(args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if args[-1] is Ellipsis:
        return st.lists(values(args[0]), max_size=3).map(tuple)
    return st.tuples(*map(values, args))


def _unions(args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.one_of(*map(values, args))


_GENERICS: dict[Any, Callable[[tuple[Any, ...]], st.SearchStrategy[Any]]] = {
    tuple: _tuples,
    frozenset: lambda args: st.frozensets(values(args[0]), max_size=3),
    Mapping: lambda args: st.dictionaries(values(args[0]), values(args[1]), max_size=3),
    Union: _unions,
    types.UnionType: _unions,
}

_OFFER = Offer(
    key=BuildKey("k1"),
    release=Release.parse("six==1.17.0"),
    source=Source(
        kind=SourceKind.SDIST,
        location="https://files.test/six-1.17.0.tar.gz",
        digest=digest_of("six"),
        uploaded=datetime(2024, 12, 4, 17, 35, tzinfo=UTC),
    ),
    target=TARGET,
    requirements=(
        InputWheel(
            filename="setuptools-80.9.0-py3-none-any.whl",
            digest=digest_of("setuptools"),
            release=Release.parse("setuptools==80.9.0"),
            origin=Origin.SEED,
        ),
    ),
    recipe=Recipe(
        patches=(Patch(name="a.patch", text="--- a\n+++ b\n"),),
        environment={"CFLAGS": "-O2"},
        config_settings={"opt": ("a", "b"), "x": "y"},
        imports=(),
    ),
    attempt=2,
    fence=7,
)

ONE_OF_EACH: dict[str, Order | Word] = {
    "assignment": Assignment(offer=_OFFER, token="t.secret", lease_seconds=60.0),
    "stop": Stop(key=BuildKey("k1"), fence=7, reason="cancelled by alice"),
    "settled": Settled(key=BuildKey("k1"), fence=7, accepted=False, reason="came too late"),
    "upload": Upload(key=BuildKey("k1"), fence=7, reason="not what it names"),
    "set-mode": SetMode(mode=Mode.PAUSED, reason="a new disk"),
    "presence": Presence(
        builder="arm-1",
        session="s1",
        facts=Facts(
            version="0.1",
            slots=4,
            values=(("os", "linux"), ("python", ("cp311", "cp312")), ("cores", 4), ("load", 0.5)),
            reaches=(
                Reach(
                    platform="aarch64",
                    architecture="aarch64",
                    build="manylinux_2_36_x86_64",
                    pythons=("3.11",),
                    emulates=True,
                    toolchain="aarch64 0123",
                    compilers="GNU compilers for aarch64-linux-gnu",
                ),
            ),
        ),
        health=Health(well=False, reason="its disk is full", load=3.5, free_disk_bytes=12),
        running=(
            Running(
                key=BuildKey("k1"),
                fence=7,
                step="build",
                seconds=3.5,
                caught=Caught(calls=9, compiled=4, failed=1, what="src/x.c"),
            ),
        ),
        free=3,
    ),
    "result": Result(
        builder="arm-1",
        key=BuildKey("k1"),
        fence=7,
        # Of a set of tags the order is nobody's business, so that one is all that can be compared.
        report=built(replace(wheel(key="k1"), tags=frozenset({Tag("py3", "none", "any")}))),
    ),
    "returned": Returned(builder="arm-1", key=BuildKey("k1"), fence=7, reason="it is leaving"),
}
