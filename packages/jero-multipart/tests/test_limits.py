"""Limits and hostile bodies: 413 as soon as a limit is passed, 400 for what is malformed, and never much work.

Many of these have been an advisory of somebody's parser; the test names the first one.
"""

import asyncio
import itertools
import logging
import time
import tracemalloc

import pytest
from msgspec import Struct

from jero_core import Endpoint
from jero_core.extend import Codec
from jero_multipart import FilePart, FormPart, SpooledFilePart
from jero_multipart.collecting import Collector
from jero_multipart.fields import Form
from jero_multipart.limits import Limits
from jero_multipart.multipart_body import MOST_PREAMBLE, MultipartBody
from jero_multipart.spool import Disk

from .form_driver import BOUNDARY, URLENCODED, FormApp, app_of, echo, form_post, multipart, part, post, send, started

MIB = 1024 * 1024
PIECE = 64 * 1024
MARK = b"--" + BOUNDARY.encode()


class Text(Struct):
    text: str = ""
    texts: list[str] = []


class Files(Struct):
    file: FilePart | None = None
    spooled: SpooledFilePart | None = None


def endless(head, piece=b"x" * PIECE):
    """A body that begins so and never ends."""
    return itertools.chain([head], itertools.repeat(piece, 100_000))


def refusal(app, chunks, **options):
    """Status and detail of an answer, and the bytes that were received before it."""
    response = post(app, chunks=chunks, **options)
    return response.status, response.detail, response.received_bytes


# CVE-2023-30798 and others: any number of parts


def test_1001_parts_are_413_at_the_1001st():
    one = MARK + b"\r\n" + part("texts", b"0123456789") + b"\r\n"
    status, detail, received = refusal(echo(Text), itertools.repeat(one, 100_000))
    assert (status, detail) == (413, "The form has more than 1000 parts.")
    # Where a part begins is known when its first line is.
    assert 1_000 * len(one) < received <= 1_001 * len(one)
    assert form_post(echo(Text), *[("texts", "")] * 1_000).status == 200
    assert form_post(echo(Text), *[("texts", "")] * 1_001).status == 413


def test_parts_that_nobody_wants_count_too():
    assert form_post(echo(Text), *[("other", "")] * 1_001).status == 413


# CVE-2024-47874: a text part without a limit


def test_a_text_part_of_200_mib_is_413_when_its_limit_is_passed():
    head = MARK + b"\r\n" + part("text")
    status, detail, received = refusal(echo(Text), endless(head))
    assert (status, detail) == (413, "A part is larger than 1048576 bytes.")
    assert received <= len(head) + MIB + PIECE


def test_a_text_part_of_just_the_limit_is_taken():
    assert form_post(echo(Text), ("text", b"x" * MIB)).status == 200
    assert form_post(echo(Text), ("text", b"x" * (MIB + 1))).status == 413


@pytest.mark.parametrize("kind", [bytes, Text, FormPart[str], FormPart[bytes]])
def test_the_limit_holds_for_every_part_that_is_held_in_memory(kind):
    class Form(Struct):
        value: kind

    head = MARK + b"\r\n" + part("value", b"", "blob")
    assert refusal(echo(Form, max_part_size=100), [head + b"x" * 101])[0] == 413


# CVE-2025-69228: a count that begins anew with each field


@pytest.mark.parametrize("kind", [str, bytes, Text, FormPart[str]])
def test_many_parts_under_their_limit_are_413_by_their_sum_however_large_the_body_may_be(kind):
    class Form(Struct):
        texts: list[kind]
        file: SpooledFilePart | None = None

    one = MARK + b"\r\n" + part("texts", b"x" * (MIB - 1)) + b"\r\n"
    if kind is Text:
        one = MARK + b"\r\n" + part("texts", b"{" + b" " * (MIB - 2) + b"}") + b"\r\n"
    status, detail, received = refusal(echo(Form, max_body_size=1024 * MIB), itertools.repeat(one, 100))
    assert (status, detail) == (413, f"The parts, but for files, are larger than {8 * MIB} bytes together.")
    assert received <= 9 * len(one)


def test_the_values_of_a_url_encoded_form_are_413_by_their_sum():
    piece = b"&texts=" + b"%41" * 300_000
    app = echo(Text, max_body_size=1024 * MIB)
    status, detail, _ = refusal(app, itertools.repeat(piece, 1_000), content_type=URLENCODED)
    assert (status, detail) == (413, f"The parts, but for files, are larger than {8 * MIB} bytes together.")


def test_the_heads_that_parts_keep_count_as_they_do_and_files_and_unwanted_parts_do_not():
    class Form(Struct):
        texts: list[FormPart[str]] = []
        file: FilePart | None = None
        spooled: SpooledFilePart | None = None

    app = echo(Form, lambda form: "", max_memory_size=1_000)
    headers = [("X-Note", "n" * 500)]
    large = [("file", b"x" * 5_000, "f"), ("spooled", b"x" * 5_000, "f"), ("other", b"x" * 5_000, None, headers)]
    assert form_post(app, *large, ("texts", "a", None, headers)).status == 200
    assert form_post(app, *large, *[("texts", "a", None, headers)] * 2).status == 413
    assert form_post(app, *[("file", b"", "f", headers)] * 2).status == 422
    assert form_post(app, ("file", b"", "f", headers), ("spooled", b"", "f", headers)).status == 413


def test_the_limit_of_the_sum_is_exact_and_grows_with_that_of_a_part():
    app = echo(Text, max_memory_size=100)
    assert form_post(app, ("texts", "x" * 40), ("texts", "x" * 60)).status == 200
    assert form_post(app, ("texts", "x" * 40), ("texts", "x" * 61)).status == 413
    large = ("text", b"x" * (9 * MIB))
    assert form_post(echo(Text, lambda form: "", max_part_size=9 * MIB), large).status == 200
    assert form_post(echo(Text, max_part_size=9 * MIB, max_memory_size=8 * MIB), large).status == 413


@pytest.mark.parametrize("step", [1, 10**6])
def test_the_limit_that_is_passed_first_is_told_in_every_chunking(step):
    app = echo(Text, max_part_size=100, max_memory_size=150)
    for first, said in ((40, "A part is larger than 100 bytes."), (60, "150 bytes together.")):
        body = multipart(("texts", "x" * first), ("texts", "x" * 120))
        response = post(app, chunks=[body[start : start + step] for start in range(0, len(body), step)])
        assert response.detail.endswith(said)


def test_the_whole_body_is_413_over_its_limit_whatever_its_parts():
    one = MARK + b"\r\n" + part("other", b"x" * (MIB - 1)) + b"\r\n"
    status, detail, received = refusal(echo(Text), itertools.repeat(one, 100))
    assert (status, detail) == (413, f"The body is larger than {32 * MIB} bytes.")
    assert received <= 32 * MIB + len(one)


def test_a_file_part_is_limited_by_the_body_alone():
    class Form(Struct):
        file: FilePart

    assert form_post(echo(Form, lambda form: ""), ("file", b"x" * 3 * MIB, "f")).status == 200
    head = MARK + b"\r\n" + part("file", b"", "f")
    status, _, received = refusal(echo(Form), endless(head))
    assert status == 413
    assert received <= 32 * MIB + PIECE + len(head)


# CVE-2026-42561: any number of headers in a part


def test_10_000_headers_of_a_part_are_413_at_the_17th():
    line = b"X-Header: value\r\n"
    head = MARK + b'\r\nContent-Disposition: form-data; name="text"\r\n'
    status, detail, received = refusal(echo(Text), itertools.chain([head], itertools.repeat(line, 10_000)))
    assert (status, detail) == (413, "A part has more than 16 headers.")
    assert received == len(head) + 16 * len(line)


def test_a_header_of_1_mib_is_413_when_its_limit_is_passed():
    head = MARK + b'\r\nContent-Disposition: form-data; name="text"; x="'
    status, detail, received = refusal(echo(Text), endless(head, b"x" * 1_000))
    assert (status, detail) == (413, "A header of a part is larger than 8192 bytes.")
    assert received <= len(head) + 8_192 + 1_000


@pytest.mark.parametrize(("size", "status"), [(100, 200), (101, 413)])
@pytest.mark.parametrize("step", [1, 3, 10**6])
def test_the_limit_of_a_header_is_exact_in_every_chunking(size, status, step):
    line = b'Content-Disposition: form-data; name="text"; x="'
    line += b"x" * (size - len(line) - 1) + b'"'
    body = MARK + b"\r\n" + line + b"\r\n\r\n\r\n" + MARK + b"--"
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    assert post(echo(Text, max_part_header_size=100), chunks=pieces).status == status


def test_class_keywords_set_the_limits():
    class Spot(Endpoint, path="/spot", max_parts=2, max_part_size=3, max_part_headers=2, max_body_size=500):
        async def post(self, form: Text) -> None: ...

    class Other(Spot, path="/other", max_parts=3): ...

    app = app_of(Spot(), Other())
    parts = [("texts", "1"), ("texts", "2"), ("texts", "3")]
    assert form_post(app, *parts[:2]).status == 204
    assert form_post(app, *parts).detail == "The form has more than 2 parts."
    assert form_post(app, *parts, target="/other").status == 204
    assert form_post(app, ("text", "1234")).detail == "A part is larger than 3 bytes."
    headers = [("X-A", "1"), ("X-B", "2")]
    assert form_post(app, ("text", "1", None, headers)).detail == "A part has more than 2 headers."
    assert form_post(app, ("other", "x" * 600)).detail == "The body is larger than 500 bytes."


def test_an_app_s_own_body_limit_holds_for_forms():
    class Small(FormApp):
        max_body_size = 300

    class Spot(Endpoint, path="/spot"):
        async def post(self, form: Text) -> None: ...

    assert form_post(app_of(Spot(), base=Small), ("other", "x" * 300)).status == 413
    assert form_post(app_of(Spot()), ("other", "x" * 3 * MIB)).status == 204


def test_an_announced_body_over_the_limit_is_refused_before_a_byte():
    response = form_post(echo(Text), announced=32 * MIB + 1)
    assert (response.status, response.received) == (413, 0)


# CVE-2026-33034: a limit that trusts content-length


@pytest.mark.parametrize("announced", [None, 10**6])
def test_the_limit_counts_what_arrives(announced):
    head = MARK + b"\r\n" + part("file", b"", "f")
    response = post(echo(Files, max_body_size=10**6), chunks=endless(head), announced=announced)
    assert response.status in {400, 413}
    assert response.received_bytes <= 10**6 + len(head) + PIECE


@pytest.mark.parametrize("length", ["-1", "+3", "1_0", "", "10" * 200, "0x10", "1, 1"])
def test_a_content_length_that_is_no_number_is_refused(length):
    response = post(echo(Text), multipart(), announced=None, headers=[("content-length", length)])
    assert response.status in {400, 413}
    assert response.received == 0


def test_a_body_that_is_shorter_than_announced_is_400_and_a_longer_one_is_cut():
    body = multipart(("text", "a"))
    assert post(echo(Text), body, announced=len(body) + 1).status == 400
    assert post(echo(Text), body + b"more", announced=len(body)).text == "Text(text='a', texts=[])"
    assert post(echo(Text), body, announced=len(body) - 10).status == 400


# CVE-2024-30251 and CVE-2023-46136: searches without end, or quadratic ones


@pytest.mark.parametrize("filling", [b"\r", b"\n", b"\r\n", b"\r\n--", b"\r\n" + MARK[:-1], b"x"])
@pytest.mark.parametrize("step", [100, 10_000, PIECE])
def test_line_breaks_and_half_boundaries_are_searched_in_linear_time(filling, step):
    content = filling * (MIB // len(filling))
    head, tail = MARK + b"\r\n" + part("file", b"", "f"), b"\r\n" + MARK + b"--"
    body = head + content + tail
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    begin = time.perf_counter()
    response = post(echo(Files, lambda form: str(form.file.data == content)), chunks=pieces)
    assert response.text == "True"
    assert time.perf_counter() - begin < 5


def test_a_body_in_single_bytes_is_read_in_linear_time():
    body = multipart(("text", b"y" * 200_000), ("spooled", b"\r\n" * 50_000, "f"))

    class Form(Struct):
        text: str
        spooled: SpooledFilePart

    async def answer(form):
        return f"{len(form.text)} {len(await form.spooled.read())}"

    begin = time.perf_counter()
    pieces = (body[index : index + 1] for index in range(len(body)))
    assert post(echo(Form, answer), chunks=pieces).text == "200000 100000"
    assert time.perf_counter() - begin < 10


# CVE-2024-24762 and CVE-2026-28356: options that take a regular expression forever


@pytest.mark.parametrize(
    "value",
    [
        "form-data" + "; " * 4_000,
        "form-data; name=" + '"' + "\\" * 4_000,
        "form-data; name=" + '"' + '\\"' * 4_000 + '"',
        "form-data" + "; a=b" * 1_600,
        "form-data; " + "a" * 8_000,
        "form-data;" + " " * 8_000 + "=",
    ],
)
def test_hostile_options_of_a_part_take_no_time(value):
    body = MARK + b"\r\nContent-Disposition: " + value.encode() + b"\r\n\r\n\r\n" + MARK + b"--"
    begin = time.perf_counter()
    assert post(echo(Text), body).status in {200, 400}
    assert time.perf_counter() - begin < 2


def test_a_hostile_content_type_takes_no_time():
    begin = time.perf_counter()
    for value in ("; " * 50_000, '; boundary="' + "\\" * 100_000, "; a" * 33_000):
        response = post(echo(Text), multipart(), content_type="multipart/form-data" + value)
        assert response.status == 415
    assert time.perf_counter() - begin < 2


# CVE-2024-53981: work, or a line in the log, for each byte around the parts


def test_a_preamble_and_an_epilogue_are_passed_over(caplog):
    body = b"a preamble\r\n" + multipart(("text", "a")) + b"x" * MIB
    with caplog.at_level(logging.DEBUG):
        assert post(echo(Text), body).text == "Text(text='a', texts=[])"
        response = post(echo(Text), chunks=endless(b"", b"x" * 1_000))
    assert response.detail == "The multipart body does not begin with its boundary."
    assert response.received_bytes < MOST_PREAMBLE + 2_000
    assert [record for record in caplog.records if record.name != "asyncio"] == []


@pytest.mark.parametrize("size", [MOST_PREAMBLE, MOST_PREAMBLE + 1])
@pytest.mark.parametrize("step", [1, 1_000, 10**6])
def test_the_limit_of_a_preamble_is_the_same_in_every_chunking(size, step):
    body = b"x" * size + b"\r\n" + multipart(("text", "a"))
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    assert post(echo(Text), chunks=pieces).status == (200 if size <= MOST_PREAMBLE else 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        MARK,
        MARK + b"\r\n",
        MARK + b"\n" + part("text") + b"\n" + MARK + b"--",
        MARK + b"x\r\n" + part("text") + b"\r\n" + MARK + b"--",
        b"x" + multipart(("text", "a")),
        multipart(("text", "a")).replace(b"\r\n", b"\n"),
        multipart(("text", "a"))[:-4],
        multipart(("text", "a"))[:-3],
        multipart(b"\r\n"),
        multipart(b"X-Other: 1\r\n\r\n"),
        multipart(b"Content-Disposition: attachment; name=text\r\n\r\n"),
        multipart(b"Content-Disposition: form-data\r\n\r\n"),
        multipart(b"no header\r\n\r\n"),
        multipart(b": empty\r\n\r\n"),
        multipart(b"Content-Disposition: form-data;\r\n name=text\r\n\r\n"),
        multipart(b'Content-Disposition: form-data; name="text"\r\nContent-Disposition: form-data; name="x"\r\n\r\n'),
        multipart(b'Content-Disposition: form-data; name="text"\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n'),
        multipart(b'Content-Disposition: form-data; name="\xff"\r\n\r\n'),
        multipart(b'Content-Disposition: form-data; name="text"\r\nX-A: a\rb\r\n\r\n'),
        multipart(b'Content-Disposition: form-data; name="text"\r\nX-A: a\0b\r\n\r\n'),
        multipart(b'Content-Disposition: form-data; name="text"\r\nContent-Length: 3\r\n\r\nabcd'),
        multipart(b'Content-Disposition: form-data; name="text"\r\nContent-Length: 5\r\n\r\nabcd'),
        multipart(b'Content-Disposition: form-data; name="text"\r\nContent-Length: -5\r\n\r\nabcd'),
    ],
)
@pytest.mark.parametrize("step", [1, 10**6])
def test_a_malformed_body_is_400(body, step):
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    response = post(echo(Text), chunks=pieces)
    assert response.status == 400
    assert response.detail.startswith("The multipart body ")


def test_a_part_that_announces_more_than_the_body_may_have_is_413():
    body = multipart(b'Content-Disposition: form-data; name="text"\r\nContent-Length: 999999999999\r\n\r\nabcd')
    response = post(echo(Text), body)
    assert (response.status, response.detail) == (
        413,
        "A part is too large: Segment Content-Length larger than maximum segment size.",
    )


@pytest.mark.parametrize("preamble", [b"", b"x" * 100 + b"\r\n"])
def test_a_large_message_is_copied_once(preamble):
    """Its head is read where it is: only the content is cut out."""
    body = preamble + multipart(("other", "a"), ("file", b"x" * (8 * MIB), "f"))
    form = Form(Files, {}, Codec())
    reader = MultipartBody(BOUNDARY.encode(), Limits(), 32 * MIB, Collector(form, Limits(), Disk()))
    tracemalloc.start()
    try:
        reader.feed(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    reader.close()
    assert peak < 1.1 * len(body)


def test_a_form_without_parts_is_one():
    assert post(echo(Text), MARK + b"--").text == "Text(text='', texts=[])"
    assert post(echo(Text), MARK + b"--\r\n").status == 200


def test_a_quoted_boundary_of_many_characters_is_taken():
    boundary = "a'b(c)+_,-./:=?d"
    body = multipart(("text", "a"), boundary=boundary)
    assert post(echo(Text), body, content_type=f'multipart/form-data; BOUNDARY="{boundary}"').status == 200
    quoted = 'multipart/form-data; charset=utf-8; boundary="a\\b"'
    assert post(echo(Text), multipart(("text", "a"), boundary="ab"), content_type=quoted).status == 200


# clients that go away, and others that do not stop


def test_a_client_that_goes_away_is_not_answered():
    body = multipart(("text", "a"))
    for end in (0, 5, len(body) // 2, len(body) - 1):
        assert post(echo(Text), chunks=[body[:end]], is_cut=True).messages == []


def test_a_refused_body_is_answered_while_the_client_still_sends():
    async def main():
        app = echo(Text)
        async with started(app):
            response = await send(app, chunks=endless(MARK + b"\r\n" + part("text")))
            assert response.status == 413
            assert response.received_bytes < 2 * MIB

    asyncio.run(main())
