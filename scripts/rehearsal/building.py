"""Two people ask for one tree, and it is built while coordinator, bus and database are killed in turns."""

import os
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

from rehearsal.services import URL, Service
from rehearsal.telling import RehearsalError, demand, wait
from rehearsal.world import World

PEOPLE = ("ann", "bob")
_AWAY_SECONDS = 3.0
_LONGEST_SECONDS = 3600.0
_USE_IT = (
    "import importlib.metadata as m; print(', '.join(f'{{n}} {{m.version(n)}}' for n in {names!r}))"
)


class Tree:
    """One tree, asked for by two people."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asking: dict[str, subprocess.Popen[str]] = {}
        self._killed: dict[str, dict[str, tuple[str, int]]] = {}
        self._request = ""
        self._ended = -1

    def ask(self) -> str:
        """Have two people ask for the same at the same time."""
        world = self._world
        wanted = world.wanted
        words = ["build", *wanted.requirements]
        words += [word for target in wanted.targets for word in ("--target", target)]
        for person in PEOPLE:
            token = world.wheelyard("token", "create", person).strip()
            told = [*words, "--notify", f"mailto:{person}@example.org"]
            world.teller.say(f"{person}$ wheelyard {' '.join(told)}")
            log = (world.folder / f"{person}.log").open("w")
            self._asking[person] = subprocess.Popen(
                world.laptop.command(Path(sys.executable).parent / "wheelyard", *told),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                env=world.as_user(token),
            )
        wait(lambda: len(self._joined()) == len(PEOPLE), "both have asked", seconds=60)
        found = world.ask("GET", "/api/requests?state=open")["requests"]
        demand(len(found) == 1, f"there are {len(found)} requests in place of one")
        self._request = found[0]["id"]
        return f"request {self._request} is {found[0]['owner']}'s, and the other joined it"

    def _joined(self) -> list[str]:
        actions = [one["action"] for one in self._world.events()]
        return [one for one in actions if one in {"request.added", "request.joined"}]

    def kill(self, name: str) -> str:
        """Kill one of the services while builds run, and start it again."""
        world = self._world
        wait(self._busy, "builders build", seconds=900)
        before = world.busy()
        builds = ", ".join(f"{builder} runs {key[:8]}" for builder, (key, _) in before.items())
        world.teller.say(f"SIGKILL to the {name}, while {builds}")
        self._killed[name] = before
        services: dict[str, Service] = {
            "coordinator": world.coordinator,
            "bus": world.bus,
            "database": world.database,
        }
        service = services[name]
        service.kill()
        time.sleep(_AWAY_SECONDS)
        service.begin()
        took = world.coordinator.wait_until_there(seconds=60)
        lost = [one for one in world.builders.values() if not one.alive]
        demand(not lost, f"{[one.name for one in lost]} ended")
        state = world.request(self._request)["state"]
        demand(state == "open", f"the request was over ({state}): it was not in the middle")
        return f"{len(before)} builds ran; it was away for {_AWAY_SECONDS + took:.0f} s"

    def _busy(self) -> bool:
        state = self._world.request(self._request)["state"]
        if state != "open":
            raise RehearsalError(f"the request is {state} already")
        # What runs by then is not what ran when the last one was killed.
        ended = sum(one["action"] == "job.ended" for one in self._world.events())
        if ended <= self._ended or not self._world.busy():
            return False
        self._ended = ended
        return True

    def end(self) -> str:
        """Wait for the end, as both see it."""
        world = self._world
        state = world.end_of(self._request, seconds=_LONGEST_SECONDS)
        demand(state == "done", f"it is {state}: {world.request(self._request)['reason']}")
        for person, asking in self._asking.items():
            code = asking.wait(timeout=60)
            log = (world.folder / f"{person}.log").read_text()
            demand(code == 0, f"{person}'s command ended with {code}: {log[-600:]}")
        print((world.folder / "ann.log").read_text())
        return str(world.request(self._request)["reason"])

    def once(self) -> str:
        """See that every job has one result, that what ran while something was killed counts, and who built."""
        events = self._world.events()
        ended = [one for one in events if one["action"] == "job.ended"]
        built = Counter(one["subject"] for one in ended if one["detail"]["outcome"] == "built")
        twice = [key for key, count in built.items() if count > 1]
        demand(not twice, f"{len(twice)} jobs have two results")
        fences = {(one["subject"], one["detail"]["fence"]) for one in ended}
        for name, running in self._killed.items():
            cut = [builder for builder, lease in running.items() if lease not in fences]
            demand(not cut, f"what {cut} ran when the {name} was killed did not count")
        lost = [one for one in events if one["action"] in {"job.lost", "builder.lost"}]
        demand(not lost, f"{len(lost)} jobs or builders went lost though none died: {lost[:2]}")
        by = Counter(one["actor"] for one in ended if one["detail"]["outcome"] == "built")
        shares = ", ".join(f"{name} {count}" for name, count in by.most_common())
        return f"{len(built)} jobs built once each: {shares}"

    def mail(self) -> str:
        """See that both were told, once."""
        box = self._world.mailbox
        for person in PEOPLE:
            wait(partial(box.of, f"{person}@example.org"), f"{person} has mail", seconds=60)
        time.sleep(1)
        counts = {person: len(box.of(f"{person}@example.org")) for person in PEOPLE}
        demand(set(counts.values()) == {1}, f"mails: {counts}")
        return f"one mail each: {box.of('ann@example.org')[0]!r}"

    def install(self) -> str:
        """Install the tree on the laptop from the farm's index alone, and use it."""
        world = self._world
        target = world.wanted.targets[-1]
        environment = world.folder / "environment"
        names = tuple(line.partition("<")[0] for line in world.wanted.requirements)
        uv = Path(sys.executable).parent / "uv"
        own = world.wanted.pythons[target]
        clean = {
            key: text for key, text in os.environ.items() if not key.startswith(("PIP_", "UV_"))
        }
        clean |= {"PIP_CONFIG_FILE": os.devnull}
        python = environment / "bin" / "python"
        pip = (sys.executable, "-m", "pip", "--isolated", "--python", python, "install", "--quiet")
        options = ("--no-cache-dir", "--only-binary", ":all:", "--disable-pip-version-check")
        place = ("--index-url", f"{URL}/simple/", "--trusted-host", URL.split("/")[2].split(":")[0])
        said = ""
        commands: tuple[tuple[str | Path, ...], ...] = (
            (
                uv,
                "venv",
                "--quiet",
                "--no-project",
                "--no-config",
                "--python",
                own,
                environment,
            ),
            (*pip, *options, *place, *world.wanted.requirements),
            (python, "-c", _USE_IT.format(names=names)),
        )
        for command in commands:
            done = subprocess.run(
                world.laptop.command(*command),
                capture_output=True,
                text=True,
                env=clean,
                check=False,
            )
            demand(done.returncode == 0, f"{command[:4]}: {done.stderr[-400:]}")
            said = done.stdout.strip()
        return f"on {target}: {said}"
