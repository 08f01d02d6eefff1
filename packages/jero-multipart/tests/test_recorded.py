"""What browsers and HTTP clients really send (recorded/record.py), and what a handler gets of it."""

from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from jero_multipart import FilePart, FormPart, SpooledFilePart

from .form_driver import echo, post

RECORDED = Path(__file__).parent / "recorded"


class Label(Struct):
    text: str
    size: int


class Note(Struct):
    x_note: str | None = None


class Form(Struct):
    title: str
    text: str | None = None
    tags: list[str] = []
    empty: str | None = None
    photo: FilePart[Note] | None = None
    none: FilePart | None = None
    many: list[SpooledFilePart] = []
    meta: FormPart[Label] | None = None


class Texts(Struct):
    title: str
    text: str | None = None
    tags: list[str] = []
    empty: str | None = None


async def told(form):
    """What is in a form, without defaults."""
    found = {}
    for name in form.__struct_fields__:
        value = getattr(form, name)
        if isinstance(value, FilePart):
            value = [
                value.filename,
                value.content_type,
                value.data.decode("latin-1"),
                value.headers and value.headers.x_note,
            ]
        elif isinstance(value, FormPart):
            value = [value.content_type, value.data.text, value.data.size]
        elif name == "many":
            value = [[file.filename, file.content_type, (await file.read()).decode()] for file in value]
        if value not in (None, []):
            found[name] = value
    return msgspec.json.encode(found).decode()


EXPECTED = {
    "chromium-form": {
        "title": 'Größe "☕"',
        "text": "one\r\ntwo",
        "tags": ["a", "b"],
        "empty": "",
        "photo": ['a "b" ☕.png', "image/png", "\0\r\n--ÿ", None],
        "many": [["1.txt", "text/plain", "first"], ["2.txt", "application/octet-stream", ""]],
    },
    "chromium-fetch": {
        "title": "Größe",
        "photo": ["ü.png", "image/png", "png", None],
        "meta": ["application/json", "☕", 2],
    },
    "curl": {
        "title": "Größe",
        "tags": ["a", "b"],
        "photo": ['a "b".txt', "text/plain", "line\r\n--line\n", None],
        "meta": ["application/json", "x", 2],
    },
    "curl-chunked": {
        "title": "Größe",
        "tags": ["a", "b"],
        "photo": ['a "b".txt', "image/png", "line\r\n--line\n", None],
    },
    "curl-part-headers": {"title": "Größe", "photo": ['a "b".txt', "text/plain", "line\r\n--line\n", "n"]},
    # httpx writes a backslash twice; what is left of it is the path component behind it.
    "httpx": {
        "title": "Größe",
        "tags": ["a", "b"],
        "photo": ["ü.png", "image/png", "png", "n"],
        "meta": ["application/json", "x", 2],
    },
}
EXPECTED_TEXTS = {
    "chromium-urlencoded": {
        "title": 'Größe "☕"',
        "text": "one\r\ntwo",
        "tags": ["a", "b"],
        "empty": "",
    },
    "curl-urlencoded": {"title": "Größe & +%", "tags": ["a", "b"]},
    "httpx-urlencoded": {"title": "Größe & +%", "tags": ["a", "b"]},
}


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize("name", sorted(EXPECTED | EXPECTED_TEXTS))
def test_what_a_client_sends_is_what_a_handler_gets(name, step):
    content_type, _, body = (RECORDED / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    app = echo(Form if name in EXPECTED else Texts, told)
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    response = post(app, chunks=pieces, content_type=content_type.decode())
    assert response.status == 200, response.text
    assert response.json == (EXPECTED | EXPECTED_TEXTS)[name]


class Nothing(Struct, forbid_unknown_fields=True): ...


@pytest.mark.parametrize("name", ["chromium-form", "chromium-urlencoded"])
def test_a_name_is_what_the_page_called_it(name):
    content_type, _, body = (RECORDED / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    invalid = post(echo(Nothing), body, content_type=content_type.decode()).invalid
    assert invalid['/odd "name"\r\nx'] == "This part is unknown."


def test_every_recording_is_tested():
    assert {path.stem for path in RECORDED.glob("*.http")} == {*EXPECTED, *EXPECTED_TEXTS}
