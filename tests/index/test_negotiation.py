"""Which form a client gets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelyard.index.negotiation import Form, by_name, choose

PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
UV = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.HTML),
        ("*/*", Form.HTML),
        ("text/*", Form.HTML),
        (PIP, Form.JSON_V1),
        (UV, Form.JSON_V1),
        (CHROME, Form.HTML),
        ("application/*", Form.JSON_V1),
        ("application/vnd.pypi.simple.v1+html", Form.HTML_V1),
        ("APPLICATION/VND.PYPI.SIMPLE.V1+JSON", Form.JSON_V1),
        ("application/vnd.pypi.simple.latest+json", Form.JSON_V1),
        ("application/vnd.pypi.simple.latest+html;q=0.5", Form.HTML_V1),
        (
            "application/vnd.pypi.simple.v2+json, application/vnd.pypi.simple.v1+json;q=0.1",
            Form.JSON_V1,
        ),
        ("text/html;q=0.5, application/vnd.pypi.simple.v1+json;q=0.4", Form.HTML),
        ("text/html;q=0, */*;q=0.1", Form.JSON_V1),
        ("text/html;q=0", None),
        ("*/*;q=0", None),
        ("application/json", None),
        ("application/vnd.pypi.simple.v2+json", None),
        ("text/html;q=nan", None),
        ("text/html;q=2", None),
        (",;q=,,", None),
    ],
)
def test_the_best_form_wins(accept: str, form: Form | None) -> None:
    assert choose(accept) is form


@settings(deadline=None)
@given(st.text())
def test_any_header_has_an_answer(accept: str) -> None:
    assert choose(accept) in {*Form, None}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("application/vnd.pypi.simple.v1+json", Form.JSON_V1),
        ("application/vnd.pypi.simple.latest+html", Form.HTML_V1),
        ("text/html", Form.HTML),
        ("json", None),
        ("", None),
    ],
)
def test_a_form_can_be_named(name: str, form: Form | None) -> None:
    assert by_name(name) is form
