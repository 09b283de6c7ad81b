"""A farm with releases, failures and hostile texts in it, for pages to show."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from store.things import built, ended, offer, wheel
from web.place import Place
from wheelyard.farm_ports import Terms
from wheelyard.jobs.selection import Selection
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import BuildKey, Outcome, Report
from wheelyard.model.request import Kind, Request, RequestId
from wheelyard.targets.target import Target

HOSTILE = '<script>alert("x")</script><img src=//evil.example/x.png onerror=alert(1)>'
PLATFORMS = ("manylinux_2_28_x86_64", "musllinux_1_2_aarch64")
TARGETS = tuple(
    Target.parse(f"{python}-{platform}")
    for platform in PLATFORMS
    for python in ("cp39", "cp312", "cp313t")
)
FAILED = ended(Outcome.FAILED, f"Python.h not found {HOSTILE}")


class Filled:
    """Does things on a farm, one job at a time."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._numbers = count(1)

    async def submit(
        self, release: str, target: Target = TARGETS[0], *, owner: str = "ann", request: str = "r1"
    ) -> BuildKey:
        """Let a job wait."""
        self.place.clock.advance(1)
        wanted = offer(f"{next(self._numbers):040x}", release, target)
        terms = Terms(owner=owner, pool="any", needs={}, rank=0, request=RequestId(request))
        await self.place.ports.queue.submit(wanted, terms)
        return wanted.key

    async def end(
        self,
        release: str,
        report: Report,
        target: Target = TARGETS[0],
        *,
        owner: str = "ann",
        request: str = "r1",
    ) -> BuildKey:
        """Let a job be tried and end."""
        key = await self.submit(release, target, owner=owner, request=request)
        return await self.tell(key, report, owner=owner)

    async def tell(self, key: BuildKey, report: Report, *, owner: str = "ann") -> BuildKey:
        """Let a job that waits be tried and end."""
        self.place.clock.advance(60)
        (queued, lease), *_ = await self.place.ports.queue.lease_next(
            {"any": ()}, "arm-1", owners=[owner], count=1, seconds=600
        )
        assert queued.job.key == key
        assert await self.place.jobs.finish(key, lease.fence, report)
        return key

    async def build(self, release: str, target: Target = TARGETS[0], **more: str) -> BuildKey:
        """Let a job be built, and its wheel be published."""
        digest = await self.place.ports.blobs.add_bytes(metadata(release))
        made = replace(
            wheel(release, f"{release} {target}"),
            filename=f"{release.replace('==', '-')}-{target.interpreter}-none-{target.platform}.whl",
            size=100_000 + 1000 * next(self._numbers),
            metadata_digest=digest,
            target=target,
            tags=frozenset(),
        )
        report = replace(
            built(made), cpu_seconds=40.0, log_bytes=1000, system_libraries=("libssl3", "libffi8")
        )
        key = await self.end(release, report, target, **more)
        await self.publish(replace(made, build_key=key))
        return key

    async def publish(self, artifact: Artifact) -> None:
        """Let the index have a file."""
        await self.place.ports.artifacts.publish(artifact)

    async def request(self, name: str, summary: str) -> Request:
        """Let somebody have asked for something."""
        request = Request(
            id=RequestId(name),
            kind=Kind.WHEELS,
            owner="ann",
            text=b"{}",
            digest=name,
            summary=summary,
            created=self.place.clock.now(),
        )
        return await self.place.ports.requests.add(request, ())


def metadata(release: str) -> bytes:
    """Return the METADATA of a project whose author is hostile."""
    name, version = release.split("==")
    return (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {HOSTILE}\n"
        f"Description-Content-Type: text/markdown\n\n# {name}\n\n{HOSTILE}\n\x1b[31mred\n"
    ).encode()


async def filled(place: Place, targets: Sequence[Target] = TARGETS) -> Filled:
    """Fill a farm: two releases of numpy, of which the newer fails in one place, and some others."""
    farm = Filled(place)
    for target in targets:
        await farm.build("numpy==1.9", target)
    for target in targets[1:]:
        await farm.build("numpy==1.10", target)
    await farm.end("numpy==1.10", FAILED, targets[0])
    await farm.end("attrs==23.1", ended(Outcome.TIMED_OUT, "no output for an hour"), targets[1])
    flaky = await farm.end("six==1.17", FAILED, owner="bob")
    await place.jobs.retry(Selection(keys=(flaky,)))
    await farm.tell(flaky, built(wheel("six==1.17", "six")), owner="bob")
    await farm.submit("zope-interface==6.0", targets[2])
    place.app.site.figures.forget()
    return farm
