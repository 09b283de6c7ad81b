"""Which forge is meant by what people write, and where its token comes from."""

from pathlib import Path

import pytest

from forge.github_hub import TOKEN
from forge.test_forge import FILES, draft
from forge.worlds import GitHubWorld, GitWorld
from wheelyard.campaign_ports import CampaignName
from wheelyard.campaigns.pin_watch import PinRules
from wheelyard.errors import ConfigurationError
from wheelyard.forge.dry import DryRunForge
from wheelyard.migrate.states import State
from wheelyard.wiring.campaigns import open_workplace
from wheelyard.wiring.forges import ForgeSettings, open_forge

pytestmark = pytest.mark.anyio


async def test_a_folder_is_a_forge_and_a_dry_run_stands_before_it(tmp_path: Path) -> None:
    world, told = GitWorld(tmp_path / "forge"), list[str]()
    base = world.create("six", FILES)
    async with open_forge(ForgeSettings(where=str(world.folder)), dry_run=told.append) as forge:
        assert isinstance(forge, DryRunForge)
        await forge.propose(draft(world, base))
    async with open_forge(ForgeSettings(where=str(world.folder))) as forge:
        assert await forge.repositories() == ("six",)
        assert await forge.proposals("six") == []
    assert len(told) == 1


@pytest.mark.parametrize("by_file", [True, False])
async def test_github_is_asked_with_the_token_of_a_file_or_the_environment(
    tmp_path: Path, by_file: bool
) -> None:
    world = GitHubWorld(tmp_path / "github")
    base = world.create("six", FILES)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    settings = ForgeSettings(where="github:feedstocks/*", token_file=file if by_file else None)
    variables = {"GITHUB_API_URL": world.hub.url} | ({} if by_file else {"GITHUB_TOKEN": TOKEN})
    async with open_forge(settings, environment=variables) as forge:
        assert await forge.repositories() == ("feedstocks/six",)
        assert await forge.tip("feedstocks/six") == base
    assert TOKEN not in repr(settings)
    await world.close()


PINS = """\
__migrator:
  build_number: 1
  kind: version
  migration_number: 1
migrator_ts: 1700000000.0
openssl:
- '3'
"""


@pytest.mark.parametrize("dry", [True, False])
async def test_a_campaign_runs_on_github_as_on_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dry: bool
) -> None:
    world, told = GitHubWorld(tmp_path / "github"), list[str]()
    recipe = "package:\n  name: six\n  version: '1'\nbuild:\n  number: 0\nrequirements:\n  host:\n    - openssl\n"
    world.create("six-feedstock", {"recipe/meta.yaml": recipe.encode()})
    world.create("pinning", {"recipe/migrations/openssl3.yaml": PINS.encode()})
    monkeypatch.setenv("GITHUB_API_URL", world.hub.url)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    feedstocks = Path("github:feedstocks/*")
    async with open_workplace(
        feedstocks, state=tmp_path / "state", dry_run=told.append if dry else None
    ) as place:
        watching = place.watching("feedstocks/pinning", PinRules(builds=False), told.append)
        await watching.look()
        running = await place.campaigns.campaign(CampaignName("openssl3"))
    assert {name: one.state for name, one in running.members.items()} == {"six": State.PROPOSED}
    await world.close()
    if dry:
        assert (world.hub.pulls, len(told)) == ([], 1)
        return
    assert [(pull.branch, pull.labels) for pull in world.hub.pulls] == [
        ("wheelyard/openssl3", ["openssl3"])
    ]


@pytest.mark.parametrize("where", ["github:a/b", "/nowhere/at/all"])
async def test_what_is_no_forge_or_has_no_token_is_said(where: str) -> None:
    with pytest.raises(ConfigurationError):
        async with open_forge(ForgeSettings(where=where), environment={}):
            raise AssertionError
