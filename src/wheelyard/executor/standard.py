"""The parts that every executor works with: how sources are unpacked and wheels are proven."""

from functools import cache
from pathlib import Path

from wheelyard.executor.checks import CheckPolicy, check_wheel
from wheelyard.executor.normalise import normalise_wheel
from wheelyard.executor.parts import Parts
from wheelyard.executor.repair import repair_wheel
from wheelyard.executor.system_libraries import dpkg_owner, system_libraries
from wheelyard.executor.unpack import UnpackLimits, unpack_source
from wheelyard.executor.wheel_content import Content
from wheelyard.executor.wheelfile import WheelFacts, import_names, inspect_wheel
from wheelyard.jobs.reasons import reason_of
from wheelyard.model.job import Finding, Limits, Offer
from wheelyard.targets.target import Target

_EMPTY = "platform-tag-without-binary"
"""What a recipe says is right where it says that nothing compiled is wanted."""


def standard_parts(policy: CheckPolicy) -> Parts:
    """Return the parts, with a policy of what findings do to a wheel."""

    def unpack(archive: Path, into: Path, *, limits: Limits, name: str) -> Path:
        most = UnpackLimits(total_bytes=limits.disk_bytes)
        return unpack_source(archive, into, limits=most, name=name)

    def repair(wheel: Path, out_dir: Path, target: Target, libraries: tuple[Path, ...]) -> Path:
        return repair_wheel(wheel, out_dir, target=target, libraries=libraries).path

    def check(wheel: Path, facts: WheelFacts, offer: Offer) -> tuple[Finding, ...]:
        found = check_wheel(
            wheel,
            facts,
            target=offer.target,
            upstream_filename=offer.upstream_filename,
            upstream_files=offer.upstream_files,
            upstream_portable=offer.upstream_portable,
            policy=policy,
        )
        return tuple(one for one in found if one.check != _EMPTY or not offer.recipe.pure)

    def normalise(wheel: Path, epoch: int) -> dict[str, Content]:
        return normalise_wheel(wheel, epoch=epoch)

    return Parts(
        unpack=unpack,
        inspect=inspect_wheel,
        repair=repair,
        normalise=normalise,
        import_names=import_names,
        check=check,
        reason=reason_of,
        libraries=_libraries,
    )


def _libraries(wheel: Path) -> tuple[str, ...]:
    found = system_libraries(wheel, owner_of=_owner)
    return (*found.packages, *(f"{name} (missing)" for name in found.missing))


@cache
def _owner(path: Path) -> tuple[str, ...]:
    """Ask the package manager once about each library."""
    return dpkg_owner(path)
