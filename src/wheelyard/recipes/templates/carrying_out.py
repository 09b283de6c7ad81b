"""Statements of Jinja, carried out in order."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace

from wheelyard.recipes.templates.bounds import (
    LONGEST,
    MOST_ITEMS,
    Budget,
    TemplateError,
    bounded,
    shown,
)
from wheelyard.recipes.templates.expressions import Expressions, Scope
from wheelyard.recipes.templates.missing import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The text that a template gave, what it left set, and where each piece came from."""

    text: str
    names: Mapping[str, object]
    places: tuple[tuple[int, int], ...] = field(repr=False)

    def line_of(self, line: int) -> int:
        """Give the line of the template that a line of the text came from; both from 1."""
        offset = 0
        for _ in range(line - 1):
            offset = self.text.find("\n", offset) + 1
        at = bisect_right([place for place, _ in self.places], offset) - 1
        if at < 0:
            return line
        place, source = self.places[at]
        return source + self.text.count("\n", place, offset)


class Carrying:
    """One carrying out of one template."""

    def __init__(
        self, *, environment: SandboxedEnvironment, names: Mapping[str, object],
        budget: Budget | None = None, filters: Mapping[str, Callable[..., object]] | None = None,
    ) -> None:  # fmt: skip
        self.expressions = Expressions(
            environment=environment, names=names, budget=budget or Budget(), filters=filters
        )
        self._pieces: list[str] = []
        self._length = 0
        self._places: list[tuple[int, int]] = []
        self._depth = 0

    def render(self, template: nodes.Template) -> Rendered:
        """Carry out a whole template. Raises TemplateError with a line."""
        try:
            self._all(template.body)
        except RecursionError:
            raise TemplateError("the template calls itself without an end") from None
        return Rendered(
            text="".join(self._pieces),
            names=self.expressions.scopes[0],
            places=tuple(self._places),
        )

    def _all(self, body: Iterable[nodes.Node]) -> None:
        for node in body:
            self._one(node)

    def _one(self, node: nodes.Node) -> None:  # noqa: C901, PLR0912 - one case a statement
        self.expressions.budget.spend()
        match node:
            case nodes.Output():
                self._output(node)
            case nodes.Assign():
                self._assign(node.target, self.expressions.value(node.node))
            case nodes.If():
                self._if(node)
            case nodes.For():
                self._for(node)
            case nodes.Macro():
                self.expressions.scopes[-1][node.name] = self._macro(node)
            case nodes.AssignBlock():
                held: object = self._aside(node.body)
                if node.filter is not None:
                    held = self._through(node.filter, held)
                self._assign(node.target, bounded(held))
            case nodes.With():
                self._with(node)
            case (
                nodes.Scope()
                | nodes.Block()
                | nodes.EvalContextModifier()
                | nodes.ScopedEvalContextModifier()
            ):
                self._all(getattr(node, "body", ()))
            case nodes.FilterBlock():
                self._write(shown(self._through(node.filter, self._aside(node.body))), node.lineno)
            case nodes.CallBlock():
                self._call_block(node)
            case nodes.Import():
                self.expressions.scopes[-1][node.target] = _anything
            case nodes.FromImport():
                for name in node.names:
                    self.expressions.scopes[-1][name if isinstance(name, str) else name[1]] = (
                        _anything
                    )
            case nodes.ExprStmt():
                self.expressions.value(node.node)
            case nodes.Include() | nodes.Extends():
                pass  # another file, which is not here
            case _:
                raise TemplateError(f"{type(node).__name__} is not known here", line=node.lineno)

    def _write(self, text: str, line: int) -> None:
        if text:
            self._places.append((self._length, line))
            self._pieces.append(text)
            self._length += len(text)
            if self._length > LONGEST:
                raise TemplateError(
                    f"the template gives more than {LONGEST:,} characters", line=line
                )

    def _output(self, node: nodes.Output) -> None:
        for one in node.nodes:
            if isinstance(one, nodes.TemplateData):
                self._write(one.data, one.lineno)
            else:
                self._write(shown(self.expressions.value(one)), one.lineno)

    def _assign(self, target: nodes.Node, held: object) -> None:
        scope = self.expressions.scopes[-1]
        if isinstance(target, nodes.Name):
            scope[target.name] = held
        elif isinstance(target, nodes.NSRef):
            space = self.expressions.look_up(target.name)
            if isinstance(space, Namespace):
                space[target.attr] = held
        elif isinstance(target, nodes.Tuple):
            held_items = list(held) if not isinstance(held, Missing) else []  # type: ignore[call-overload]
            held_items += [Missing()] * (len(target.items) - len(held_items))
            for one, item in zip(target.items, held_items, strict=False):
                self._assign(one, item)

    def _if(self, node: nodes.If) -> None:
        for branch in (node, *node.elif_):
            if self.expressions.value(branch.test):
                self._all(branch.body)
                return
        self._all(node.else_)

    def _for(self, node: nodes.For) -> None:
        held = self.expressions.value(node.iter)
        items = [] if isinstance(held, Missing) else _listed(held, node.lineno)
        scopes = self.expressions.scopes
        if node.test is not None:
            kept = []
            for item in items:
                scopes.append({})
                self._assign(node.target, item)
                if self.expressions.value(node.test):
                    kept.append(item)
                scopes.pop()
            items = kept
        if not items:
            self._all(node.else_)
            return
        self.expressions.budget.spend(len(items) // 8)
        for index, item in enumerate(items):
            self.expressions.budget.spend(4)
            scopes.append({"loop": _loop(items, index)})
            self._assign(node.target, item)
            self._all(node.body)
            scopes.pop()

    def _with(self, node: nodes.With) -> None:
        values = [self.expressions.value(one) for one in node.values]
        self.expressions.scopes.append({})
        for target, held in zip(node.targets, values, strict=True):
            self._assign(target, held)
        self._all(node.body)
        self.expressions.scopes.pop()

    def _aside(self, body: Iterable[nodes.Node]) -> str:
        """Carry out a body and give its text instead of writing it."""
        pieces, length, places = self._pieces, self._length, self._places
        self._pieces, self._length, self._places = [], 0, []
        try:
            self._all(body)
            return "".join(self._pieces)
        finally:
            self._pieces, self._length, self._places = pieces, length, places

    def _through(self, node: nodes.Filter, held: object) -> object:
        if node.node is not None:
            assert isinstance(node.node, nodes.Filter)
            held = self._through(node.node, held)
        return self.expressions.filtered(node, held)

    def _macro(self, node: nodes.Macro) -> Callable[..., str]:
        names = [one.name for one in node.args]
        defaults = dict(zip(names[len(names) - len(node.defaults) :], node.defaults, strict=True))

        def call(*given: object, **named: object) -> str:
            self._depth += 1
            if self._depth > 100:  # noqa: PLR2004 - deeper than any recipe
                raise TemplateError(f"the macro {node.name!r} calls itself without an end")
            scope: Scope = {
                "varargs": given[len(names) :],
                "kwargs": named,
                "caller": named.get("caller", Missing()),
            }
            kept, self.expressions.scopes = (
                self.expressions.scopes,
                [self.expressions.scopes[0], scope],
            )
            try:
                for at, name in enumerate(names):
                    if at < len(given):
                        scope[name] = given[at]
                    elif name in named:
                        scope[name] = named[name]
                    else:
                        scope[name] = (
                            self.expressions.value(defaults[name])
                            if name in defaults
                            else Missing(name)
                        )
                return self._aside(node.body)
            finally:
                self.expressions.scopes = kept
                self._depth -= 1

        return call

    def _call_block(self, node: nodes.CallBlock) -> None:
        function = self.expressions.value(node.call.node)
        given, named = self.expressions.arguments(node.call)
        if callable(function):
            answer = function(*given, **named, caller=lambda *_: bounded(self._aside(node.body)))
            self._write(shown(bounded(answer)), node.lineno)


def _anything(*_given: object, **_named: object) -> Missing:
    """Stand for what another file would define."""
    return Missing()


def _listed(held: object, line: int) -> list[object]:
    items: list[object] = []
    try:
        for one in held:  # type: ignore[attr-defined]
            items.append(one)
            if len(items) > MOST_ITEMS:
                raise TemplateError(f"the loop goes over more than {MOST_ITEMS:,} items", line=line)
    except TypeError as error:
        raise TemplateError(str(error), line=line) from error
    return items


@dataclass(frozen=True, kw_only=True)
class _Loop:
    """What ``loop`` says inside a ``for``."""

    index: int
    index0: int
    revindex: int
    revindex0: int
    first: bool
    last: bool
    length: int
    previtem: object
    nextitem: object

    def cycle(self, *items: object) -> object:
        """Give one of the items, in turn."""
        return items[self.index0 % len(items)]


def _loop(items: list[object], index: int) -> _Loop:
    count = len(items)
    return _Loop(
        index=index + 1, index0=index, revindex=count - index, revindex0=count - index - 1,
        first=index == 0, last=index == count - 1, length=count,
        previtem=items[index - 1] if index else Missing(),
        nextitem=items[index + 1] if index + 1 < count else Missing(),
    )  # fmt: skip
