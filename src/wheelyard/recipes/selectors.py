"""conda-build's selectors: which lines stand in a variant.

The pattern and the rule for unknown names (they are false) are conda-build's own; the expression is
evaluated here over values alone, so that a recipe cannot run code.
"""

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from wheelyard.recipes.templates.bounds import (
    TemplateError,
    calculate,
    check_call,
    compare,
    shortened,
)

_PAIR = re.compile(r"\[([^\[\]]+)\]")
LONGEST_SELECTOR = 10_000
_COMPARED = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "lteq", ast.Gt: "gt", ast.GtE: "gteq",
    ast.In: "in", ast.NotIn: "notin", ast.Is: "eq", ast.IsNot: "ne",
}  # fmt: skip
_CALCULATED = {ast.Mult: "Mul", ast.FloorDiv: "FloorDiv"}
_FUNCTIONS = {
    "int": int,
    "str": str,
    "float": float,
    "bool": bool,
    "len": len,
    "any": any,
    "all": all,
}


def selector_of(line: str) -> str | None:
    """Give the selector of a line, or None; a line that is a comment has none."""
    found = _found(line.rstrip()) if "]" in line else None
    return None if found is None else found[1]


def split_selector(line: str) -> tuple[str, str] | None:
    """Give a line without its selector, and the selector; None where there is none."""
    bare = line.rstrip()
    found = _found(bare)
    if found is None:
        return None
    # A whole line may stand in quotes to please YAML.
    quote = bare[-1] if bare[-1] in "\"'" else ""
    return (bare[: found[0]].rstrip() + quote).rstrip(), found[1]


def _found(line: str) -> tuple[int, str] | None:
    r"""Find where a selector (or the comment that holds it) begins, and what it is.

    What conda-build's expression ``(.+?)\s*(#.*)?\[([^\[\]]+)\](?(2)[^()]*)$`` finds, in one pass.
    """
    end = line.rfind("]")
    start = line.rfind("[", 0, max(end, 0))
    if start < 1 or line.lstrip()[:1] == "#":
        return None
    comment = line.find("#", 1)
    if end == len(line) - 1 and "]" not in line[start:end] and end - start > 1:
        return (start if comment < 0 else min(start, comment)), line[start + 1 : end]
    if comment < 0:
        return None
    # In a comment, the last pair of brackets counts, if no parenthesis follows it.
    last = max(_PAIR.finditer(line, comment + 1), key=re.Match.start, default=None)
    if last is None or "(" in (rest := line[last.end() :]) or ")" in rest:
        return None
    return comment, last[1]


def selects(selector: str, names: Mapping[str, object]) -> bool:
    """Say whether a selector holds. Raises TemplateError where it is no expression."""
    try:
        return bool(_value(_read(selector).body, names))
    except RecursionError:
        raise _unreadable(selector) from None


def names_in(selector: str) -> frozenset[str]:
    """Give the names that a selector asks for. Raises TemplateError."""
    return frozenset(one.id for one in ast.walk(_read(selector)) if isinstance(one, ast.Name))


@lru_cache(maxsize=4096)
def read_selector(selector: str) -> ast.Expression:
    """Give the tree of a selector. Raises TemplateError."""
    return _read(selector)


@lru_cache(maxsize=4096)
def _read(selector: str) -> ast.Expression:
    if len(selector) > LONGEST_SELECTOR:
        raise _unreadable(selector)
    try:
        return ast.parse(selector.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(selector) from error


def _unreadable(selector: str) -> TemplateError:
    return TemplateError(
        f"[{shortened(selector)}] is no selector",
        hint='Write a Python expression, such as "win and py<39".',
    )


def _value(node: ast.expr, names: Mapping[str, object]) -> object:  # noqa: C901, PLR0912 - one case a node
    match node:
        case ast.Name():
            if node.id in names:
                return names[node.id]
            return _FUNCTIONS.get(node.id, False)
        case ast.Constant():
            return node.value
        case ast.BoolOp():
            held: object = False
            for one in node.values:
                held = _value(one, names)
                if bool(held) is isinstance(node.op, ast.Or):
                    return held
            return held
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, names)
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, names)  # type: ignore[operator]
        case ast.Compare():
            return _compared(node, names)
        case ast.BinOp():
            name = _CALCULATED.get(type(node.op), type(node.op).__name__)
            return _guarded(
                lambda: calculate(name, _value(node.left, names), _value(node.right, names))
            )
        case ast.IfExp():
            return _value(node.body if _value(node.test, names) else node.orelse, names)
        case ast.Tuple() | ast.List() | ast.Set():
            return [_value(one, names) for one in node.elts]
        case ast.Subscript():
            return _guarded(lambda: _value(node.value, names)[_key(node.slice, names)])  # type: ignore[index]
        case ast.Call():
            return _called(node, names)
        case ast.Attribute():
            return {} if node.attr == "environ" else False
    raise TemplateError(f"{ast.unparse(node)!r} cannot stand in a selector")


def _compared(node: ast.Compare, names: Mapping[str, object]) -> bool:
    left = _value(node.left, names)
    for operation, other in zip(node.ops, node.comparators, strict=True):
        right = _value(other, names)
        name = _COMPARED[type(operation)]
        try:
            if not compare(name, left, right):
                return False
        except TypeError:
            # A variant key that is unknown is false, and false is not compared with a text.
            return False
        left = right
    return True


def _key(node: ast.expr, names: Mapping[str, object]) -> object:
    if isinstance(node, ast.Slice):
        return slice(
            *(
                None if one is None else _value(one, names)
                for one in (node.lower, node.upper, node.step)
            )
        )
    return _value(node, names)


_METHODS = frozenset(
    [
        "startswith",
        "endswith",
        "lower",
        "upper",
        "split",
        "strip",
        "get",
        "replace",
        "count",
        "find",
        "isdigit",
        "rsplit",
        "lstrip",
        "rstrip",
    ]
)


def _called(node: ast.Call, names: Mapping[str, object]) -> object:
    given = [_value(one, names) for one in node.args]
    if isinstance(node.func, ast.Attribute):
        held = _value(node.func.value, names)
        name = node.func.attr
        if name not in _METHODS or not isinstance(held, str | dict):
            # environ.get(…), os.environ.get(…) and methods of unknown names.
            return given[1] if name in ("get", "getenv") and len(given) > 1 else False
        method = getattr(held, name, None)
        if method is None:
            return False
        check_call(method, tuple(given))
        return _guarded(lambda: method(*given))
    function = _value(node.func, names)
    if function in _FUNCTIONS.values():
        return _guarded(lambda: function(*given))  # type: ignore[operator]
    return False


def _guarded(step: Callable[[], object]) -> object:
    """Carry out a step; a value of the wrong kind is false, as an unknown name is."""
    try:
        return step()
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return False
