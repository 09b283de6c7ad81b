"""Reading a template into Jinja's own tree."""

import re
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from wheelyard.recipes.templates.bounds import TemplateError, shortened

_OPENED = re.compile(r"\{[%{]")
LONGEST_TAG = 50_000
MOST_TAGS = 30_000
LONGEST_KEPT = 20_000
# What can never stand in a recipe.yaml: there, only ${{ … }} is a template.
_NEVER = "\x00never"


def _environment(*, dollar: bool) -> SandboxedEnvironment:
    if not dollar:
        return SandboxedEnvironment(keep_trailing_newline=True, cache_size=0)
    return SandboxedEnvironment(
        variable_start_string="${{",
        block_start_string=_NEVER + "{%",
        block_end_string="%}" + _NEVER,
        comment_start_string=_NEVER + "{#",
        comment_end_string="#}" + _NEVER,
        keep_trailing_newline=True,
        cache_size=0,
    )


META = _environment(dollar=False)
RECIPE = _environment(dollar=True)


def read_template(text: str) -> nodes.Template:
    """Read a text with {{ … }}, {% … %} and {# … #}; short ones are kept. Raises TemplateError with a line."""
    return _kept_template(text) if len(text) <= LONGEST_KEPT else _last_template(text)


@lru_cache(maxsize=128)
def _kept_template(text: str) -> nodes.Template:
    return _read_template(text)


@lru_cache(maxsize=1)
def _last_template(text: str) -> nodes.Template:
    return _read_template(text)


def _read_template(text: str) -> nodes.Template:
    check_tags(text)
    return _parsed(META, text)


def check_tags(text: str) -> None:
    """Refuse a text with more tags than can be kept, or with one that is too long. Raises TemplateError."""
    if len(text) <= LONGEST_TAG:
        return
    for count, found in enumerate(_OPENED.finditer(text)):
        start = found.start()
        closed = text.find("%}" if found[0] == "{%" else "}}", start, start + LONGEST_TAG)
        if closed < 0 and len(text) - start > LONGEST_TAG:
            said = f"a tag of more than {LONGEST_TAG:,} characters begins here"
        elif count >= MOST_TAGS:
            said = f"there are more than {MOST_TAGS:,} tags in the template"
        else:
            continue
        raise TemplateError(said, line=text.count("\n", 0, start) + 1)


def _parsed(environment: SandboxedEnvironment, text: str) -> nodes.Template:
    try:
        return environment.parse(text)
    except TemplateSyntaxError as error:
        said = error.message or "the template cannot be read"
        raise TemplateError(shortened(said), line=error.lineno) from error
    except RecursionError as error:
        raise TemplateError("the template is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise TemplateError("a number in the template is too large") from error


def read_scalar(text: str) -> nodes.Template:
    """Read a scalar of recipe.yaml with ${{ … }}; short ones are kept. Raises TemplateError."""
    if len(text) > LONGEST_TAG:
        raise TemplateError(
            f"a template of {len(text):,} characters is longer than it may be", line=1
        )
    return _kept_scalar(text) if len(text) <= LONGEST_KEPT // 20 else _parsed(RECIPE, text)


@lru_cache(maxsize=8192)
def _kept_scalar(text: str) -> nodes.Template:
    return _parsed(RECIPE, text)


def read_expression(text: str) -> nodes.Expr:
    """Read a bare expression, as after ``if:``. Raises TemplateError."""
    body = read_scalar("${{ " + text + " }}").body
    if len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1:
        return body[0].nodes[0]
    raise TemplateError(f"{shortened(text)!r} is not one expression")
