"""NDJSON and Server-Sent Events, in whatever pieces they come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from jero_testing import TestSSEEvent
from jero_testing.decoders import NDJSONDecoder, SSEDecoder


def decode(decoder, data, size=None):
    size = size or len(data) or 1
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return [item for piece in pieces for item in decoder.feed(piece)] + [*decoder.end()]


def events(text, size=None):
    return decode(SSEDecoder(), text if isinstance(text, bytes) else text.encode(), size)


Event = TestSSEEvent

STREAMS = {
    "one": ("data: a\n\n", [Event("a")]),
    "without a space": ("data:a\n\n", [Event("a")]),
    "with two spaces": ("data:  a\n\n", [Event(" a")]),
    "several lines": ("data: a\ndata\ndata: b\n\n", [Event("a\n\nb")]),
    "an empty line of data": ("data\n\n", [Event("")]),
    "two empty lines of data": ("data\ndata\n\n", [Event("\n")]),
    "a type": ("event: tick\ndata: a\n\ndata: b\n\n", [Event("a", "tick"), Event("b")]),
    "no data": ("event: tick\n\ndata: b\n\n", [Event("b")]),
    "an id holds on": ("id: 1\ndata: a\n\ndata: b\n\n", [Event("a", id="1"), Event("b", id="1")]),
    "an id without data": ("id: 1\n\ndata: a\n\n", [Event("a", id="1")]),
    "an empty id": ("id: 1\ndata: a\n\nid\ndata: b\n\n", [Event("a", id="1"), Event("b")]),
    "an id with NUL": ("id: 1\0\ndata: a\n\n", [Event("a")]),
    "retry": ("retry: 1500\ndata: a\n\ndata: b\n\n", [Event("a", retry=1500), Event("b")]),
    "retry of text": ("retry: 1s\ndata: a\n\n", [Event("a")]),
    "retry of other digits": ("retry: \u0663\ndata: a\n\n", [Event("a")]),
    "comments": (": ping\n\n:\ndata: a\n\n", [Event("a")]),
    "other fields": ("dat: a\nfoo\nDATA: b\ndata: a\n\n", [Event("a")]),
    "CR LF": ("data: a\r\ndata: b\r\n\r\n", [Event("a\nb")]),
    "CR": ("data: a\rdata: b\r\r", [Event("a\nb")]),
    "other line ends": ("data: a\u2028b\u0085c\x0bd\n\n", [Event("a\u2028b\u0085c\x0bd")]),
    "a BOM": ("\ufeffdata: a\n\n", [Event("a")]),
    "a second BOM": ("\ufeff\ufeffdata: a\n\ndata: b\n\n", [Event("b")]),
    "without an end": ("data: a\n\ndata: b\n", [Event("a")]),
    "a colon in the data": ("data: a: b\n\n", [Event("a: b")]),
    "nothing": ("", []),
}


@pytest.mark.parametrize("size", [None, 1, 2, 3])
@pytest.mark.parametrize("case", STREAMS)
def test_an_event_stream_is_read_as_a_browser_reads_it(case, size):
    text, expected = STREAMS[case]
    assert events(text, size) == expected


def test_an_event_is_there_with_its_last_byte():
    decoder = SSEDecoder()
    assert [*decoder.feed(b"data: a\r\n\r")] == [Event("a")]
    assert [*decoder.feed(b"\ndata: b\n")] == []
    assert [*decoder.feed(b"\n")] == [Event("b")]


def test_invalid_utf8_is_replaced():
    assert events(b"data: \xff\n\n") == [Event("\ufffd")]


def test_the_reconnection_time_is_kept_outside_of_events():
    decoder = SSEDecoder()
    assert [*decoder.feed(b"retry: 250\n\n")] == []
    assert decoder.retry == 250


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.text(), st.from_regex(r"[a-z]+", fullmatch=True))),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.integers(1, 20),
)
def test_any_data_comes_back_whatever_the_line_ends_and_pieces(sent, end, size):
    text, expected = "", []
    for data, name in sent:
        lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        text += f"event: {name}{end}" + "".join(f"data: {line}{end}" for line in lines) + end
        expected.append(Event("\n".join(lines), name))
    assert events(text, size) == expected


def test_the_data_of_an_event_can_be_json():
    class Tick(Struct):
        at: int

    assert Event('{"at": 1}').json() == {"at": 1}
    assert Event('{"at": 1}').json(Tick) == Tick(1)
    with pytest.raises(ValueError, match="at"):
        Event('{"at": "x"}').json(Tick)


class Row(Struct):
    id: int


def lines(data, item_type=object, size=None):
    return decode(NDJSONDecoder(item_type), data, size)


@pytest.mark.parametrize("size", [None, 1, 2, 5])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"id":1}\n{"id":2}\n', [{"id": 1}, {"id": 2}]),
        (b'1\n"a"\nnull\n', [1, "a", None]),
        (b"1\r\n2\r\n", [1, 2]),
        (b"\n 1 \n\n2", [1, 2]),
        ('"\u2028"\n'.encode(), ["\u2028"]),
        (b"", []),
    ],
)
def test_lines_of_json_are_decoded(data, expected, size):
    assert lines(data, size=size) == expected


def test_lines_can_be_decoded_to_a_type():
    assert lines(b'{"id":1}\n', Row) == [Row(1)]


@pytest.mark.parametrize(
    ("data", "item_type", "told"),
    [
        (b"1\n{\n", object, "line 2 of the stream, b'{': "),
        (b"1\n\n2 3", object, "line 3 of the stream, b'2 3': "),
        (b'{"id":"x"}\n', Row, "Expected `int`"),
        (b'"\xff"\n', object, "line 1"),
        (b"[" * 100_000 + b"\n", object, "line 1"),
    ],
)
def test_a_line_that_is_no_item_is_named(data, item_type, told):
    with pytest.raises(ValueError) as caught:
        lines(data, item_type)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 300


@settings(max_examples=50, deadline=None)
@given(st.lists(st.recursive(st.none() | st.integers(-(2**53), 2**53) | st.text(), st.lists)), st.integers(1, 20))
def test_any_values_come_back_whatever_the_pieces(values, size):
    import msgspec

    assert lines(msgspec.json.Encoder().encode_lines(values), size=size) == values
