"""The first steps: hosts that reach each other as they should, the services, builders that join."""

from rehearsal.network import COORDINATOR, knows_the_gate, reaches
from rehearsal.services import URL
from rehearsal.telling import demand, wait
from rehearsal.world import NAMES, World


def hosts(world: World) -> str:
    """See who reaches whom."""
    knows_the_gate(world.laptop)
    translated = 0
    for builder in world.builders.values():
        host = builder.host
        world.teller.say(f"{host.name:9} {host.address:12} {' '.join(builder.pythons)}")
        demand(reaches(host, COORDINATOR), f"{host.name} does not reach the coordinator")
        demand(reaches(host, world.bus.host.address), f"{host.name} does not reach the bus")
        if host.translated:
            translated += 1
            demand(
                not reaches(world.laptop, host.address), f"{host.name} can be reached from outside"
            )
        demand(not reaches(host, "192.0.2.1"), f"{host.name} reaches the rest of the world")
    total = len(world.builders)
    return f"{total} builders reach the farm, {translated} of them nobody reaches"


def services(world: World) -> str:
    """Start database, bus and coordinator, in the order of docs/how-to/run-a-farm.md."""
    world.database.prepare()
    world.database.begin()
    world.bus.prepare()
    # The farm writes who may connect to the bus before it connects, and fails the first time.
    world.coordinator.begin()
    wait(world.bus.accounts.exists, "the farm wrote the accounts of the bus", seconds=60)
    world.bus.begin()

    def there() -> bool:
        if not world.coordinator.alive:
            world.coordinator.begin()
        return world.coordinator.answers()

    wait(there, "the coordinator answers", seconds=60)
    wait(lambda: world.coordinator.said("token "), "the coordinator printed a token", seconds=30)
    world.token = world.coordinator.token()
    return f"PostgreSQL on {world.database.host.address}, nats-server on {world.bus.host.address}, {URL}"


def builders(world: World) -> str:
    """Enrol five builders with a code each."""
    for name in NAMES:
        code = world.wheelyard("builder", "enrol", "--owner", f"owner-of-{name}", "--name", name)
        world.builders[name].start(code.strip())
    for name, builder in world.builders.items():

        def there(name: str = name) -> bool:
            listed = world.ask("GET", "/api/builders")["builders"]
            return any(one["name"] == name and one["present"] for one in listed)

        wait(there, f"{name} is there ({builder.tail()[-300:]})", seconds=120)
    for name in NAMES:
        facts = world.builder(name)["facts"]
        demand(set(facts["python"]) == set(world.builders[name].pythons), f"{name}: {facts}")
    print(world.wheelyard("builder", "list"))
    return f"{len(NAMES)} builders are there, each with its own Pythons"
