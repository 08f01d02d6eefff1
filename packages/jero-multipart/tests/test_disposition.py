"""The head of a part: Content-Disposition is read whole, one way only, and header names are tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from jero_core import HTTPError
from jero_multipart import FilePart
from jero_multipart.disposition import read_disposition

from .form_driver import echo, multipart, post


class Form(Struct):
    x: str = ""
    other: str = ""
    file: FilePart | None = None


def told(form):
    return f"{form.x} {form.other} {form.file and form.file.filename}"


APP = echo(Form, told)


def answer(head, step=10**6):
    body = multipart(head if isinstance(head, bytes) else head.encode())
    response = post(APP, chunks=[body[start : start + step] for start in range(0, len(body), step)])
    return response.text if response.status == 200 else (response.status, response.detail)


WRONG = "no list of parameters"
TWICE = "The multipart body is malformed: the Content-Disposition of a part has a parameter twice."


@pytest.mark.parametrize(
    ("value", "said"),
    [
        # What stands inside a quoted value is no parameter (CVE-2026-53537 and its kind).
        ('form-data; name="x"; foo*="; name=other"', "v  None"),
        ('form-data; name="x"; foo="; name=other"', "v  None"),
        ('form-data; name="file"; filename="a.txt"; filename*="; filename=b.exe"', "  a.txt"),
        ('form-data; name="file"; filename="a.txt"; filename*=UTF-8\'\'b.exe', "  a.txt"),
        ('form-data; name="file"; filename="a.txt"; z="; filename=b.exe"', "  a.txt"),
        # What is no parameter is not skipped.
        ('form-data; name=x y; name="other"', WRONG),
        ('form-data; x@="; name=other"; name', WRONG),
        ('form-data; name="x" junk', WRONG),
        ('form-data; name="x', WRONG),
        ('form-data; name="x"; filename="a', WRONG),
        ('form-data; name="x"; filename', WRONG),
        ('form-data; name="x"; =a', WRONG),
        ('form-data; name="x", form-data; name="other"', WRONG),
        ('form-data name="x"', WRONG),
        ('form-data; name=ü; name="x"', WRONG),
        ('form-data; "name"="x"', WRONG),
        ('form-data; filename="x"', WRONG),
        ('form-data; name*="x"', WRONG),
        ('form-data-x; name="x"', WRONG),
        # Nothing is given twice.
        ('form-data; name="x"; name="other"', TWICE),
        ('form-data; name="x"; NAME=x', TWICE),
        ('form-data; name="file"; filename="a.txt"; filename="b.exe"', TWICE),
        # Other spellings of the grammar (RFC 9110, section 5.6.6).
        ('FORM-DATA ; Name = "x" ;; ; FileName=a ; ', "v  None"),
        ("form-data;name=x", "v  None"),
        # What browsers escape (WHATWG), and what others do (RFC 9110, section 5.6.4).
        ('form-data; name="file"; filename="%22a%22.txt"', '  "a".txt'),
        ('form-data; name="file"; filename="a%20%5C.txt"', "  a%20%5C.txt"),
        (r'form-data; name="file"; filename="a \"b\\\".txt"', '  ".txt'),
        (r'form-data; name="file"; filename="\"b\".txt"', '  "b".txt'),
        (r'form-data; name="file"; filename="C:\dir\a.txt"', "  a.txt"),
        (r'form-data; name="file"; filename="a.txt"; x="\"', "  a.txt"),
        (r'form-data; name="x\"', "  None"),
        # A backslash before a quote may be either: where both readings are whole, nobody knows.
        (r'form-data; name="x"; a="\"; filename="; b="\"; c=""', WRONG),
    ],
)
@pytest.mark.parametrize("step", [1, 10**6])
def test_a_content_disposition_is_read_whole_and_one_way(value, said, step):
    found = answer(f"Content-Disposition: {value}\r\n\r\nv", step)
    if said is TWICE:
        assert found == (400, said)
    elif said is WRONG:
        # Some of these the parser refuses itself.
        assert found[0] == 400
        assert found[1].startswith("The multipart body is malformed: ")
        with pytest.raises(HTTPError, match="is no list of parameters"):
            read_disposition(value)
    else:
        assert found == said


@pytest.mark.parametrize("name", [" ", "\t", "\u2003", "\xa0", "\x1c", "\x85", "\x0b"])
@pytest.mark.parametrize("step", [1, 10**6])
def test_a_header_s_name_is_a_token_and_nothing_is_cut_from_it(name, step):
    """RFC 9112, section 5.1: a name with white space around it is another name to whoever is in front."""
    good = 'Content-Disposition: form-data; name="x"'
    for line in (name + good, good.replace(":", f"{name}:"), f"{good}\r\nX-A{name}: b", f"{good}\r\n{name}: b"):
        status, detail = answer(f"{line}\r\n\r\nv", step)
        assert (status, detail[:32]) == (400, "The multipart body is malformed:")


SAFE = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\0"), max_size=30)


@given(name=SAFE, filename=SAFE, other=SAFE)
def test_what_a_browser_writes_is_what_is_read(name, filename, other):
    def quoted(text):
        return '"' + text.replace('"', "%22") + '"'

    if any(text.endswith("\\") or "%" in text for text in (name, filename, other)):
        return
    value = f"form-data; name={quoted(name)}; filename={quoted(filename)}; x={quoted(other)}"
    assert read_disposition(value) == (name, filename)


@given(name=SAFE, filename=SAFE, other=SAFE)
def test_what_is_escaped_with_backslashes_is_what_is_read(name, filename, other):
    def quoted(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    # Without a quote in it nobody can tell how a value is escaped.
    name += '"'
    value = f"form-data; name={quoted(name)}; x={quoted(other)}; filename={quoted(filename)}"
    try:
        found = read_disposition(value)
    except HTTPError:
        return
    assert found == (name, filename)


@given(
    st.lists(st.sampled_from(["form-data", "; ", ";", " ", "name", "filename", "x", "=", '"', '\\"', "\\", "*", "a"]))
)
def test_any_value_is_read_or_refused(pieces):
    try:
        name, filename = read_disposition("form-data" + "".join(pieces))
    except HTTPError as error:
        name, filename = error.detail, None
        if error.status != 400:
            raise
    assert isinstance(name, str)
    assert filename is None or isinstance(filename, str)
