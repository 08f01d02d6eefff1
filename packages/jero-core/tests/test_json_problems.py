"""The second pass over a refused JSON body: every invalid place, with the names that the client used."""

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, TypedDict

import msgspec
import pytest
from msgspec import Meta, Struct

from jero_core import Endpoint
from jero_core.json_problems import MOST, JSONProblems

from .asgi_driver import app_of, post_json


class Point(Struct):
    x: int
    y: int = 0


class Strict(Struct, forbid_unknown_fields=True, rename="camel"):
    first_name: str
    last_name: str = ""


class Cat(Struct, tag="cat"):
    lives: int


class Dog(Struct, tag="dog"):
    name: str


class Left(Struct, tag=1, tag_field="side", array_like=True):
    size: int


class Right(Struct, tag=2, tag_field="side", array_like=True):
    size: int


class Row(Struct, array_like=True):
    id: int
    name: str
    note: str = ""


class Page[T](Struct):
    items: list[T]
    total: int


class Tree(Struct):
    value: int
    children: list["Tree"] = []


class Checked(Struct):
    low: int
    high: int

    def __post_init__(self):
        if self.low > self.high:
            raise ValueError("low is above high")


class Colour(enum.Enum):
    RED = "red"


class Odd(Struct):
    slashed: int = msgspec.field(name="a/b~c")
    dotted: int = msgspec.field(name="a.b[0]")
    plain: int = msgspec.field(name="a")


class Holder(Struct):
    raw: msgspec.Raw
    number: int


@dataclass
class Data:
    a: int
    b: str = ""
    c: list[int] = field(default_factory=list)


class Typed(TypedDict):
    a: int
    b: NotRequired[str]


class Named(NamedTuple):
    a: int
    b: str = ""


UserID = NewType("UserID", int)
type Alias[T] = list[T]


CASES = [
    (Point, '{"x": "1", "y": null}', {"/x": "Expected `int`, got `str`", "/y": "Expected `int`, got `null`"}),
    (Point, "{}", {"/x": "This member is required."}),
    (Point, "[]", {"": "Expected `object`, got `array`"}),
    (Point, "null", {"": "Expected `object`, got `null`"}),
    (
        Strict,
        '{"firstName": 1, "first_name": "a", "lastName": 2, "more": 3}',
        {
            "/firstName": "Expected `str`, got `int`",
            "/first_name": "This member is unknown.",
            "/lastName": "Expected `str`, got `int`",
            "/more": "This member is unknown.",
        },
    ),
    (Strict, "{}", {"/firstName": "This member is required."}),
    (Cat | Dog, '{"type": "cat", "lives": "9"}', {"/lives": "Expected `int`, got `str`"}),
    (Cat | Dog, '{"type": "dog"}', {"/name": "This member is required."}),
    (Cat | Dog, '{"type": "cow"}', {"/type": "Invalid value 'cow'"}),
    (Cat | Dog, "{}", {"/type": "This member is required."}),
    (Cat | Dog, "3", {"": "Expected `object`, got `int`"}),
    (Cat, '{"type": "dog", "lives": "9"}', {"/type": "Invalid value 'dog'", "/lives": "Expected `int`, got `str`"}),
    (Left | Right, '[1, "x"]', {"/1": "Expected `int`, got `str`"}),
    (Cat | list[int], '["x", 1]', {"/0": "Expected `int`, got `str`"}),
    (Cat | dict[str, int] | None, '{"type": "x"}', None),
    (
        list[Cat | Dog],
        '[{"type": "dog"}, {"type": "x"}]',
        {"/0/name": "This member is required.", "/1/type": "Invalid value 'x'"},
    ),
    (list[Point], '[{"x": 1}, {}, 3]', {"/1/x": "This member is required.", "/2": "Expected `object`, got `int`"}),
    (Row, '["a"]', {"/0": "Expected `int`, got `str`", "/1": "This member is required."}),
    (Row, "{}", {"": "Expected `array`, got `object`"}),
    (
        Page[Point],
        '{"items": [{"x": "a"}], "total": "b"}',
        {"/items/0/x": "Expected `int`, got `str`", "/total": "Expected `int`, got `str`"},
    ),
    (Alias[Point], '[{"x": "a"}]', {"/0/x": "Expected `int`, got `str`"}),
    (
        Tree,
        '{"value": 1, "children": [{"value": "a", "children": [{}]}, {"value": "b"}]}',
        {
            "/children/0/value": "Expected `int`, got `str`",
            "/children/0/children/0/value": "This member is required.",
            "/children/1/value": "Expected `int`, got `str`",
        },
    ),
    (Checked, '{"low": 2, "high": 1}', {"": "low is above high"}),
    (
        list[Checked],
        '[{"low": 2, "high": 1}, {"low": "x", "high": 1}]',
        {"/0": "low is above high", "/1/low": "Expected `int`, got `str`"},
    ),
    (Colour, '"blue"', {"": "Invalid enum value 'blue'"}),
    (Literal["a", "b"], '"c"', {"": "Invalid enum value 'c'"}),
    (
        Odd,
        '{"a/b~c": "x", "a.b[0]": "y", "a": "z"}',
        {
            "/a~1b~0c": "Expected `int`, got `str`",
            "/a.b[0]": "Expected `int`, got `str`",
            "/a": "Expected `int`, got `str`",
        },
    ),
    (Odd, '{"a/b~c": 1, "a.b[0]": "y", "a": 1}', {"/a.b[0]": "Expected `int`, got `str`"}),
    (Holder, '{"raw": {"any": []}, "number": "x"}', {"/number": "Expected `int`, got `str`"}),
    (
        Data,
        '{"b": 1, "c": ["x"]}',
        {"/a": "This member is required.", "/b": "Expected `str`, got `int`", "/c/0": "Expected `int`, got `str`"},
    ),
    (Typed, '{"b": 1}', {"/a": "This member is required.", "/b": "Expected `str`, got `int`"}),
    (Named, '["x", 1]', {"/0": "Expected `int`, got `str`", "/1": "Expected `str`, got `int`"}),
    (Named, "[]", {"/0": "This member is required."}),
    (tuple[int, str], '["x", 1]', {"/0": "Expected `int`, got `str`", "/1": "Expected `str`, got `int`"}),
    (tuple[int, str], '"x"', {"": "Expected `array`, got `str`"}),
    (tuple[int, ...], '[1, "x"]', {"/1": "Expected `int`, got `str`"}),
    (set[int], '[1, "x", "y"]', {"/1": "Expected `int`, got `str`", "/2": "Expected `int`, got `str`"}),
    (Sequence[int], '["x"]', {"/0": "Expected `int`, got `str`"}),
    (dict[int, int], '{"a": 1, "1": "b"}', {"/a": "Expected `int`, got `str`", "/1": "Expected `int`, got `str`"}),
    (Mapping[str, Point], '{"p": {}}', {"/p/x": "This member is required."}),
    (dict[str, int], "[]", {"": "Expected `object`, got `array`"}),
    (list[int], "{}", {"": "Expected `array`, got `object`"}),
    (list, "{}", {"": "Expected `array`, got `object`"}),
    (dict, "[]", {"": "Expected `object`, got `array`"}),
    (
        Annotated[list[int], Meta(max_length=2)],
        '[1, "x", 3]',
        {"/1": "Expected `int`, got `str`", "": "Expected `array` of length <= 2"},
    ),
    (Annotated[list[int], Meta(max_length=2)], "[1, 2, 3]", {"": "Expected `array` of length <= 2"}),
    (Annotated[list[int], Meta(description="short")], '["x"]', {"/0": "Expected `int`, got `str`"}),
    (UserID, '"x"', {"": "Expected `int`, got `str`"}),
    (Annotated[int, Meta(ge=0, extra={"unhashable": []})], "-1", {"": "Expected `int` >= 0"}),
    (int | str, "[]", {"": "Expected `int | str`, got `array`"}),
    (Point | None, '{"x": "a"}', {"/x": "Expected `int`, got `str`"}),
]


def found(annotation, document):
    return {problem.pointer: problem.detail for problem in JSONProblems(annotation).find(msgspec.json.decode(document))}


@pytest.mark.parametrize(("annotation", "document", "problems"), [case for case in CASES if case[2] is not None])
def test_every_invalid_place_is_found(annotation, document, problems):
    assert found(annotation, document) == problems


@pytest.mark.parametrize(
    ("annotation", "document"),
    [(Point, '{"x": 1}'), (Cat | Dog, '{"type": "cat", "lives": 9}'), (Any, "[]"), (dict[int, int], '{"1": 1}')],
)
def test_a_valid_value_has_no_problem(annotation, document):
    assert found(annotation, document) == {}


def test_long_lists_are_looked_through_to_their_end():
    items = [1] * 100_000
    items[700] = items[99_999] = "x"
    assert [problem.pointer for problem in JSONProblems(list[int]).find(items)] == ["/700", "/99999"]


def test_long_mappings_are_looked_through_to_their_end():
    members = {f"k{index}": 1 for index in range(100_000)} | {"last": "x"}
    assert [problem.pointer for problem in JSONProblems(dict[str, int]).find(members)] == ["/last"]


def test_no_more_problems_are_told_than_the_limit():
    assert len(JSONProblems(list[int]).find(["x"] * 100_000)) == MOST


def test_a_chain_of_nested_values_is_looked_through_in_time_in_proportion():
    tree = {"value": "x", "children": []}
    for _ in range(200):
        tree = {"value": 1, "children": [{"value": 1}] * 2000 + [tree]}
    (problem,) = JSONProblems(Tree).find(tree)
    assert problem.pointer == "/children/2000" * 200 + "/value"


def test_a_value_nested_beyond_the_recursion_limit_ends_the_search_quietly():
    tree = {"value": "x"}
    for _ in range(100_000):
        tree = {"value": 1, "children": [tree]}
    assert JSONProblems(Tree).find(tree) == ()
    while tree.get("children"):  # Freed level by level: the interpreter would recurse.
        tree = tree["children"].pop()


def test_places_begin_with_the_tokens_that_the_caller_gives():
    (problem,) = JSONProblems(Point).find({"x": "a"}, source="form", place=["part/1"])
    assert (problem.source, problem.pointer) == ("form", "/part~11/x")


def test_an_exception_that_is_no_refusal_passes_through():
    class Faulty(Struct):
        number: int

        def __post_init__(self):
            raise LookupError("a fault of the app")

    with pytest.raises(LookupError):
        JSONProblems(Faulty).find({"number": 1})


def test_a_fault_of_the_app_in_the_second_pass_is_a_500(caplog):
    class Faulty(Struct):
        number: int

        def __post_init__(self):
            raise LookupError("a fault of the app")

    class Both(Struct):
        first: int
        faulty: Faulty

    class Spot(Endpoint, path="/spot"):
        async def post(self, json: Both) -> None: ...

    response = post_json(app_of(Spot()), "/spot", '{"first": "x", "faulty": {"number": 1}}')
    assert response.status == 500
    assert "a fault of the app" in caplog.text


def test_the_answer_has_every_problem():
    class Spot(Endpoint, path="/spot"):
        async def post(self, json: list[Point]) -> None: ...

    response = post_json(app_of(Spot()), "/spot", json.dumps([{"x": "a"}, {}, 3]))
    assert (response.status, response.json["errors"]) == (
        422,
        [
            {"source": "json", "pointer": "/0/x", "detail": "Expected `int`, got `str`"},
            {"source": "json", "pointer": "/1/x", "detail": "This member is required."},
            {"source": "json", "pointer": "/2", "detail": "Expected `object`, got `int`"},
        ],
    )
