"""Takes in the small files that come with a result, as if they had been uploaded before it.

What is stored is named by the bytes themselves. Where a result names something that is not there then,
bytes were changed on their way: it is not taken in, and its builder brings all of it by uploads.
"""

import hashlib
from collections import Counter
from contextlib import suppress

from wheelyard.coordinator.farm.care import Care
from wheelyard.coordinator.farm.speaking import Speaker
from wheelyard.errors import ConfigurationError
from wheelyard.farm_ports import FarmBlobs
from wheelyard.jobs.builder_life import UploadDamaged
from wheelyard.model.job import Limits, outputs_of
from wheelyard.protocol.messages import Result


class Enclosures:
    """Unpacks results."""

    def __init__(self, *, blobs: FarmBlobs, speaker: Speaker, care: Care) -> None:
        self._blobs = blobs
        self._speaker = speaker
        self._care = care
        self._damaged: Counter[str] = Counter()

    async def unpack(self, word: Result, limits: Limits) -> bool:
        """Store what came with a result; False where it is not what the result names, and is asked for."""
        if not word.enclosed:
            return True
        named = set(outputs_of(word.report))
        arrived = set()
        for content in word.enclosed:
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            if digest in named and len(content) <= max(limits.artifact_bytes, limits.log_bytes):
                await self._store(digest, content)
                arrived.add(digest)
        if len(arrived) == len(word.enclosed):
            self._damaged.pop(word.builder, None)
            return True
        self._damaged[word.builder] += 1
        with suppress(ConfigurationError):
            # It may be known no more.
            await self._care.apply(word.builder, UploadDamaged(times=self._damaged[word.builder]))
        reason = "files that came with it are not those that it names"
        await self._speaker.ask_to_upload(word.builder, word.key, word.fence, reason)
        return False

    async def _store(self, digest: str, content: bytes) -> None:
        async with self._blobs.receive(digest, size=len(content)) as incoming:
            await incoming.write(content)
            await incoming.keep()
