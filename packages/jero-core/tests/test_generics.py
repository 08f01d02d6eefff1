"""Generic handler classes and generic subclasses of the response wrappers: type variables stand for what is given."""

from typing import Annotated, Generic, TypeVar

import pytest
from msgspec import Meta, Struct

from jero_core import BytesResponse, Endpoint, JSONResponse, Resource
from jero_core.extend import generic_arguments

from .asgi_driver import StartupFailed, app_of, post_json, request


class Widget(Struct):
    id: int


class Gadget(Struct):
    name: str


class Page[T](Struct):
    items: list[T]


class Slot(Struct):
    id: int


class Count(Struct):
    x_count: int


class Store[T](Resource):
    """A base class for resources of anything."""

    def __init__(self, *items: T):
        self.items = items

    async def read_one(self, path: Slot) -> T:
        return self.items[path.id]

    async def read_many(self) -> Page[T]:
        return Page(list(self.items))

    async def create(self, json: Annotated[T, Meta(description="new")]) -> list[T]:
        return [json]


class Widgets(Store[Widget], path="/widgets"): ...


class Gadgets(Store[Gadget], path="/gadgets"): ...


def test_each_subclass_of_a_generic_base_has_its_own_types():
    app = app_of(Widgets(Widget(0)), Gadgets(Gadget("lamp")))
    assert request(app, "GET", "/widgets/0").json == {"id": 0}
    assert request(app, "GET", "/gadgets").json == {"items": [{"name": "lamp"}]}
    assert post_json(app, "/widgets", '{"id": 3}').json == [{"id": 3}]
    assert post_json(app, "/gadgets", '{"id": 3}').status == 422


def test_a_result_is_checked_against_the_type_that_the_subclass_gives(caplog):
    class Mixed(Store[Gadget], path="/mixed"): ...

    assert request(app_of(Mixed(Widget(1))), "GET", "/mixed/0").status == 500
    assert "its annotation says Gadget" in caplog.text


def test_arguments_pass_through_several_bases():
    class Named[A, B](Store[B]): ...

    class Things(Named[int, Widget], path="/things"): ...

    assert request(app_of(Things(Widget(7))), "GET", "/things/0").json == {"id": 7}


def test_annotations_as_strings_know_the_variables_of_the_class():
    class Quoted[T](Endpoint):
        async def post(self, json: "T") -> "list[T]":
            return [json]

    class Things(Quoted[Widget], path="/things"): ...

    assert post_json(app_of(Things()), "/things", '{"id": 1}').json == [{"id": 1}]


def test_a_class_that_is_no_base_gives_no_arguments():
    assert generic_arguments(list[int], JSONResponse) == ()
    assert generic_arguments(int | str, JSONResponse) == ()


def test_variables_in_the_older_spelling_work():
    T = TypeVar("T")

    class Old(Endpoint, Generic[T]):
        async def post(self, json: T) -> T:
            return json

    class Things(Old[Widget], path="/things"): ...

    assert post_json(app_of(Things()), "/things", '{"id": 1}').json == {"id": 1}


def test_a_variable_without_an_argument_is_its_default():
    class Defaulted[T = Widget](Endpoint):
        async def post(self, json: T) -> T:
            return json

    class Things(Defaulted, path="/things"): ...

    assert post_json(app_of(Things()), "/things", '{"id": 1}').json == {"id": 1}


def test_a_variable_that_nothing_stands_for_is_refused_at_startup():
    class Bare(Store, path="/bare"): ...

    with pytest.raises(StartupFailed, match="'T' is a type variable"):
        request(app_of(Bare()), "GET", "/bare")


class Counted[T](JSONResponse[list[T], Count]):
    """A generic wrapper that settles its headers."""


class Swapped[H, T](JSONResponse[T, H]):
    """A generic wrapper with its parameters in another order."""


class Settled(JSONResponse[Widget, Count]):
    """A wrapper that leaves nothing open."""


class Image(BytesResponse[Count]):
    """A wrapper of bytes that settles its headers."""


def answered(annotation, answer):
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> annotation:
            return answer

    return request(app_of(Spot()), "GET", "/spot")


@pytest.mark.parametrize(
    ("annotation", "answer", "body"),
    [
        (Counted[Widget], Counted(json=[Widget(1)], headers=Count(1)), b'[{"id":1}]'),
        (Swapped[Count, Widget], Swapped(json=Widget(1), headers=Count(1)), b'{"id":1}'),
        (Settled, Settled(json=Widget(1), headers=Count(1)), b'{"id":1}'),
        (Annotated[Settled, "documented"], Settled(json=Widget(1), headers=Count(1)), b'{"id":1}'),
        (Image, Image(content=b"png", headers=Count(1)), b"png"),
    ],
)
def test_a_subclass_of_a_wrapper_answers_with_the_types_that_it_settles(annotation, answer, body):
    response = answered(annotation, answer)
    assert (response.status, response.body, response.header("x-count")) == (200, body, "1")


def test_a_generic_wrapper_checks_the_type_that_the_annotation_gives(caplog):
    assert answered(Swapped[Count, Gadget], Swapped(json=Widget(1), headers=Count(1))).status == 500
    assert "Swapped[Count, Gadget]" in caplog.text


def test_a_wrapper_that_leaves_its_type_open_is_refused_at_startup():
    with pytest.raises(StartupFailed, match="Swapped does not say what it holds"):
        answered(Swapped, None)


def test_the_wrapper_itself_is_no_answer_of_its_subclass(caplog):
    assert answered(Settled, JSONResponse(json=Widget(1), headers=Count(1))).status == 500
