"""Expressions of Jinja, carried out on values."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from jinja2 import nodes
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import SandboxedEnvironment

from wheelyard.recipes.templates.bounds import (
    MOST_ITEMS,
    Budget,
    TemplateError,
    bounded,
    calculate,
    check_call,
    check_format,
    check_method,
    compare,
    shown,
)
from wheelyard.recipes.templates.missing import Missing

Scope = dict[str, object]
LONG = 100


class Expressions:
    """Carries out expressions in a stack of scopes."""

    def __init__(
        self, *, environment: SandboxedEnvironment, names: Mapping[str, object], budget: Budget,
        filters: Mapping[str, Callable[..., object]] | None = None,
    ) -> None:  # fmt: skip
        self.environment = environment
        self.names = names
        self.budget = budget
        self.filters = filters or {}
        self.scopes: list[Scope] = [{}]
        self._context: Context | None = None
        self._kinds: dict[type, Callable[..., object]] = {}

    def look_up(self, name: str) -> object:
        """Give what a name means here, or Missing."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.names[name] if name in self.names else Missing(name)

    def value(self, node: nodes.Node) -> object:
        """Carry out one expression. Raises TemplateError with a line."""
        self.budget.spend()
        kind = type(node)
        if kind not in self._kinds:
            self._kinds[kind] = getattr(self, "_" + kind.__name__.lower(), self._unknown)
        method = self._kinds[kind]
        try:
            return self._counted(method(node))
        except TemplateError as error:
            error.line = error.line or node.lineno
            raise
        except RecursionError:
            raise TemplateError(
                "the template calls itself without an end", line=node.lineno
            ) from None
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateError(str(error) or type(error).__name__, line=node.lineno) from error

    def _counted(self, answer: object) -> object:
        """Count what handling a large value costs."""
        if isinstance(answer, str):
            if len(answer) > LONG:
                self.budget.spend_on(bounded(answer))
        elif isinstance(answer, list | tuple | dict):
            self.budget.spend_on(answer)
        return answer

    def _unknown(self, node: nodes.Node) -> object:
        raise TemplateError(f"{type(node).__name__} is not known here")

    def _const(self, node: nodes.Const) -> object:
        return node.value

    def _templatedata(self, node: nodes.TemplateData) -> object:
        return node.data

    def _name(self, node: nodes.Name) -> object:
        return self.look_up(node.name)

    def _nsref(self, node: nodes.NSRef) -> object:
        return self._member(self.look_up(node.name), node.attr)

    def _tuple(self, node: nodes.Tuple) -> object:
        return bounded(tuple(map(self.value, node.items)))

    def _list(self, node: nodes.List) -> object:
        return bounded(list(map(self.value, node.items)))

    def _dict(self, node: nodes.Dict) -> object:
        return bounded({self.value(pair.key): self.value(pair.value) for pair in node.items})

    def _condexpr(self, node: nodes.CondExpr) -> object:
        if self.value(node.test):
            return self.value(node.expr1)
        return self.value(node.expr2) if node.expr2 is not None else Missing()

    def _and(self, node: nodes.And) -> object:
        return self.value(node.left) and self.value(node.right)

    def _or(self, node: nodes.Or) -> object:
        return self.value(node.left) or self.value(node.right)

    def _not(self, node: nodes.Not) -> object:
        return not self.value(node.node)

    def _neg(self, node: nodes.Neg) -> object:
        held = self.value(node.node)
        return held if isinstance(held, Missing) else -held  # type: ignore[operator]

    def _pos(self, node: nodes.Pos) -> object:
        held = self.value(node.node)
        return held if isinstance(held, Missing) else +held  # type: ignore[operator]

    def _binary(self, node: nodes.BinExpr) -> object:
        return calculate(type(node).__name__, self.value(node.left), self.value(node.right))

    _add = _sub = _mul = _div = _floordiv = _mod = _pow = _binary

    def _concat(self, node: nodes.Concat) -> object:
        return bounded("".join(shown(self.value(one)) for one in node.nodes))

    def _compare(self, node: nodes.Compare) -> object:
        left = self.value(node.expr)
        for each in node.ops:
            right = self.value(each.expr)
            if not compare(each.op, left, right):
                return False
            left = right
        return True

    def _getattr(self, node: nodes.Getattr) -> object:
        return self._member(self.value(node.node), node.attr)

    def _member(self, held: object, name: str) -> object:
        if isinstance(held, Missing):
            return Missing(name)
        if isinstance(held, str) and name in ("format", "format_map"):
            check_format(held)
        found = self.environment.getattr(held, name)
        return Missing(name) if isinstance(found, Undefined) else found

    def _getitem(self, node: nodes.Getitem) -> object:
        held = self.value(node.node)
        if isinstance(held, Missing):
            return held
        key = self._range(node.arg) if isinstance(node.arg, nodes.Slice) else self.value(node.arg)
        if isinstance(key, Missing):
            return key
        found = self.environment.getitem(held, key)
        return Missing() if isinstance(found, Undefined) else found

    def _range(self, node: nodes.Slice) -> slice:
        parts = (node.start, node.stop, node.step)
        return slice(*(None if one is None else self.value(one) for one in parts))

    def arguments(
        self, node: nodes.Call | nodes.Filter | nodes.Test
    ) -> tuple[list[object], dict[str, object]]:
        """Give the positional and the named arguments of a call."""
        given = [self.value(one) for one in node.args]
        named: dict[str, object] = {str(one.key): self.value(one.value) for one in node.kwargs}
        if node.dyn_args is not None:
            given += list(self.value(node.dyn_args))  # type: ignore[call-overload]
        if node.dyn_kwargs is not None:
            named.update(self.value(node.dyn_kwargs))  # type: ignore[call-overload]
        return given, named

    def _call(self, node: nodes.Call) -> object:
        function = self.value(node.node)
        given, named = self.arguments(node)
        if isinstance(function, Missing):
            if isinstance(node.node, nodes.Name):
                raise self._unknown_function(node.node.name)
            return function
        if not callable(function) or not self.environment.is_safe_callable(function):
            raise TemplateError(f"{shown(function)!r} cannot be called")
        check_call(function, (*given, *named.values()))
        if function is range:
            return self._numbers(given)
        answer = bounded(function(*given, **named))
        bounded(getattr(function, "__self__", None))  # a list may have got what was given
        return answer

    def _unknown_function(self, name: str) -> TemplateError:
        known = [each for each, held in self.names.items() if callable(held)]
        near = get_close_matches(name, known, n=1)
        return TemplateError(
            f"there is no function {name!r}",
            hint=f"Did you mean {near[0]!r}?" if near else "",
        )

    def _numbers(self, given: list[object]) -> object:
        numbers = range(*(int(each) for each in given))  # type: ignore[call-overload]
        if len(numbers) > MOST_ITEMS:
            raise TemplateError(f"the template counts {len(numbers):,} numbers")
        return numbers

    def _filter(self, node: nodes.Filter) -> object:
        assert node.node is not None
        return self.filtered(node, self.value(node.node))

    def filtered(self, node: nodes.Filter, held: object) -> object:
        """Give a value through a filter."""
        given, named = self.arguments(node)
        if any(isinstance(one, int) and one > MOST_ITEMS for one in (*given, *named.values())):
            raise TemplateError(f"the filter {node.name!r} is given a number that is too large")
        if node.name in self.filters:
            return bounded(self.filters[node.name](held, *given, **named))
        if node.name not in self.environment.filters:
            near = get_close_matches(node.name, [*self.environment.filters, *self.filters], n=1)
            raise TemplateError(
                f"there is no filter {node.name!r}",
                hint=f"Did you mean {near[0]!r}?" if near else "",
            )
        if isinstance(held, Missing) and node.name not in ("default", "d"):
            held = ""
        self._check_filter(node.name, held, (*given, *named.values()))
        if isinstance(held, Missing):
            held = self.environment.undefined(name=held.name)
        answer = self.environment.call_filter(node.name, held, given, named, context=self.context)
        return bounded(
            answer if isinstance(answer, str | int | float | list | dict) else settled(answer)
        )

    def _check_filter(self, name: str, held: object, given: tuple[object, ...]) -> None:
        """Refuse a filter whose answer would be too large, and count what reading its value costs."""
        self.budget.spend_on(held)
        self.budget.spend_on(held)
        if name == "join":
            check_method(name, shown(given[0]) if given else "", (held,))
        elif name == "format":
            check_format(shown(held), given, sign="%")
        elif name in ("replace", "indent", "center"):
            check_method(name, shown(held), given or ((4,) if name == "indent" else ()))

    @property
    def context(self) -> Context:
        """What Jinja's own filters may ask for."""
        if self._context is None:
            self._context = Context(self.environment, {}, None, {})
        return self._context

    def _test(self, node: nodes.Test) -> object:
        held = self.value(node.node)
        given, named = self.arguments(node)
        if node.name == "defined":
            return not isinstance(held, Missing)
        if node.name == "undefined":
            return isinstance(held, Missing)
        if node.name in _TESTS:
            return _TESTS[node.name](str(held), *map(str, given[:1]))
        if node.name not in self.environment.tests:
            raise TemplateError(f"there is no test {node.name!r}")
        if isinstance(held, Missing) and node.name not in ("none", "sameas", "eq", "equalto", "=="):
            held = ""
        return self.environment.call_test(node.name, held, given, named, context=self.context)


_TESTS: Mapping[str, Callable[..., bool]] = {
    "startingwith": str.startswith,
    "endingwith": str.endswith,
    "containing": str.__contains__,
}
"""Tests of MiniJinja, which evaluates ``recipe.yaml``, that Jinja itself has not."""


def settled(answer: object) -> object:
    """Give a list for what Jinja's filters hand out piece by piece."""
    if hasattr(answer, "__next__"):
        pieces: list[object] = []
        for one in answer:  # type: ignore[attr-defined]
            pieces.append(one)
            if len(pieces) > MOST_ITEMS:
                raise TemplateError("the template makes a list that is too long")
        return pieces
    return answer
