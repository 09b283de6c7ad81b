"""``wheelyard build --git --farm``: a command on a repository's tree, run by a farm."""

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.cli import request as words
from wheelyard.cli.display.console import results, say
from wheelyard.cli.display.events import JsonDisplay, encode
from wheelyard.cli.farm_build import FarmBuild
from wheelyard.cli.farm_options import FarmClient
from wheelyard.cli.tree import TreeSelection, copy_out, print_end, request_of
from wheelyard.cli.watching import Watched, bring, submit, watch
from wheelyard.model.artifact import Artifact
from wheelyard.model.request import Kind
from wheelyard.protocol.commands import CommandWanted, encode_command
from wheelyard.upstream.address import path_of, url_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmTree:
    """What is wanted of a farm: the shared options of ``build``, and those of a command."""

    shared: FarmBuild
    tree: TreeSelection

    async def carry_out(self, client: FarmClient) -> bool:
        """Ask, watch to the end, and say whether the archive is there."""
        asked = encode_command(self._wanted())
        made = await submit(client, Kind.COMMAND, asked, self.shared.telling)
        watched = await watch(client, made, self.shared.display)
        ended = watched.command
        artifact = None if ended is None else ended.artifact
        if artifact is not None and self.shared.output is not None:
            await _bring_home(client, artifact, self.shared.output)
        self._tell(watched)
        return watched.request.get("state") == "done"

    def _wanted(self) -> CommandWanted:
        asked = request_of(self.tree)
        given = {field.name: getattr(asked, field.name) for field in fields(asked)}
        path = path_of(asked.repository)
        if path is not None:
            # As the farm will read it, if it is on the same machine and lets it be asked for.
            given["repository"] = url_of(path.expanduser())
        return CommandWanted(
            **given,
            check_reproducible=self.shared.selection.check_reproducible,
            rebuild=self.shared.selection.rebuild,
            channel=self.tree.channel,
            limits=words.limits(self.shared.selection),
        )

    def _tell(self, watched: Watched) -> None:
        if isinstance(self.shared.display, JsonDisplay):
            if watched.command is not None:
                self.shared.display.write(encode(watched.command))
            return
        if watched.command is not None:
            print_end(watched.command, self.shared.output)
        said = f"{watched.request['state']}: {watched.request['reason']}"
        say(results(), f"request {watched.request['id']} is {said}")


async def _bring_home(client: FarmClient, artifact: Artifact, output: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="wheelyard-") as folder:
        blobs = FolderBlobs(Path(folder), flush=False)
        await bring(client, blobs, artifact.digest)
        await copy_out(blobs, artifact, output)
