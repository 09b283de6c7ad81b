"""What is promised of messages on their way between machines that may not trust each other."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages_of import ONE_OF_EACH, values
from wheelyard.errors import ProtocolError
from wheelyard.model.recipe import Patch, Recipe
from wheelyard.protocol.messages import (
    LARGEST_BYTES,
    LARGEST_ORDER_BYTES,
    VERSION,
    Assignment,
    Order,
    Presence,
    Result,
    Returned,
    Word,
)
from wheelyard.protocol.wire import decode_order, decode_word, encode

GOLDEN = Path(__file__).parent / "golden"
WORDS = ("presence", "result", "returned")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def decode(name: str, content: bytes) -> Order | Word:
    return decode_word(content) if name in WORDS else decode_order(content)


def changed(name: str, *path: str | int, to: Any) -> bytes:
    """The message of a name with one value in it replaced."""
    message = json.loads(encode(ONE_OF_EACH[name]))
    place = message
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(message).encode()


@given(values(Order))
def test_every_order_comes_back_as_it_was(order: Order) -> None:
    assert decode_order(encode(order)) == order


@given(values(Word))
def test_every_word_comes_back_as_it_was(word: Word) -> None:
    assert decode_word(encode(word)) == word


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_form_does_not_change_by_accident(name: str) -> None:
    """Where it changes on purpose, builders of before must still be understood; then write the file anew."""
    path = GOLDEN / f"{name}.json"
    kept = path.read_bytes().rstrip()
    assert json.loads(encode(ONE_OF_EACH[name])) == json.loads(kept)
    assert decode(name, kept) == ONE_OF_EACH[name]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_field_that_a_newer_side_added_is_passed_over(name: str) -> None:
    content = changed(name, "body", "colour", to={"deep": [1, 2]})
    assert decode(name, content) == ONE_OF_EACH[name]


def test_a_field_that_an_older_side_left_out_has_its_default() -> None:
    presence = ONE_OF_EACH["presence"]
    assert isinstance(presence, Presence)
    message = json.loads(encode(presence))
    del message["body"]["why"], message["body"]["running"]
    assert decode_word(json.dumps(message).encode()) == replace(presence, running=())


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else_happens(content: bytes) -> None:
    for read in (decode_order, decode_word):
        with pytest.raises(ProtocolError):
            read(content)


@given(st.sampled_from(list(ONE_OF_EACH)), st.data())
@settings(max_examples=300)
def test_a_message_with_anything_in_any_place_is_read_or_refused(
    name: str, data: st.DataObject
) -> None:
    message = json.loads(encode(ONE_OF_EACH[name]))
    place: Any = message
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(JSON)
    content = json.dumps(message).encode()
    with contextlib.suppress(ProtocolError):
        decode(name, content)


@given(st.sampled_from(list(ONE_OF_EACH)), st.data())
def test_a_message_with_any_byte_wrong_is_read_or_refused(name: str, data: st.DataObject) -> None:
    content = bytearray(encode(ONE_OF_EACH[name]))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        decode(name, bytes(content))


@pytest.mark.parametrize("depth", [2_000, 300_000])
def test_a_message_that_is_nested_for_ever_is_refused(depth: int) -> None:
    head = b'{"version":1,"type":"result","body":{"colour":'
    with pytest.raises(ProtocolError):
        decode_word(head + b"[" * depth + b"]" * depth + b"}}")


@pytest.mark.parametrize(
    ("name", "path", "to", "place"),
    [
        ("result", ("body", "fence"), "7", "$.fence"),
        ("result", ("body", "report", "artifact", "tags", 0), "py3-any", "artifact.tags[0]"),
        ("result", ("body", "report", "artifact", "release", "version"), "../x", "release.version"),
        ("result", ("body", "report", "outcome"), "splendid", "$.report.outcome"),
        ("result", ("body", "report", "artifact", "release", "project"), "../x", "release"),
        ("assignment", ("body", "offer", "target", "platform"), "../x", "$.offer.target"),
        (
            "assignment",
            ("body", "offer", "target", "platform"),
            "manylinux1_i686",
            "$.offer.target",
        ),
        ("presence", ("body", "facts", "slots"), None, "$.facts.slots"),
        ("presence", ("body", "facts", "reaches", 0, "build"), "../x", "$.facts.reaches[0]"),
        ("presence", ("body", "facts", "values", 2), ["cores", 2**64], "$.facts.values[2][1]"),
        ("presence", ("body", "running", 0, "key"), "k\0", "$.running[0].key"),
        ("presence", ("body", "builder"), "x" * 300, "$.builder"),
        ("result", ("body", "fence"), 2**63, "$.fence"),
    ],
)
def test_a_refusal_names_the_place(name: str, path: tuple[str], to: Any, place: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        decode(name, changed(name, *path, to=to))
    assert place in refused.value.message


def test_a_refusal_does_not_repeat_all_that_a_stranger_sent() -> None:
    content = changed("result", "body", "report", "outcome", to="x" * 100_000)
    with pytest.raises(ProtocolError) as refused:
        decode_word(content)
    assert len(refused.value.message) < 1_000


def test_another_version_of_the_protocol_is_named() -> None:
    content = changed("presence", "version", to=VERSION + 1)
    with pytest.raises(ProtocolError, match=rf"version {VERSION + 1} .* version {VERSION}$"):
        decode_word(content)


def test_a_builder_cannot_give_orders_nor_a_coordinator_words() -> None:
    with pytest.raises(ProtocolError, match="'stop' is not the type of a builder's word"):
        decode_word(encode(ONE_OF_EACH["stop"]))
    with pytest.raises(ProtocolError, match="'returned' is not the type of an order"):
        decode_order(encode(ONE_OF_EACH["returned"]))


def test_the_nearest_type_is_named() -> None:
    with pytest.raises(ProtocolError) as refused:
        decode_word(changed("result", "type", to="resutl"))
    assert "'result'" in refused.value.hint


def test_a_word_that_is_too_large_is_neither_written_nor_read() -> None:
    returned = ONE_OF_EACH["returned"]
    assert isinstance(returned, Returned)
    with pytest.raises(ProtocolError, match="larger than the 1,048,576"):
        encode(replace(returned, reason="x" * LARGEST_BYTES))
    with pytest.raises(ProtocolError, match="larger than the 1,048,576"):
        decode_word(encode(returned) + b" " * LARGEST_BYTES)


def test_an_offer_carries_the_patches_of_its_recipe_up_to_its_own_limit() -> None:
    assignment = ONE_OF_EACH["assignment"]
    assert isinstance(assignment, Assignment)

    def patched(size: int) -> Assignment:
        recipe = Recipe(patches=(Patch(name="large.patch", text="x" * size),))
        return replace(assignment, offer=replace(assignment.offer, recipe=recipe))

    large = patched(3 * LARGEST_BYTES)
    assert decode_order(encode(large)) == large
    with pytest.raises(ProtocolError, match="larger than"):
        encode(patched(LARGEST_ORDER_BYTES))


def test_what_cannot_be_written_is_refused_before_it_is_sent() -> None:
    result = ONE_OF_EACH["result"]
    assert isinstance(result, Result)
    with pytest.raises(ProtocolError, match="'result' cannot be written"):
        encode(replace(result, fence=2**70))
    with pytest.raises(ProtocolError, match="'result' cannot be written"):
        encode(replace(result, report=replace(result.report, detail="\udc80")))
