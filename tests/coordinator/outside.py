"""What a farm has others do: send letters, and look at wheels."""

from wheelyard.errors import WheelyardError
from wheelyard.model.artifact import Artifact
from wheelyard.model.job import Offer


class Letters:
    """A notifier that keeps what it is given; ``broken`` makes it fail so often."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.failures: list[WheelyardError] = []

    async def send(self, address: str, subject: str, body: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((address, subject, body))


class Looks:
    """An inspector that believes what it is told, but for what is in ``faults`` by project."""

    def __init__(self) -> None:
        self.faults: dict[str, WheelyardError] = {}

    async def inspect(self, artifact: Artifact, offer: Offer) -> Artifact:
        if offer.release.project in self.faults:
            raise self.faults[offer.release.project]
        return artifact
