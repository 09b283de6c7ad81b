"""What a migrator is: a rule that says which recipes want a change, and makes it.

A migrator is a small frozen class. Its fields are its options; each has a type of which text can be
made (``str``, ``int``, ``bool``, ``tuple[str, ...]``), so that a command line and a campaign's record
can name it: ``replacement:old=matplotlib,new=matplotlib-base``.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import ClassVar, Protocol, get_type_hints, runtime_checkable

from wheelyard.errors import ConfigurationError, nearest
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.recipes.answers import Answers


@runtime_checkable
class Migrator(Protocol):
    """A rule and its edit. ``edit`` is only asked of a feedstock that ``wants`` it.

    ``edit`` raises RefusedEditError where it finds that it cannot keep what it promises, and says
    why; what it gives differs from what it got.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether a feedstock is in need of this change."""
        ...

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Give the feedstock with the change made."""
        ...


class CleanUp:
    """A change that rides with another, never alone: it leaves the build number as it is.

    ``after`` says whether it looks at the recipe before or after the change that it rides with.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    after: ClassVar[bool] = False
    forms: ClassVar[tuple[int, ...]] = (0,)
    """Which schemas of recipes it knows: 0 is ``meta.yaml``, 1 is ``recipe.yaml``."""

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether a feedstock is in need of this change."""
        return self.knows(feedstock) and self.edit(feedstock) != feedstock

    def knows(self, feedstock: Feedstock) -> bool:
        """Say whether it knows this schema of recipes."""
        return int(feedstock.is_v1) in self.forms

    @property
    def wants_what_it_edits(self) -> bool:
        """Whether nothing but the edit itself says who wants it."""
        return type(self).wants is CleanUp.wants

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Give the feedstock with the change made."""
        raise NotImplementedError


def make(kind: type, options: Mapping[str, str], *, answers: Answers | None = None) -> Migrator:
    """Make a migrator of its class and of options as text; ``answers`` goes to one that asks the network.

    Raises ConfigurationError where an option is unknown, missing or not of its type.
    """
    name = getattr(kind, "name", kind.__name__)
    hints = get_type_hints(kind)
    known = {each.name: each for each in fields(kind)} if is_dataclass(kind) else {}
    for option in options:
        if option not in known:
            raise ConfigurationError(
                f"migrator {name!r} has no option {option!r}",
                hint=nearest(option, known) or _options(known),
            )
    missing = [
        each.name
        for each in known.values()
        if each.name not in options and each.default is MISSING and each.default_factory is MISSING
    ]
    if missing:
        raise ConfigurationError(
            f"migrator {name!r} wants {' and '.join(missing)}",
            hint=f"For example {name}:{','.join(f'{each}=…' for each in missing)}.",
        )
    values = {option: _value(name, option, text, hints[option]) for option, text in options.items()}
    if answers is not None and "answers" in known:
        values["answers"] = answers
    made: Migrator = kind(**values)
    return made


def options_of(kind: type) -> tuple[str, ...]:
    """Give the options that text can set, those that must be given without a bracket."""
    return tuple(
        each.name
        if each.default is MISSING and each.default_factory is MISSING
        else f"[{each.name}]"
        for each in (fields(kind) if is_dataclass(kind) else ())
        if each.name != "answers"
    )


def _options(known: Mapping[str, object]) -> str:
    return f"Its options are {', '.join(known)}." if known else "It has no options."


_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _value(name: str, option: str, text: str, kind: object) -> object:
    if kind is str or kind == str | None:
        return text
    if kind is bool and text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    if kind is int and text.lstrip("-").isdigit():
        return int(text)
    if kind == tuple[str, ...]:
        return tuple(word for word in text.split("+") if word)
    wanted = {bool: "yes or no", int: "a whole number"}.get(kind)  # type: ignore[call-overload]
    raise ConfigurationError(
        f"migrator {name!r}: {option!r} is {text!r}",
        hint=f"It wants {wanted}." if wanted else "It cannot be given as text.",
    )


def parse_reference(text: str) -> tuple[str, dict[str, str]]:
    """Read ``name`` or ``name:option=value,option=value``. Raises ConfigurationError."""
    name, _, rest = text.partition(":")
    options: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        option, equals, value = part.partition("=")
        if not equals:
            raise ConfigurationError(
                f"{part!r} in {text!r} has no value",
                hint="Write name:option=value,option=value.",
            )
        options[option.strip().replace("-", "_")] = value.strip()
    return name.strip(), options
