"""Forms: what fields take, what they get when there is no part, and what is told of those that do not fit."""

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from jero_core import BaseApp, Endpoint
from jero_multipart import FilePart, FormPart, FormSource, SpooledFilePart

from .form_driver import FormApp, app_of, echo, form_post, multipart, part, post


class Colour(enum.Enum):
    RED = "red"


class Label(Struct):
    text: str
    size: Annotated[int, Meta(ge=1)] = 1


class Cat(Struct, tag="cat"):
    lives: int


class Dog(Struct, tag="dog"):
    name: str


class Upload[P](Struct):
    value: P
    more: list[P] = []


class Held[T](Struct):
    value: FormPart[T]


def form_of(annotation, default=msgspec.NODEFAULT, **config):
    field = ("value", annotation) if default is msgspec.NODEFAULT else ("value", annotation, default)
    return msgspec.defstruct("Form", [field], **config)


def value_of(annotation, *contents, default=msgspec.NODEFAULT, **options):
    """The repr of what a field gets for these parts."""
    app = echo(form_of(annotation, default), lambda form: repr(form.value))
    parts = [("value", content) if not isinstance(content, tuple) else ("value", *content) for content in contents]
    response = form_post(app, *parts, **options)
    return response.text if response.status == 200 else (response.status, response.invalid)


@pytest.mark.parametrize(
    ("annotation", "content", "value"),
    [
        (str, "Größe ☕", "Größe ☕"),
        (str, "", ""),
        (str, " a\r\nb ", " a\r\nb "),
        (int, "-20", -20),
        (float, "1e3", 1000.0),
        (bool, "true", True),
        (bool, "0", False),
        (Colour, "red", Colour.RED),
        (Literal["a", 3], "3", 3),
        (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678123456781234567812345678")),
        (datetime.datetime, "2024-01-02T03:04:05", datetime.datetime(2024, 1, 2, 3, 4, 5)),  # noqa: DTZ001
        (datetime.date, "2024-01-02", datetime.date(2024, 1, 2)),
        (Decimal, "1.50", Decimal("1.50")),
        (int | str, "12", "12"),  # as core takes it in a query
        (int | str, "x", "x"),
        (int | None, "7", 7),
        (int | UnsetType, "7", 7),
        (Annotated[str, Meta(max_length=3)], "abc", "abc"),
        (bytes, b"\x00\xff\r\n--", b"\x00\xff\r\n--"),
        (bytes | None, b"", b""),
        (Annotated[bytes, Meta(max_length=3)], b"abc", b"abc"),
        (Label, '{"text": "a", "size": 2}', Label("a", 2)),
        (Label | None, "null", None),
        (Cat | Dog, '{"type": "dog", "name": "Rex"}', Dog("Rex")),
    ],
)
def test_a_part_becomes_the_value_of_its_field(annotation, content, value):
    assert value_of(annotation, content) == repr(value)


@pytest.mark.parametrize(
    ("annotation", "contents", "value"),
    [
        (list[str], ["a", "b", "a"], ["a", "b", "a"]),
        (list[int], ["1"], [1]),
        (set[int], ["1", "1"], {1}),
        (frozenset[int], ["1"], frozenset({1})),
        (tuple[int, ...], ["1", "2"], (1, 2)),
        (list[int] | None, ["1"], [1]),
        (list[bytes], [b"a", b""], [b"a", b""]),
        (list[Label], ['{"text": "a"}', '{"text": "b"}'], [Label("a"), Label("b")]),
        (Annotated[list[int], Meta(min_length=2, max_length=2)], ["1", "2"], [1, 2]),
    ],
)
def test_parts_of_one_name_are_collected(annotation, contents, value):
    assert value_of(annotation, *contents) == repr(value)


@pytest.mark.parametrize(
    ("annotation", "contents", "invalid"),
    [
        (int, ["x"], {"/value": "Expected `int`, got `str`"}),
        (float, ["nan"], {"/value": "Expected a finite number"}),
        (str, [b"\xff"], {"/value": "The text is not valid UTF-8."}),
        (str, ["a", "b", "c"], {"/value": "This part may be given only once."}),
        (str, [], {"/value": "This part is required."}),
        (list[str], [], {"/value": "This part is required."}),
        (Annotated[str, Meta(max_length=3)], ["abcd"], {"/value": "Expected `str` of length <= 3"}),
        (Annotated[bytes, Meta(max_length=3)], [b"abcd"], {"/value": "Expected `bytes` of length <= 3"}),
        (Annotated[bytes, Meta(max_length=3)] | None, [b"abcd"], {"/value": "Expected `bytes` of length <= 3"}),
        (Annotated[bytes, Meta(max_length=3)] | UnsetType, [b"abcd"], {"/value": "Expected `bytes` of length <= 3"}),
        (
            list[int],
            ["1", "x", "2", "y"],
            {"/value/1": "Expected `int`, got `str`", "/value/3": "Expected `int`, got `str`"},
        ),
        (Annotated[list[int], Meta(max_length=1)], ["1", "2"], {"/value": "Expected `array` of length <= 1"}),
        (Annotated[set[int], Meta(min_length=2)], ["1", "1"], {"/value": "Expected `array` of length >= 2"}),
        (Annotated[list[int], Meta(min_length=2)], ["x"], {"/value/0": "Expected `int`, got `str`"}),
        (
            Label,
            ['{"text": 3, "size": 0}'],
            {"/value/text": "Expected `str`, got `int`", "/value/size": "Expected `int` >= 1"},
        ),
        (list[Label], ['{"text": "a"}', '{"text": 1}'], {"/value/1/text": "Expected `str`, got `int`"}),
        (Label, ["{"], {"/value": "Input data was truncated"}),
        (Label, [b'{"text": "\xff"}'], {"/value": "The part is no JSON text."}),
        (Label, ['{"text": 3, '], {"/value": "The part is no JSON text."}),
        (Label, ['{"text": "a", "more": ' + "[" * 100_000], {"/value": "The part is nested too deeply."}),
    ],
)
def test_what_does_not_fit_is_422_with_its_place(annotation, contents, invalid):
    assert value_of(annotation, *contents) == (422, invalid)


class Article(Struct, rename="camel", forbid_unknown_fields=True):
    head_line: Annotated[str, Meta(min_length=1)]
    label: Label
    image: FilePart
    tags: list[int] = []
    year: int = 2000


def test_every_problem_is_told_with_the_names_that_the_client_used():
    response = form_post(
        echo(Article),
        ("headLine", ""),
        ("tags", "1"),
        ("tags", "?"),
        ("label", '{"text": 1, "size": "2"}'),
        ("image", b"no file"),
        ("year", "1"),
        ("year", "2"),
        ("a/b~c", ""),
    )
    assert response.status == 422
    assert response.detail == "The form is invalid."
    assert response.invalid == {
        "/headLine": "Expected `str` of length >= 1",
        "/tags/1": "Expected `int`, got `str`",
        "/label/text": "Expected `str`, got `int`",
        "/label/size": "Expected `int`, got `str`",
        "/image": "This part must be a file: it has no filename.",
        "/year": "This part may be given only once.",
        "/a~1b~0c": "This part is unknown.",
    }


def test_a_missing_part_is_told_beside_the_wrong_ones():
    response = form_post(echo(Article), ("year", "x"))
    assert sorted(response.invalid) == ["/headLine", "/image", "/label", "/year"]


def test_parts_that_the_struct_does_not_name_are_let_go():
    assert form_post(echo(form_of(int)), ("other", "x" * 100_000), ("value", "1"), ("", "")).text == "Form(value=1)"


def test_a_tag_s_name_is_no_unknown_part():
    form = form_of(int, tag="form", tag_field="kind", forbid_unknown_fields=True)
    assert form_post(echo(form), ("value", "1"), ("kind", "form")).status == 200


@pytest.mark.parametrize(
    ("annotation", "default", "value"),
    [
        (int, 7, 7),
        (str | None, "a", "a"),
        (int | UnsetType, UNSET, UNSET),
        (list[int], [], []),
        (FilePart | None, None, None),
        (int | None, msgspec.NODEFAULT, None),
        (SpooledFilePart | None, msgspec.NODEFAULT, None),
        (list[int] | None, msgspec.NODEFAULT, None),
    ],
)
def test_without_a_part_a_field_gets_its_default_or_none_where_it_may_be_none(annotation, default, value):
    assert value_of(annotation, default=default) == repr(value)


def test_a_default_factory_is_called_for_each_form():
    form = form_of(list[int], msgspec.field(default_factory=list))

    def answer(got):
        got.value.append(1)
        return repr(got.value)

    app = echo(form, answer)
    assert [form_post(app).text, form_post(app).text] == ["[1]", "[1]"]


class Range(Struct):
    low: int
    high: int = 9

    def __post_init__(self):
        if self.low > self.high:
            raise ValueError("low is above high")


def test_a_post_init_that_refuses_the_form_is_told_of_the_whole():
    assert form_post(echo(Range), ("low", "10")).invalid == {"": "low is above high"}


class PartHead(Struct):
    x_note: str
    x_size: Annotated[int, Meta(ge=1)] = 1


def describe(form):
    value = form.value
    pairs = value.raw_headers.multi_items()
    return f"{value.data!r} {value.content_type} {value.headers} {pairs} {getattr(value, 'filename', None)}"


def test_a_form_part_has_the_part_s_head():
    app = echo(form_of(FormPart[Label, PartHead]), describe)
    headers = [("X-Note", "n"), ("x-size", "3"), ("Content-Type", "application/json")]
    response = form_post(app, ("value", '{"text": "a"}', None, headers))
    assert response.text == (
        "Label(text='a', size=1) application/json PartHead(x_note='n', x_size=3) "
        "[('Content-Disposition', 'form-data; name=\"value\"'), ('X-Note', 'n'), ('X-Size', '3'), "
        "('Content-Type', 'application/json')] None"
    )


def test_a_file_part_has_its_name_and_bytes():
    app = echo(form_of(FilePart), describe)
    response = form_post(app, ("value", b"\x00", "a.bin", [("Content-Type", "image/png")]))
    assert response.text.startswith("b'\\x00' image/png None [")
    assert response.text.endswith(" a.bin")
    assert " None None [" in form_post(app, ("value", b"", "a.bin")).text


def test_problems_of_a_part_s_headers_have_their_place():
    app = echo(form_of(list[FormPart[int, PartHead]]))
    response = form_post(
        app,
        ("value", "1", None, [("X-Note", "n")]),
        ("value", "x", None, [("X-Size", "0")]),
        ("value", "2", None, [("X-Note", "n"), ("X-Size", "1"), ("X-Size", "2")]),
    )
    assert response.invalid == {
        "/value/1/headers/x-note": "This header is required.",
        "/value/1/headers/x-size": "Expected `int` >= 1",
        "/value/1": "Expected `int`, got `str`",
        "/value/2/headers/x-size": "Expected `int`, got `str`",
    }


class Refused(Struct):
    x_note: str

    def __post_init__(self):
        raise ValueError("never")


def test_a_post_init_of_part_headers_that_refuses_them_is_told():
    response = form_post(echo(form_of(FilePart[Refused])), ("value", b"", "f", [("X-Note", "")]))
    assert response.invalid == {"/value/headers": "never"}


@pytest.mark.parametrize(
    ("annotation", "content_type", "said"),
    [
        (str, "text/plain; charset=utf-8", None),
        (str, 'text/plain; charset="UTF-8"', None),
        (str, "text/plain; charset=us-ascii", None),
        (str, "image/png", None),
        (str, "text/plain; charset=utf-16", "The charset must be utf-8."),
        (str, "text/plain; charset=utf-7", "The charset must be utf-8."),
        (Label, "application/json", None),
        (Label, "application/merge-patch+json; charset=utf-8", None),
        (Label, "text/plain", None),
        (Label, "application/octet-stream", None),
        (Label, "image/png", "The part's content type must be application/json or end in +json."),
        (Label, "application/jsonx", "The part's content type must be application/json or end in +json."),
        (bytes, "text/plain; charset=utf-16", None),
    ],
)
def test_the_content_type_of_a_part(annotation, content_type, said):
    content = b'{"text": "a"}'
    found = value_of(annotation, (content, None, [("Content-Type", content_type)]))
    assert isinstance(found, str) if said is None else found == (422, {"/value": said})


@pytest.mark.parametrize(("encoding", "is_right"), [("base64", False), ("quoted-printable", False), ("8BIT", True)])
@pytest.mark.parametrize("annotation", [str, FilePart])
def test_a_part_that_says_it_is_encoded_is_refused(annotation, encoding, is_right):
    headers = [("Content-Transfer-Encoding", encoding)]
    app = echo(form_of(annotation))
    response = form_post(app, ("value", "YQ==", "f", headers))
    assert response.status == (200 if is_right else 422)
    assert is_right or response.invalid == {"/value": "A Content-Transfer-Encoding is not supported."}


def test_a_file_input_that_was_left_empty_is_no_part():
    empty = part("value", b"", "", [("Content-Type", "application/octet-stream")])
    assert form_post(echo(form_of(FilePart | None, None)), empty).text == "Form(value=None)"
    assert form_post(echo(form_of(list[SpooledFilePart], [])), empty, empty).text == "Form(value=[])"
    assert form_post(echo(form_of(FilePart)), empty).invalid == {"/value": "This part is required."}
    full = part("value", b"x", "f")
    assert form_post(echo(form_of(FilePart)), empty, full, empty).status == 200


@pytest.mark.parametrize("annotation", [FilePart, SpooledFilePart])
@pytest.mark.parametrize("filename", [None, ""])
def test_a_file_without_a_filename_is_422(annotation, filename):
    response = form_post(echo(form_of(annotation)), ("value", b"x", filename))
    assert response.invalid == {"/value": "This part must be a file: it has no filename."}


class Money:
    def __init__(self, cents):
        self.cents = cents

    def __repr__(self):
        return f"Money({self.cents})"


def test_the_app_s_dec_hook_converts_parts_texts_headers_and_json():
    class Hooked(FormApp):
        @staticmethod
        def dec_hook(kind, value):
            if kind is Money and str(value).isdecimal():
                return Money(int(value))
            raise ValueError(f"no money: {value}")

    class Price(Struct):
        money: Money

    class Head(Struct):
        x_money: Money

    class Form(Struct):
        text: Money
        many: list[Money]
        json: Price
        part: FormPart[Money, Head]

    class Spot(Endpoint, path="/spot"):
        async def post(self, form: Form) -> str:
            return f"{form.text} {form.many} {form.json} {form.part.data} {form.part.headers}"

    app = app_of(Spot(), base=Hooked)
    parts = [("text", "1"), ("many", "2"), ("many", "3"), ("json", '{"money": "4"}')]
    response = form_post(app, *parts, ("part", "5", None, [("X-Money", "6")]))
    assert response.text == "Money(1) [Money(2), Money(3)] Price(money=Money(4)) Money(5) Head(x_money=Money(6))"
    response = form_post(app, ("text", "x"), ("json", '{"money": "y"}'), ("part", "5", None, [("X-Money", "z")]))
    assert {*response.invalid} == {"/text", "/json/money", "/part/headers/x-money", "/many"}


def test_what_nests_in_a_json_part_can_be_sent_inside_an_answer_or_is_refused():
    class Open(Struct):
        at: Any

    class Form(Struct):
        value: Open

    class Answer(Struct):
        values: list[list[Open]]

    class Spot(Endpoint, path="/spot"):
        async def post(self, form: Form) -> Answer:
            return Answer([[form.value]])

    for depth, status in [(9_800, 200), *((depth, 422) for depth in range(9_985, 10_001))]:
        response = form_post(app_of(Spot()), ("value", f'{{"at": {"[" * depth}{"]" * depth}}}'))
        assert response.status == status
    assert response.invalid == {"/value": "The part is nested too deeply."}


def test_keys_of_one_hash_in_a_json_part_are_400():
    class Keys(Struct):
        numbers: set[int]

    numbers = [n * (2**61 - 1) for n in range(5_000)]
    response = form_post(echo(form_of(Keys)), ("value", msgspec.json.encode({"numbers": numbers})))
    assert response.status == 400
    assert response.detail == "The body has too many keys of the same hash."


def test_what_has_no_hash_in_a_json_part_is_422():
    class Sets(Struct):
        prices: set[Decimal] = set()
        by_price: dict[Decimal, int] = {}

    contents = ['{"prices": ["1", "sNaN"]}', '{"by_price": {"sNaN": 1}}', '{"prices": ["2"]}']
    response = form_post(echo(form_of(list[FormPart[Sets]])), *[("value", content) for content in contents])
    assert response.status == 422
    assert {pointer.split("/")[2] for pointer in response.invalid} == {"0", "1"}


def test_a_type_error_of_a_hook_for_a_json_part_is_a_logged_500(caplog):
    class Hashes:
        def __hash__(self):
            raise TypeError("a fault of the app")

    class Hooked(FormApp):
        @staticmethod
        def dec_hook(kind, value):
            return Hashes()

    class Many(Struct):
        many: set[Hashes]

    class Spot(Endpoint, path="/spot"):
        async def post(self, form: form_of(Many)) -> None: ...

    assert form_post(app_of(Spot(), base=Hooked), ("value", '{"many": [1]}')).status == 500
    assert "a fault of the app" in caplog.text


def test_a_form_of_many_wrong_json_parts_is_answered_in_time_and_size():
    row = b"[" + b",".join([b'"x"'] * 20_000) + b"]"

    class Rows(Struct):
        rows: list[int]

    parts = [("value", b'{"rows": ' + row + b"}")] * 300
    response = form_post(echo(form_of(list[Rows]), max_memory_size=32 * 1024 * 1024), *parts)
    assert response.status == 422
    assert len(response.json["errors"]) <= 1_000
    assert len(response.body) < 300_000


def test_long_names_are_not_repeated_without_end():
    parts = [(f"{index}" + "n" * 1_000, "") for index in range(900)]
    response = form_post(echo(form_of(int, 1, forbid_unknown_fields=True)), *parts)
    assert response.status == 422
    assert len(response.body) < 300_000


def test_a_jero_app_has_forms_without_a_line_and_core_names_what_is_missing():
    assert "form" not in BaseApp.sources
    assert isinstance(FormApp.sources["form"], FormSource)


def test_the_plan_holds_what_documents_need():
    class Form(Struct, rename="kebab"):
        a_text: str
        labels: list[Label] = []
        part: FormPart[int, PartHead] | None = None
        photo: FilePart | None = None
        files: list[SpooledFilePart] = []

    app = echo(Form)
    post(app, multipart(("a-text", "x")))
    (plan,) = app._jero_plans
    (argument,) = plan.arguments
    body = argument.binding.body
    assert body.content_types == ("multipart/form-data",)
    assert argument.binding.problems == (400, 413, 415, 422)
    told = [(p.name, p.type, p.required, p.repeats, p.is_file, p.headers) for p in body.parts]
    assert told == [
        ("a-text", str, True, False, False, None),
        ("labels", Label, False, True, False, None),
        ("part", int, False, False, False, PartHead),
        ("photo", bytes, False, False, True, None),
        ("files", bytes, False, True, True, None),
    ]


@pytest.mark.parametrize("kind", [FilePart, SpooledFilePart])
def test_a_generic_form_may_be_one_of_bare_files(kind):
    app = echo(Upload[kind], lambda form: f"{form.value.filename} {form.value.headers} {len(form.more)}")
    parts = [part("value", "x", filename="a.txt"), part("more", "y", filename="b.txt")]
    assert post(app, multipart(*parts)).text == "a.txt None 1"


def test_a_generic_form_says_what_its_parts_hold():
    app = echo(Held[int], lambda form: repr(form.value.data))
    assert form_post(app, ("value", "3")).text == "3"
