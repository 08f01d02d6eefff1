"""`plan_head` for a response that sends its body itself, and paths that do not lead into a document to their end."""

import msgspec
import pytest
from msgspec import Struct

from jero_core import Endpoint
from jero_core.extend import Fragment, Reply, plan_head
from jero_core.json_paths import sure_place

from .asgi_driver import app_of, request


class Pieces(Struct):
    """Two messages of a body whose length is not announced."""

    headers: None = None
    raw_headers: dict | None = None
    status_code: int | None = None
    location: None = None
    links: None = None

    @classmethod
    def __jero_reply__(cls, returned, context, /):
        head = plan_head(None, context, defaults={b"content-type": b"text/x-pieces"}, is_whole=False)
        send = Fragment.of(
            """
            await $send({'type': 'http.response.start', 'status': status, 'headers': headers})
            await $send({'type': 'http.response.body', 'body': b'a', 'more_body': True})
            await $send({'type': 'http.response.body', 'body': b'b'})
            """
        )
        return Reply(head.render, context.status, "text/x-pieces", bytes, decides_head=True, send=send)


class Spot(Endpoint, path="/spot"):
    async def get(self) -> Pieces:
        return Pieces(raw_headers={"x-more": "yes"}, status_code=203)


def test_the_head_of_a_body_in_pieces_announces_no_length():
    response = request(app_of(Spot()), "GET", "/spot")
    assert (response.status, response.body) == (203, b"ab")
    assert response.headers == [("content-type", "text/x-pieces"), ("x-more", "yes")]


@pytest.mark.parametrize(
    ("path", "document", "tokens"),
    [
        ("$.a.b", {"a": 1}, ["a"]),
        ("$.a.b", {"c": 1}, []),
        ("$.a[0].b", {"a": [{"b": 1}]}, ["a", "0", "b"]),
        ("$.a[3]", {"a": [1]}, ["a"]),
        ("$[...].b", [1], []),
    ],
)
def test_a_place_is_told_as_far_as_the_document_has_it(path, document, tokens):
    error = msgspec.ValidationError(f"Expected `int`, got `str` - at `{path}`")
    assert sure_place(error, document) == ("Expected `int`, got `str`", tokens)
