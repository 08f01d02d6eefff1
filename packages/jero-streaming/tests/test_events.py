"""`ServerSentEvent`, and the way of events through an independent parser."""

import json
import re

import msgspec
import pytest
from msgspec import Struct

from jero_streaming import NDJSONStreamingResponse, ServerSentEvent, SSEResponse

from .asgi_stream import Exchange, run

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies


def parse(stream):
    """Read an event stream as WHATWG HTML 9.2.6 says, in its words; (data, event, last id) and the retries."""
    text = stream.decode("utf-8").removeprefix("\ufeff")
    events, retries = [], []
    data, event, last_id = "", "", ""
    for line in re.split("\r\n|\n|\r", text)[:-1]:  # What stands behind the last line break is no line.
        if line == "":
            if data == "":
                event = ""
                continue
            events.append((data.removesuffix("\n"), event or "message", last_id))
            data, event = "", ""
            continue
        if line.startswith(":"):
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            data += value + "\n"
        elif name == "id":
            if "\0" not in value:
                last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retries.append(int(value))
    return events, retries


class Point(Struct):
    x: int
    text: str
    more: list[str]


LINE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["", "\n", "a\n", "a\n\n", "\r\n", "\u2028", "\x85", " a", ":", "data: x", "\ufeff", "\x0b\x0c\x1c\0"]
)
POINT = st.builds(Point, st.integers(-(2**53), 2**53), TEXT, st.lists(TEXT, max_size=3))


def event_of(data):
    return st.builds(
        ServerSentEvent,
        data=data,
        event=st.none() | LINE,
        id=st.none() | LINE,
        retry=st.none() | st.integers(0, 2**40),
    )


def sent(cls, annotation, items):
    async def stream():
        for item in items:
            yield item

    def handler():
        return cls(stream=stream())

    handler.__annotations__["return"] = annotation
    return run(lambda app: Exchange(app, "/stream").run(), handler).body


def as_parsed(items, text_of):
    """What a client must see of items."""
    expected, retries, last_id = [], [], ""
    for item in items:
        event = item if isinstance(item, ServerSentEvent) else ServerSentEvent(data=item)
        last_id = event.id if event.id is not None else last_id
        expected.append((text_of(event.data), event.event or "message", last_id))
        if event.retry is not None:
            retries.append(event.retry)
    return expected, retries


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(st.lists(TEXT | event_of(TEXT), min_size=1, max_size=20))
def test_events_of_text_come_back_as_they_were(items):
    expected = as_parsed(items, lambda text: re.sub("\r\n|\r", "\n", text))
    assert parse(sent(SSEResponse, SSEResponse, items)) == expected


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(st.lists(POINT | event_of(POINT), min_size=1, max_size=20))
def test_events_of_json_come_back_as_they_were(items):
    events, retries = parse(sent(SSEResponse, SSEResponse[Point], items))
    decoded = [(json.loads(data), event, last_id) for data, event, last_id in events]
    assert (decoded, retries) == as_parsed(items, msgspec.to_builtins)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(st.lists(POINT, max_size=20))
def test_lines_come_back_as_they_were(points):
    body = sent(NDJSONStreamingResponse, NDJSONStreamingResponse[Point], points)
    assert [json.loads(line) for line in body.split(b"\n")[:-1]] == [msgspec.to_builtins(point) for point in points]


def test_10000_drawn_events_and_objects_come_back_as_they_were():
    """Drawn by Hypothesis' strategies, but in bulk: for each of them one stream would take too long."""
    import random

    def drawn(seed, make):
        source = random.Random(seed)
        alphabet = 'ab :\n\r\u2028\u2029\x85\x0b\x0c\x1c\x00\ufeffé\U0001f600"\\/{}'

        def text(characters=alphabet):
            return "".join(source.choices(characters, k=source.randrange(8)))

        line = [character for character in alphabet if character not in "\r\n\0"]
        items = []
        for _ in range(10_000):
            value = make(source, text)
            if source.random() < 0.5:
                optional = {"event": text(line), "id": text(line), "retry": source.randrange(10**6)}
                given = {name: each for name, each in optional.items() if source.random() < 0.5}
                value = ServerSentEvent(data=value, **given)
            items.append(value)
        return items

    texts = drawn(1, lambda source, text: text())
    assert parse(sent(SSEResponse, SSEResponse, texts)) == as_parsed(texts, lambda text: re.sub("\r\n|\r", "\n", text))
    points = drawn(2, lambda source, text: Point(source.randrange(10**9), text(), [text()]))
    events, retries = parse(sent(SSEResponse, SSEResponse[Point], points))
    decoded = [(json.loads(data), event, last_id) for data, event, last_id in events]
    assert (decoded, retries) == as_parsed(points, msgspec.to_builtins)
    objects = [point.data if isinstance(point, ServerSentEvent) else point for point in points]
    lines = sent(NDJSONStreamingResponse, NDJSONStreamingResponse[Point], objects).split(b"\n")[:-1]
    assert [json.loads(line) for line in lines] == [msgspec.to_builtins(each) for each in objects]


def test_an_event_without_data_sets_the_id_and_is_not_dispatched():
    body = sent(SSEResponse, SSEResponse, [ServerSentEvent(id="7"), "a", ServerSentEvent(id="", data="b")])
    assert parse(body) == ([("a", "message", "7"), ("b", "message", "")], [])


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nb", "\n", "a\0b", "x\nevent: admin\ndata: pwned", "\ud800"])
@pytest.mark.parametrize("name", ["event", "id"])
def test_event_and_id_are_one_line(name, value):
    with pytest.raises(ValueError, match=f"the {name} of an event"):
        ServerSentEvent(data="a", **{name: value})


@pytest.mark.parametrize("value", ["\u2028", "\x85", "\x0b", "\x1c", "\t", "é"])
def test_other_characters_are_none_of_our_business(value):
    event = ServerSentEvent(data="a", event=value, id=value)
    assert (event.event, event.id) == (value, value)


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"data": "a", "retry": -1}, ValueError),
        ({"data": "a", "retry": 1.5}, TypeError),
        ({"data": "a", "retry": True}, TypeError),
        ({"data": "a", "retry": "1"}, TypeError),
        ({"data": "a", "id": 1}, TypeError),
        ({"data": "a", "event": b"x"}, TypeError),
        ({"event": "ping"}, ValueError),
        ({"event": "ping", "id": "1"}, ValueError),
        ({}, ValueError),
    ],
)
def test_an_event_that_means_nothing_cannot_be_built(members, error):
    with pytest.raises(error):
        ServerSentEvent(**members)


def test_events_compare_and_do_not_change():
    assert ServerSentEvent(data="a", id="1") == ServerSentEvent(data="a", id="1")
    with pytest.raises(AttributeError):
        ServerSentEvent(data="a").data = "b"
