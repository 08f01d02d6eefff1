"""msgspec's hooks, honoured wherever a value is converted, and when a contract is checked."""

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint, JSONResponse

from .asgi_driver import StartupFailed, app_of, post_json, request


class Colour:
    """A class that msgspec does not know."""

    def __init__(self, red, green, blue):
        self.parts = red, green, blue

    def __str__(self):
        return "#{:02x}{:02x}{:02x}".format(*self.parts)


def to_builtin(value):
    if isinstance(value, Colour):
        return str(value)
    raise NotImplementedError(f"cannot encode {type(value)}")


def from_builtin(type_, value):
    if type_ is not Colour:
        raise NotImplementedError(f"cannot decode {type_}")
    if len(value) != 7:
        raise ValueError("Expected a colour such as #ff8800")
    return Colour(*bytes.fromhex(value[1:]))


class Hooked(BaseApp):
    enc_hook = to_builtin
    dec_hook = from_builtin


class Paint(Struct):
    colour: Colour


class Coat(Struct):
    x_colour: Colour


class Body(Endpoint, path="/body"):
    async def post(self, json: Paint) -> Paint:
        assert isinstance(json.colour, Colour)
        return json


class Query(Endpoint, path="/query"):
    async def get(self, params: Paint) -> Paint:
        return params


class Slot(Endpoint, path="/slot/{colour}"):
    async def get(self, path: Paint) -> Paint:
        return path


class Headers(Endpoint, path="/headers"):
    async def get(self, headers: Coat) -> JSONResponse[Paint, Coat]:
        return JSONResponse(json=Paint(headers.x_colour), headers=headers)


def hooked(*routables):
    return app_of(*routables, base=Hooked)


def test_a_body_is_decoded_and_encoded_with_the_hooks():
    response = post_json(hooked(Body()), "/body", '{"colour": "#010203"}')
    assert (response.status, response.json) == (200, {"colour": "#010203"})


def test_a_query_value_is_converted_with_the_hook():
    assert request(hooked(Query()), "GET", "/query?colour=%23010203").json == {"colour": "#010203"}


def test_a_path_slot_is_converted_with_the_hook():
    assert request(hooked(Slot()), "GET", "/slot/%23010203").json == {"colour": "#010203"}


def test_headers_are_converted_with_the_hooks_both_ways():
    response = request(hooked(Headers()), "GET", "/headers", headers=[("x-colour", "#010203")])
    assert response.json == {"colour": "#010203"}
    assert response.header("x-colour") == "#010203"


@pytest.mark.parametrize(
    ("send", "status", "invalid"),
    [
        (lambda: post_json(hooked(Body()), "/body", '{"colour": "red"}'), 422, [("json", "/colour")]),
        (lambda: request(hooked(Query()), "GET", "/query?colour=red"), 400, [("params", "/colour")]),
        (
            lambda: request(hooked(Headers()), "GET", "/headers", headers=[("x-colour", "red")]),
            400,
            [("headers", "/x-colour")],
        ),
    ],
)
def test_what_the_hook_refuses_is_an_invalid_value(send, status, invalid):
    response = send()
    assert (response.status, response.invalid) == (status, invalid)
    assert response.json["errors"][0]["detail"] == "Expected a colour such as #ff8800"


class Palette(Struct):
    colours: Annotated[list[Colour], Meta(min_length=1)]
    shades: Annotated[dict[int, Colour], Meta(max_length=1)] = {}
    rest: list = []
    more: dict = {}


class Palettes(Endpoint, path="/palettes"):
    async def post(self, json: list[Palette]) -> None: ...


def test_the_search_for_problems_asks_the_hook_for_nothing_but_the_contract_s_types():
    second = '{"colours": ["red"], "shades": {"x": "#010203", "1": "red"}, "rest": [1], "more": {"a": 1}}'
    response = post_json(hooked(Palettes()), "/palettes", f'[{{"colours": []}}, {second}]')
    assert response.status == 422
    places = ["/0/colours", "/1/colours/0", "/1/shades/x", "/1/shades/1", "/1/shades"]
    assert [pointer for _, pointer in response.invalid] == places


def test_a_path_slot_that_the_hook_refuses_is_not_found():
    assert request(hooked(Slot()), "GET", "/slot/red").status == 404


@pytest.mark.parametrize("routable", [Body, Query, Slot, Headers])
def test_without_hooks_a_type_that_msgspec_does_not_know_is_refused_at_startup(routable):
    with pytest.raises(StartupFailed, match=r"Paint\.colour|Coat\.x_colour"):
        request(app_of(routable()), "GET", "/")


def test_a_hook_for_one_way_does_not_allow_the_other():
    class OneWay(BaseApp):
        enc_hook = to_builtin

    with pytest.raises(StartupFailed) as failure:
        request(app_of(Body(), base=OneWay), "GET", "/")
    assert "JSON cannot carry Paint.colour: Colour" in str(failure.value)
    assert "1 declaration is wrong" in str(failure.value)


def test_hooks_may_be_static_methods():
    class Static(BaseApp):
        @staticmethod
        def enc_hook(value):
            return to_builtin(value)

        @staticmethod
        def dec_hook(type_, value):
            return from_builtin(type_, value)

    assert post_json(app_of(Body(), base=Static), "/body", '{"colour": "#010203"}').status == 200


def test_a_hook_that_fails_is_a_logged_500(caplog):
    class Broken(BaseApp):
        enc_hook = to_builtin

        @staticmethod
        def dec_hook(type_, value):
            raise RuntimeError("no colours today")

    response = post_json(app_of(Body(), base=Broken), "/body", '{"colour": "#010203"}')
    assert response.status == 500
    assert "no colours today" not in response.body.decode()
    assert "no colours today" in caplog.text


def test_a_builtin_without_a_signature_may_be_a_hook():
    class Odd(BaseApp):
        enc_hook = dict

    assert request(app_of(base=Odd), "GET", "/").status == 404


class Region:
    """Of a client's making by a hook, and no set for all its method."""

    def __init__(self, ends):
        self.ends = ends

    def isdisjoint(self, other): ...


class Regions(Struct):
    regions: list[Region]


class RegionsEndpoint(Endpoint, path="/regions"):
    async def post(self, json: Regions) -> None: ...


def test_a_class_that_a_hook_makes_may_have_methods_of_a_set():
    class Hooked(BaseApp):
        @staticmethod
        def dec_hook(type_, value):
            return type_(value)

    assert post_json(app_of(RegionsEndpoint(), base=Hooked), "/regions", '{"regions": [[1, 2]]}').status == 204
