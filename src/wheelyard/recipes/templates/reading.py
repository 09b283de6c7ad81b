"""Reading a template into Jinja's own tree."""

from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from wheelyard.recipes.templates.bounds import TemplateError

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
    """Read a text with {{ … }}, {% … %} and {# … #}. Raises TemplateError with a line."""
    try:
        return META.parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(
            error.message or "the template cannot be read", line=error.lineno
        ) from error
    except RecursionError as error:
        raise TemplateError("the template is nested too deeply") from error


@lru_cache(maxsize=8192)
def read_scalar(text: str) -> nodes.Template:
    """Read a scalar of recipe.yaml with ${{ … }}. Raises TemplateError."""
    try:
        return RECIPE.parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(error.message or "the template cannot be read") from error
    except RecursionError as error:
        raise TemplateError("the template is nested too deeply") from error


def read_expression(text: str) -> nodes.Expr:
    """Read a bare expression, as after ``if:``. Raises TemplateError."""
    body = read_scalar("${{ " + text + " }}").body
    if len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1:
        return body[0].nodes[0]
    raise TemplateError(f"{text!r} is not one expression")
