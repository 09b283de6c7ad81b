"""A migration as conda-forge's status page tells it: lists by state, and the children of each package."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from wheelyard.errors import ConfigurationError
from wheelyard.migrate.membership import LeftOut, Membership, Rank
from wheelyard.migrate.states import Evidence, Offered

_DONE = Evidence(offered=Offered.MERGED, migrated=True, published=True)
_OPEN = Evidence(offered=Offered.OPEN)


class _Feedstock(msgspec.Struct):
    immediate_children: list[str] = []
    pr_url: str = ""


class _Page(msgspec.Struct, rename={"in_pr": "in-pr", "not_solvable": "not-solvable"}):
    done: list[str] = []
    in_pr: list[str] = []
    not_solvable: list[str] = []
    feedstocks: dict[str, _Feedstock] = msgspec.field(
        name="_feedstock_status", default_factory=dict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaStatus:
    """What such a page says. Children without an entry are archived. ``proposals``: addresses by package."""

    members: Membership
    evidence: Mapping[str, Evidence]
    proposals: Mapping[str, str]


def read_status(content: bytes, named: str) -> CondaStatus:
    """Read the JSON of such a page; ``named`` is what people know it by. Raises ConfigurationError."""
    try:
        page = msgspec.json.decode(content, type=_Page)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{named} is no status of a migration: {error}",
            hint="Give the JSON that conda-forge's status page has of one.",
        ) from error
    parents: dict[str, set[str]] = {name: set() for name in sorted(page.feedstocks)}
    gone: dict[str, LeftOut] = {}
    for name, told in page.feedstocks.items():
        for child in told.immediate_children:
            if child not in parents:
                gone[child] = LeftOut.ARCHIVED
            elif child != name:
                parents[child].add(name)
    evidence = {
        **dict.fromkeys(page.done, _DONE),
        **dict.fromkeys(page.in_pr, _OPEN),
        **dict.fromkeys(page.not_solvable, Evidence(not_solvable="its requirements cannot be met")),
    }
    return CondaStatus(
        members=Membership(
            parents={node: tuple(sorted(of_node)) for node, of_node in parents.items()},
            ranks={(one, node): Rank.BUILD for node, of_node in parents.items() for one in of_node},
            left_out=dict(sorted(gone.items())),
        ),
        evidence={name: known for name, known in evidence.items() if name in parents},
        proposals={name: told.pr_url for name, told in page.feedstocks.items() if told.pr_url},
    )
