"""Url-encoded forms: the same Structs, where they have no file."""

import itertools
import tracemalloc
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from jero_core.extend import Codec, HTTPError
from jero_multipart import FilePart, FormPart, SpooledFilePart
from jero_multipart.collecting import Collector
from jero_multipart.fields import Form
from jero_multipart.limits import Limits
from jero_multipart.spool import Disk
from jero_multipart.urlencoded_body import URLEncodedBody

from .form_driver import TYPE, URLENCODED, echo, multipart, post


class Label(Struct):
    text: str


class Part(Struct):
    x_note: str = "none"


class Texts(Struct):
    name: str
    numbers: list[int] = []
    raw: bytes = b""
    label: Label | None = None
    part: FormPart[int, Part] | None = None


def send(body, form=Texts, content_type=URLENCODED, **options):
    return post(echo(form, **options.pop("keywords", {})), body, content_type=content_type, **options)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"name=a", "Texts(name='a', numbers=[], raw=b'', label=None, part=None)"),
        (b"name=", "Texts(name='', numbers=[], raw=b'', label=None, part=None)"),
        (b"name", "Texts(name='', numbers=[], raw=b'', label=None, part=None)"),
        (b"&&name=a&", "Texts(name='a', numbers=[], raw=b'', label=None, part=None)"),
        (b"name=a+b%20c%2B%26%3d=", "Texts(name='a b c+&==', numbers=[], raw=b'', label=None, part=None)"),
        (b"n%61me=%E2%98%95", "Texts(name='☕', numbers=[], raw=b'', label=None, part=None)"),
        (b"name=100%&other", "Texts(name='100%', numbers=[], raw=b'', label=None, part=None)"),
        (b"name=%zz%4", "Texts(name='%zz%4', numbers=[], raw=b'', label=None, part=None)"),
        (b"name=a&numbers=1&numbers=2", "Texts(name='a', numbers=[1, 2], raw=b'', label=None, part=None)"),
        (b"name=a&raw=%00%FF+", "Texts(name='a', numbers=[], raw=b'\\x00\\xff ', label=None, part=None)"),
        (
            b"name=a&label=%7B%22text%22%3A%22b%22%7D",
            "Texts(name='a', numbers=[], raw=b'', label=Label(text='b'), part=None)",
        ),
        (b"name=a;role=admin", "Texts(name='a;role=admin', numbers=[], raw=b'', label=None, part=None)"),
    ],
)
def test_a_url_encoded_form_becomes_the_same_struct(body, value):
    assert send(body).text == value


def test_a_form_part_of_a_url_encoded_form_has_no_headers():
    response = send(b"name=a&part=3")
    assert (
        "part=FormPart(data=3, content_type=None, headers=Part(x_note='none'), raw_headers=RawHeaders())"
        in response.text
    )


@pytest.mark.parametrize(
    ("body", "invalid"),
    [
        (b"", {"/name": "This part is required."}),
        (b"name=%FF", {"/name": "The text is not valid UTF-8."}),
        (b"name=a&name=b", {"/name": "This part may be given only once."}),
        (b"numbers=x&numbers=1&numbers=y", None),
    ],
)
def test_what_does_not_fit_is_422_with_its_place(body, invalid):
    response = send(body)
    assert response.status == 422
    if invalid is not None:
        assert response.invalid == invalid
    else:
        assert {*response.invalid} == {"/numbers/0", "/numbers/2", "/name"}


def test_a_name_that_is_no_utf_8_is_400():
    response = send(b"%FF=a")
    assert (response.status, response.detail) == (400, "A name in the form is not valid UTF-8.")


@pytest.mark.parametrize("kind", [FilePart, SpooledFilePart | None, list[FilePart]])
def test_a_struct_with_a_file_takes_multipart_alone(kind):
    class Form(Struct):
        file: kind = None

    response = send(b"", Form)
    assert (response.status, response.detail) == (415, "The content type must be multipart/form-data.")
    assert response.received == 0


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-www-form-urlencoded", 200),
        ("APPLICATION/X-WWW-Form-Urlencoded ; charset=UTF-8", 200),
        ('application/x-www-form-urlencoded; charset="utf-8"', 200),
        ("application/x-www-form-urlencoded; charset=iso-8859-1", 415),
        ("application/x-www-form-urlencoded; version=1", 200),
        ("application/x-www-form-urlencodedx", 415),
        ("application/json", 415),
        ("text/plain", 415),
        ("", 415),
        (None, 415),
        ("multipart/mixed; boundary=a", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ('multipart/form-data; boundary=""', 400),
        ("multipart/form-data; boundary=a; boundary=b", 400),
        ("multipart/form-data; boundary=a, multipart/form-data; boundary=b", 400),
        (f"multipart/form-data; boundary={'a' * 201}", 400),
        ("multipart/form-data; boundary=a, application/json", 400),
        ("multipart/form-data; boundary=a,b", 400),
        ('multipart/form-data; boundary=a"b', 400),
        ("multipart/form-data; boundary=a b", 400),
        ('multipart/form-data; x y="; boundary=evil"', 400),
        ('multipart/form-data; x="; boundary=evil"', 400),
        ('multipart/form-data; boundary=a; x="', 400),
        ("multipart/form-data; boundary=a; x", 400),
        ("application/x-www-form-urlencoded; charset=utf-8, text/plain", 400),
        ("application/x-www-form-urlencoded;", 200),
        ("multipart/form-data; boundary=\xe9", 400),
        (f"{TYPE}; {'a' * 1000}", 415),
    ],
)
def test_the_content_type_is_checked_before_a_byte_is_read(content_type, status):
    response = send(b"name=a", content_type=content_type)
    assert response.status == status
    assert status == 200 or response.received == 0


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('multipart/form-data; boundary="a, b"', "a, b"),
        ("multipart/form-data;boundary=a:b/c=d ; charset=utf-8;", "a:b/c=d"),
        ('multipart/form-data; x="; boundary=evil"; boundary=good', "good"),
        ('Multipart/Form-Data ; Boundary = "a\\"b"', 'a"b'),
    ],
)
def test_the_boundary_is_read_as_it_was_written(content_type, boundary):
    body = multipart(("name", "a"), boundary=boundary)
    assert send(body, content_type=content_type).text.startswith("Texts(name='a'")


def test_two_content_types_are_400():
    response = send(multipart(("name", "a")), content_type=TYPE, headers=[("content-type", "application/json")])
    assert response.status in {400, 415}
    other = send(multipart(("name", "a")), content_type="application/json", headers=[("content-type", TYPE)])
    assert other.status == 400
    assert other.detail == "The content type has malformed parameters."
    assert other.received == response.received == 0


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("gzip, identity", 415), ("identity", 200), ("", 200)])
def test_an_encoded_body_is_415(encoding, status):
    response = send(b"name=a", headers=[("content-encoding", encoding)])
    assert response.status == status


LIMITS = {"max_parts": 3, "max_part_size": 10, "max_part_header_size": 5}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"name=" + b"x" * 10, 200),
        (b"name=" + b"x" * 11, 413),
        (b"name=" + b"%41" * 10, 200),
        (b"name=" + b"%41" * 11, 413),
        (b"name=a&1=&2=", 200),
        (b"name=a&1=&2=&3", 413),
        (b"name=a&&&&&1=&&&", 200),
        (b"name=a&" + b"n" * 5, 200),
        (b"name=a&" + b"n" * 6, 413),
        (b"name=a&other=" + b"x" * 11, 200),  # Nobody wants it: it is let go as it arrives.
    ],
)
@pytest.mark.parametrize("step", [1, 4, 10**6])
def test_limits_hold_for_url_encoded_forms(body, status, step):
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    assert send(None, chunks=pieces, keywords=LIMITS).status == status


def test_a_value_over_the_limit_is_refused_while_it_arrives():
    pieces = itertools.chain([b"name="], itertools.repeat(b"%41" * 20_000, 10_000))
    response = send(None, chunks=pieces)
    assert response.status == 413
    assert response.received_bytes <= 3 * (1024 * 1024 + 64 * 1024) + 60_000


@pytest.mark.parametrize("step", [1_001, 65_536, 10**6])
def test_an_escape_between_two_pieces_is_one_escape(step):
    body = b"name=" + b"%41" * 100_000 + b"%4"
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    assert (
        post(echo(Texts, lambda form: form.name), chunks=pieces, content_type=URLENCODED).text == "A" * 100_000 + "%4"
    )


def test_a_million_separators_of_another_kind_are_one_value():
    response = send(b"name=" + b"a;" * 500_000)
    assert response.status == 200


@pytest.mark.parametrize(("pair", "status"), [(b"&", None), (b"ab&", 413), (b"=&", 413)])
def test_four_million_separators_in_one_message_are_not_taken_apart_before_the_limit(pair, status):
    """Werkzeug's CVE-2023-25577 and Starlette's CVE-2026-54283: work and memory by the count of separators."""
    body = pair * (4 * 1024 * 1024 // len(pair))
    kept = Kept()
    reader = URLEncodedBody(Limits(), kept)
    refused = None
    tracemalloc.start()
    try:
        reader.feed(body)
    except HTTPError as error:
        refused = error.status
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (refused, len(kept.pairs)) == (status, 0 if status is None else 1_000)
    assert peak < 1_000_000


class Kept(Collector):
    """Keeps every pair."""

    def __init__(self):
        super().__init__(Form(Struct, {}, Codec()), Limits(), Disk())
        self.pairs = []

    def begin(self, name, filename=None, headers=()):
        self.pairs.append([name, b""])

    def add(self, data):
        self.pairs[-1][1] += data

    def end(self): ...


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.binary())), st.integers(1, 9))
def test_pairs_are_what_the_standard_library_encoded(pairs, step):
    body = urlencode(pairs).encode()
    kept = Kept()
    reader = URLEncodedBody(Limits(), kept)
    for start in range(0, len(body), step):
        reader.feed(body[start : start + step])
    reader.close()
    # It writes a surrogate as it cannot be read; Hypothesis gives none.
    assert [(name, value) for name, value in kept.pairs] == [pair for pair in pairs if urlencode([pair])]


@settings(deadline=None)
@given(st.binary().filter(lambda body: body.isascii()), st.integers(1, 5))
def test_any_text_is_read_as_the_standard_library_reads_it(body, step):
    kept = Kept()
    reader = URLEncodedBody(Limits(), kept)
    try:
        for start in range(0, len(body), step):
            reader.feed(body[start : start + step])
        reader.close()
    except HTTPError as error:
        refused = error.status
    else:
        refused = None
    if refused is not None:
        assert refused == 400
        return
    expected = parse_qsl(body.decode(), keep_blank_values=True, errors="surrogateescape")
    assert [(name, value.decode(errors="surrogateescape")) for name, value in kept.pairs] == expected
