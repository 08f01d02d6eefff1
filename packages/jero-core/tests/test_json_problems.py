"""The second pass over a refused JSON body: every invalid place, with the names that the client used."""

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Required, TypedDict

import msgspec
import pytest
from msgspec import Meta, Struct

from jero_core import Endpoint
from jero_core.json_problems import JSONProblems
from jero_core.json_walk import MOST, MOST_TEXT

from .asgi_driver import app_of, post_json


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine is no failure."""
    monkeypatch.setattr("jero_core.json_walk.PATIENCE", 60.0)


class Point(Struct):
    x: int
    y: int = 0


class Twins(Struct):
    left: Point
    rite: Point


class Strict(Struct, forbid_unknown_fields=True, rename="camel"):
    first_name: str
    last_name: str = ""


class Cat(Struct, tag="cat"):
    lives: int


class ClosedCat(Struct, tag="cat", forbid_unknown_fields=True):
    lives: int


class Dog(Struct, tag="dog"):
    name: str


class Cats(Struct):
    first: Cat | Dog
    second: Cat | Dog


class Left(Struct, tag=1, tag_field="side", array_like=True):
    size: int


class Right(Struct, tag=2, tag_field="side", array_like=True):
    size: int


class Row(Struct, array_like=True):
    id: int
    name: str
    note: str = ""


class Loose(Struct, array_like=True):
    id: int = 0
    name: str = ""


class TaggedLoose(Loose, tag="loose", array_like=True):
    """All but the tag may be left out."""


class Closed(Struct, array_like=True, forbid_unknown_fields=True):
    id: int
    size: int


class Holding(Struct, array_like=True):
    point: Point


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


class TypedLoose(TypedDict, total=False):
    a: Required[int]
    b: str


class Named(NamedTuple):
    a: int
    b: str = ""


class Nameds(Struct):
    first: Named
    second: Named
    third: Named


class Pair(NamedTuple):
    a: int
    b: int


UserID = NewType("UserID", int)
type Alias[T] = list[T]
type AtLeastTwo = Annotated[Alias[int], Meta(min_length=2)]


MISSING = "This member is required."
UNKNOWN = "This member is unknown."
INT = "Expected `int`, got `str`"
STR = "Expected `str`, got `int`"

NAMEDS = {"/first/0": INT, "/second/0": INT, "/second/1": STR, "/third/0": MISSING}

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
    (tuple[int], '["x"]', {"/0": INT}),
    (tuple[int, int, str], '["x", "y", 1]', {"/0": INT, "/1": INT, "/2": STR}),
    (Nameds, '{"first": ["x"], "second": ["y", 1], "third": []}', NAMEDS),
    (Closed, '["x", 1, 2]', {"/0": INT, "": "Expected `array` of at most length 2"}),
    (Left | Right, "3", {"": "Expected `array`, got `int`"}),
    (Cat | Dog, '"cat"', {"": "Expected `object`, got `str`"}),
    (Twins, '{"left": {"x": "a"}, "rite": {"x": 1}}', {"/left/x": INT}),
    (Left | Right, "[3, 1]", {"/0": "Invalid value 3"}),
    (Left | Right, "[]", {"/0": MISSING}),
    (Left, '[2, "x"]', {"/0": "Invalid value 2", "/1": "Expected `int`, got `str`"}),
    (Left, "{}", {"": "Expected `array`, got `object`"}),
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
    (Row, '["a", 1, 2, 3]', {"/0": INT, "/1": STR, "/2": STR}),
    (Row, "[]", {"/0": MISSING, "/1": MISSING}),
    (Left, "[1]", {"/1": MISSING}),
    (Left, "[]", {"/0": MISSING, "/1": MISSING}),
    (Loose, '["a", 1]', {"/0": INT, "/1": STR}),
    (TaggedLoose, '["x"]', {"/0": "Invalid value 'x'"}),
    (Closed, "[1, 2, 3, 4]", {"": "Expected `array` of at most length 2"}),
    (Closed, '["a"]', {"/0": INT, "/1": MISSING}),
    (TypedLoose, '{"b": 1}', {"/a": MISSING, "/b": STR}),
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
    (Colour | list[int], '["x"]', {"/0": INT}),
    (bytes | list[int], '["x"]', {"/0": INT}),
    (bytes | list[int] | dict[str, int], '{"a": "x"}', {"/a": INT}),
    (Colour | list[int], '"blue"', {"": "Invalid enum value 'blue'"}),
    (ClosedCat, '{"type": "cat", "lives": "9", "tail": 1}', {"/lives": INT, "/tail": UNKNOWN}),
    (ClosedCat, '{"type": "dog"}', {"/type": "Invalid value 'dog'", "/lives": MISSING}),
    (tuple[Point, int], '[{"x": "a", "y": "b"}, 1]', {"/0/x": INT, "/0/y": INT}),
    (Holding, '[{"x": "a", "y": "b"}]', {"/0/x": INT, "/0/y": INT}),
    (tuple[int, Cat | Dog], '[1, {"type": "x"}]', {"/1/type": "Invalid value 'x'"}),
    (tuple[Cat | Dog, int], '[{"type": "x"}, "x"]', {"/0/type": "Invalid value 'x'", "/1": INT}),
    (
        list[Cat | Dog],
        '[{"type": "cow"}, {"type": "x"}]',
        {"/0/type": "Invalid value 'cow'", "/1/type": "Invalid value 'x'"},
    ),
    (dict[str, Cat | Dog], '{"a": {"type": "cow"}, "b": {}}', {"/a/type": "Invalid value 'cow'", "/b/type": MISSING}),
    (
        Cats,
        '{"first": {"type": "x"}, "second": {"type": "y"}}',
        {"/first/type": "Invalid value 'x'", "/second/type": "Invalid value 'y'"},
    ),
    (Annotated[list[int], Meta(min_length=2)], '["x"]', {"/0": INT, "": "Expected `array` of length >= 2"}),
    (Annotated[dict[str, int], Meta(min_length=2)], '{"a": "x"}', {"/a": INT, "": "Expected `object` of length >= 2"}),
    (Annotated[list[int], Meta(min_length=2)] | None, '["x"]', {"/0": INT, "": "Expected `array` of length >= 2"}),
    (list[AtLeastTwo | None], '[null, ["x"]]', {"/1/0": INT, "/1": "Expected `array` of length >= 2"}),
    (AtLeastTwo | int, '["x"]', {"/0": INT, "": "Expected `array` of length >= 2"}),
    (
        Annotated[dict[str, int], Meta(min_length=2)] | Annotated[str, Meta(min_length=9)],
        '{"a": "x"}',
        {"/a": INT, "": "Expected `object` of length >= 2"},
    ),
    (Annotated[list[int], Meta(min_length=2, max_length=3)], "[1]", {"": "Expected `array` of length >= 2"}),
    (Named, '["x", 1, 2, 3]', {"/0": INT, "/1": STR, "": "Expected `array` of length 1 to 2"}),
    (Pair, '["x", 1, 2]', {"/0": INT, "": "Expected `array` of length 2"}),
    (set, "{}", {"": "Expected `array`, got `object`"}),
    (frozenset[int], '["x"]', {"/0": INT}),
    (dict[UserID, int], '{"a": 1}', {"/a": INT}),
    (dict[Literal["a", "b"], int], '{"a": "x", "c": 1}', {"/a": INT, "/c": "Invalid enum value 'c'"}),
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
    (
        tuple[int, str],
        '["x", 1, 2]',
        {
            "/0": "Expected `int`, got `str`",
            "/1": "Expected `str`, got `int`",
            "": "Expected `array` of length 2",
        },
    ),
    (tuple[int, str], '["x"]', {"/0": "Expected `int`, got `str`", "/1": MISSING}),
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
    (Annotated[list[int], Meta(max_length=2)], '["x"]', {"/0": "Expected `int`, got `str`"}),
    (
        Annotated[dict[str, int], Meta(max_length=1)],
        '{"a": "x", "b": 1}',
        {"/a": "Expected `int`, got `str`", "": "Expected `object` of length <= 1"},
    ),
    (Annotated[dict[str, int], Meta(max_length=1)], '{"a": "x"}', {"/a": "Expected `int`, got `str`"}),
    (list[Annotated[int, []]], '["x"]', {"/0": "Expected `int`, got `str`"}),
    (UserID, '"x"', {"": "Expected `int`, got `str`"}),
    (Annotated[int, Meta(ge=0, extra={"unhashable": []})], "-1", {"": "Expected `int` >= 0"}),
    (int | str, "[]", {"": "Expected `int | str`, got `array`"}),
    (Point | None, '{"x": "a"}', {"/x": "Expected `int`, got `str`"}),
]


def problems_of(annotation, document, **options):
    """What the second pass says of a text, or of a value as one; nothing if the decoder takes it."""
    text = document if isinstance(document, str) else msgspec.json.encode(document)
    try:
        msgspec.json.decode(text, type=annotation)
    except msgspec.ValidationError as error:
        return JSONProblems(annotation).find(msgspec.json.decode(text), error, **options)
    return ()


def found(annotation, document):
    told = [(problem.pointer, problem.detail) for problem in problems_of(annotation, document)]
    assert len(set(told)) == len(told), "a problem is told twice"
    return dict(told)


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
    assert [problem.pointer for problem in problems_of(list[int], items)] == ["/700", "/99999"]


def test_long_mappings_are_looked_through_to_their_end():
    members = {f"k{index}": 1 for index in range(100_000)} | {"last": "x"}
    assert [problem.pointer for problem in problems_of(dict[str, int], members)] == ["/last"]


def test_wrong_keys_of_long_mappings_are_told_in_their_order_with_wrong_values():
    wrong = {0, 1, 510, 511, 512, 513, 1300, 1999}
    members = {(f"k{index}" if index in wrong else str(index)): index for index in range(2000)} | {"700": "x"}
    places = [problem.pointer for problem in problems_of(dict[int, int], members)]
    assert places == [f"/k{index}" for index in sorted(wrong) if index < 700] + ["/700", "/k1300", "/k1999"]


def test_wrong_items_are_told_in_their_order():
    wrong = [0, 1, 511, 512, 513, 1023, 1024, 1999]
    items = [("x" if index in wrong else index) for index in range(2000)]
    assert [problem.pointer for problem in problems_of(list[int], items)] == [f"/{index}" for index in wrong]


@pytest.mark.parametrize("count", [MOST - 1, MOST, MOST + 1, 100_000])
def test_no_more_problems_are_told_than_the_limit(count):
    assert len(problems_of(list[int], ["x"] * count)) == min(count, MOST)


@pytest.mark.parametrize(("characters", "told"), [(0, 1), (26, 1), (27, 2), (53, 2), (54, 3), (81, 4), (1000, 4)])
def test_the_text_of_pointers_and_reasons_together_is_bounded(monkeypatch, characters, told):
    """Each problem has a pointer of 2 characters and a reason of 25."""
    monkeypatch.setattr("jero_core.json_walk.MOST_TEXT", characters)
    assert {len(problem.pointer) + len(problem.detail) for problem in problems_of(list[int], ["x"])} == {27}
    assert len(problems_of(list[int], ["x"] * 4)) == told


def test_a_chain_of_nested_values_is_looked_through_in_time_in_proportion():
    tree = {"value": "x", "children": []}
    for _ in range(200):
        tree = {"value": 1, "children": [{"value": 1}] * 2000 + [tree]}
    (problem,) = problems_of(Tree, tree)
    assert problem.pointer == "/children/2000" * 200 + "/value"


def test_a_value_nested_beyond_the_recursion_limit_is_told_by_the_first_refusal():
    tree = '{"value": 1, "children": [' * 900 + '{"value": "x"}' + "]}" * 900
    assert found(Tree, tree) == {"/children/0" * 900 + "/value": "Expected `int`, got `str`"}


def test_places_begin_with_the_tokens_that_the_caller_gives():
    (problem,) = problems_of(Point, {"x": "a"}, source="form", place=["part/1"])
    assert (problem.source, problem.pointer) == ("form", "/part~11/x")


def test_an_exception_that_is_no_refusal_passes_through():
    class Faulty(Struct):
        number: int

        def __post_init__(self):
            raise LookupError("a fault of the app")

    class Both(Struct):
        first: int
        faulty: Faulty

    with pytest.raises(LookupError):
        problems_of(Both, '{"first": "x", "faulty": {"number": 1}}')


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


# What only the text shows, and what the decoder sees otherwise than a conversion.


def test_a_member_given_twice_of_which_the_first_is_wrong_is_told():
    assert found(Point, '{"x": "a", "x": 1}') == {"/x": "Expected `int`, got `str`"}


@pytest.mark.parametrize(
    ("first", "last", "place"),
    [
        ('{"deep": {"y": 1}}', '{"deep": {"y": ""}}', "/part/deep/y"),
        ('{"deep": {"y": 1}}', '{"deep": {}}', "/part/deep"),
        ('{"deep": {"y": 1}}', '{"deep": null}', "/part/deep"),
        ('{"items": [1, ""]}', '{"items": [1, 2]}', "/part/items/1"),
        ('{"items": [1, ""]}', '{"items": [1]}', "/part/items"),
        ('{"items": [1, ""]}', '{"items": []}', "/part/items"),
        ('{"row": [1, 2]}', '{"row": [1]}', "/part/row"),
        ('{"row": [1, 2]}', '{"row": [1, ""]}', "/part/row/1"),
        ('{"pair": ["", 2]}', '{"pair": [1, 2]}', "/part/pair/0"),
        ('{"map": {"a": ""}}', '{"map": {"a": 1}}', "/part/map"),
        ('{"map": {"x": ""}}', '{"map": {}}', "/part/map"),
        ('{"items": {}}', '{"items": [1]}', "/part/items"),
    ],
)
@pytest.mark.parametrize("patience", [60.0, -1.0], ids=["", "out of time"])
def test_of_a_member_given_twice_as_much_of_the_place_is_told_as_is_sure(monkeypatch, first, last, place, patience):
    monkeypatch.setattr("jero_core.json_walk.PATIENCE", patience)
    deep = msgspec.defstruct("Deep", [("y", str, "")])
    part = msgspec.defstruct(
        "Part",
        [
            ("deep", deep | None, None),
            ("items", list[int], []),
            ("row", Loose | None, None),
            ("pair", tuple[int, int], (0, 0)),
            ("map", dict[str, int], {}),
        ],
    )
    twice = msgspec.defstruct("Twice", [("part", part)])
    assert [*found(twice, f'{{"part": {first}, "part": {last}}}')] == [place]


def test_raw_members_are_no_problem_of_their_own():
    class Both(Struct):
        raw: msgspec.Raw
        number: int

    assert found(Both, '{"raw": [1, {}], "number": "x"}') == {"/number": "Expected `int`, got `str`"}


def test_the_length_of_a_set_is_that_of_its_different_items():
    pair = Annotated[set[int], Meta(max_length=2)]
    assert found(list[pair], '[[1, 1, 2, 2], [1, 2, 3], "x"]').keys() == {"/1", "/2"}


def test_names_with_dots_and_brackets_are_told_whole_where_the_document_says_which():
    class Odd(Struct):
        plain: int = msgspec.field(name="a.b[0]", default=0)

    assert found(Odd, '{"a.b[0]": "x"}') == {"/a.b[0]": "Expected `int`, got `str`"}


def test_a_message_that_quotes_the_client_is_not_taken_for_a_place():
    class Strict2(Struct, forbid_unknown_fields=True):
        x: int = 0

    assert found(Strict2, '{" - at `$.x`": 1}') == {"/ - at `$.x`": "This member is unknown."}


def test_the_text_of_all_problems_together_is_bounded():
    items = [{"n" * 1000: "x"} for _ in range(1000)]
    told = problems_of(list[dict[str, int]], items)
    assert sum(len(problem.pointer) + len(problem.detail) for problem in told) < MOST_TEXT + 2_000


def test_null_counts_as_a_member_that_is_there():
    class Nothing(Struct):
        nothing: None
        number: int

    assert found(Nothing, '{"nothing": 1}') == {"/nothing": "Expected `null`, got `int`", "/number": MISSING}


@pytest.mark.parametrize(("tag", "place"), [('{"type": true}', "/type"), ('{"type": 1.0}', "/type"), ("{}", "/type")])
def test_a_tag_is_compared_with_its_type(tag, place):
    class One(Struct, tag=1):
        pass

    class Two(Struct, tag=2):
        pass

    assert found(One | Two, tag).keys() == {place}


def test_the_first_place_is_told_when_there_is_no_time(monkeypatch):
    monkeypatch.setattr("jero_core.json_walk.PATIENCE", -1.0)
    assert found(Twins, '{"left": {"x": 1}, "rite": {"x": "a"}}') == {"/rite/x": INT}
    assert found(list[Twins], '[{"left": {"x": 1}, "rite": {"x": "a"}}]') == {"/0/rite/x": INT}


def test_the_search_ends_when_its_time_is_up(monkeypatch):
    monkeypatch.setattr("jero_core.json_walk.PATIENCE", -1.0)
    assert found(list[Point], '[{"x": "a"}, {"x": "b"}]') == {"/0/x": "Expected `int`, got `str`"}


class Hashed(Struct):
    numbers: set[Decimal] = set()
    names: dict[Decimal, int] = {}
    pairs: frozenset[tuple[int, Decimal]] = frozenset()
    n: int = 0


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"numbers": [1, "sNaN"]}, ["/numbers"]),
        ({"names": {"sNaN": 1}}, ["/names/sNaN"]),
        ({"n": "x", "pairs": [[1, "sNaN"]]}, ["/n", "/pairs"]),
        ({"numbers": ["sNaN", "y"], "n": "x"}, ["/numbers/1", "/n"]),
    ],
)
def test_a_value_without_a_hash_is_told_like_any_other(body, places):
    response = post_json(app_of(Hashes()), "/hashes", json.dumps(body))
    assert response.status == 422
    assert [place for _, place in response.invalid] == places


class Hashes(Endpoint, path="/hashes"):
    async def post(self, json: Hashed) -> None: ...


def test_a_fault_of_the_app_in_a_type_with_keys_is_a_500(caplog):
    def fail():
        raise TypeError("a secret")

    inner = msgspec.defstruct("Inner", [("word", str, msgspec.field(default_factory=fail))])
    faulty = msgspec.defstruct(
        "Faulty", [("numbers", set[Decimal], set()), ("n", int, 0), ("inner", inner | None, None)]
    )

    class Spot(Endpoint, path="/spot"):
        async def post(self, json: faulty) -> None: ...

    for body in ('{"inner": {}}', '{"n": "x", "inner": {}}'):
        assert post_json(app_of(Spot()), "/spot", body).status == 500
        assert "a secret" in caplog.text
        caplog.clear()
