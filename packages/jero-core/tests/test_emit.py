"""Generated code: readable, visible to debuggers, and closed to hostile names (DESIGN laws 2 and 4)."""

import gc
import inspect
import linecache
import os
import pdb
import re
import traceback
from io import StringIO
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta, Struct

from jero_core import BaseApp, BytesResponse, Endpoint, HTTPError, JSONResponse, RawHeaders, Resource
from jero_core.compile import Compiler
from jero_core.emit import Source, emit
from jero_core.extend import Binding, Fragment, Guard, Literal, Reads
from jero_core.planner import Planner
from jero_core.template import is_slot_name
from jero_core.wiring import Place

from .asgi_driver import app_of, request

GOLDEN = Path(__file__).parent / "golden"


class Widget(Struct):
    id: int
    name: str


class WidgetPath(Struct):
    shop: str
    widget_id: int


class Query(Struct):
    q: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    tags: list[str] = []


class Trace(Struct):
    x_trace_id: str
    x_depth: int | None = None


class Widgets(Resource, path="/shops/{shop}/widgets"):
    async def read_one(self, path: WidgetPath) -> Widget: ...

    async def update(self, json: Widget, path: WidgetPath, headers: Trace) -> JSONResponse[Widget, Trace]: ...

    def delete(self, path: WidgetPath, /, *, raw_headers: RawHeaders) -> None: ...


class Search(Endpoint, path="/search", max_body_size=1000):
    async def get(self, params: Query) -> list[Widget]: ...

    async def post(self, content: bytes) -> BytesResponse: ...


class Lease:
    """A source that waits for its value and gives it back after the response."""

    def bind(self, parameter, operation):
        return Binding(
            reads=Reads.STREAM,
            extract=Fragment.of("$target = await $take($receive, $length, $limit)", take=take),
            after=Fragment.of("if $target is not None:\n    await $give_back($target)", give_back=give_back),
        )


given_back = []


async def take(receive, length, limit):
    return await receive(), length, limit


async def give_back(value):
    given_back.append(value)


class Leased(Endpoint, path="/leased"):
    async def post(self, lease: object, raw_headers: RawHeaders) -> str:
        if "fail" in raw_headers:
            raise HTTPError(409)
        return f"{lease[1]} {lease[2]}"


class KeyGuards:
    """Guards that know a secret header."""

    def plan(self, auth, context):
        check = Fragment.of(
            """
            $target = $find($header0)
            if $target is None:
                raise $HTTPError(401)
            """,
            find={}.get,
            HTTPError=HTTPError,
        )
        return Guard("Keys", check, headers=(b"x-key",), yields=Widget)


class Admitted:
    """A source of what the guard yields."""

    def bind(self, parameter, operation):
        return Binding(reads=Reads.GUARD, extract=Fragment.of("$target = $admitted"))


class Guarded(Endpoint, path="/guarded"):
    async def put(self, json: Widget, headers: msgspec.defstruct("H", [("x_key", str)]), admitted: Widget) -> None: ...


SOURCES = {**BaseApp.sources, "lease": Lease(), "admitted": Admitted()}


def plans_of(routable, kind, sources=SOURCES, auth=None):
    planner = Planner(sources, 2 * 1024 * 1024, guards=KeyGuards())
    planner.include(routable, kind, Place("here", 1, "test"), auth)
    assert planner.problems == []
    return {plan.name: plan for plan in planner.plans}


KINDS = {"Widgets": (Widgets, Resource), "Search": (Search, Endpoint), "Leased": (Leased, Endpoint)}
KINDS |= {"Guarded": (Guarded, Endpoint)}
OPERATIONS = ["Widgets.read_one", "Widgets.update", "Widgets.delete", "Search.get", "Search.post", "Leased.post"]
OPERATIONS.append("Guarded.put")


def plan_of(name):
    cls, kind = KINDS[name.partition(".")[0]]
    return plans_of(cls(), kind, auth="any" if cls is Guarded else None)[name]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_text_is_the_golden_text(name):
    """Regenerate with JERO_UPDATE_GOLDEN=1, and read the diff."""
    text = emit(plan_of(name)).text
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("JERO_UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_global_of_the_text_is_in_its_namespace(name):
    source = emit(plan_of(name))
    code = Compiler().compile(source).__code__
    import builtins

    free = {name for name in code.co_names if name not in vars(builtins)}
    attributes = {name for name in free if f".{name}" in source.text}
    assert free - attributes <= source.namespace.keys()


# debuggers


def boom():
    raise RuntimeError("boom")


class Boom(Endpoint, path="/boom"):
    async def get(self) -> Widget:
        return boom()


def test_a_traceback_through_a_handler_shows_the_generated_lines(caplog):
    request(app_of(Boom()), "GET", "/boom")
    text = caplog.text
    assert re.search(r'File "<jero GET /boom(?: #\d+)?>", line', text)
    assert "result = await handler()" in text
    assert text.index("result = await handler()") < text.index("return boom()") < text.index('RuntimeError("boom")')


def test_get_source_shows_the_generated_text():
    source = emit(plan_of("Search.get"))
    function = Compiler().compile(source)
    assert inspect.getsource(function) == source.text
    assert inspect.getsourcefile(function) == "<jero GET /search>"


def test_pdb_lists_the_generated_lines(caplog):
    import sys

    function = Compiler().compile(emit(plans_of(Boom(), Endpoint)["Boom.get"]))
    caught = []

    async def send(message): ...

    function.__globals__["fail"] = lambda error, scope, send: caught.append(error) or send({})
    with pytest.raises(StopIteration):
        function({"headers": []}, None, send).send(None)
    frame = caught[0].__traceback__.tb_frame
    output = StringIO()
    tracing = sys.gettrace()
    debugger = pdb.Pdb(stdout=output, stdin=StringIO("list 1, 4\nquit\n"), readrc=False)
    debugger.reset()
    debugger.setup(frame, caught[0].__traceback__)
    debugger.onecmd("up 2")
    debugger.onecmd("list 1, 4")
    debugger.forget()
    sys.settrace(tracing)  # Coverage's own, where it measures.
    assert "async def operation(scope, receive, send):" in output.getvalue()


def test_the_lines_go_when_the_function_goes():
    gc.collect()
    before = set(linecache.cache)
    for _ in range(3):
        request(app_of(Boom(), Search()), "OPTIONS", "/boom")
    gc.collect()
    assert set(linecache.cache) - before == set()


def test_apps_with_the_same_route_keep_their_own_lines():
    compiler = Compiler()
    first = compiler.compile(emit(plan_of("Search.get")))
    second = compiler.compile(emit(plan_of("Search.get")))
    assert second.__code__.co_filename == "<jero GET /search #2>"
    linecache.checkcache()
    assert inspect.getsource(first) == inspect.getsource(second)


def test_same_shaped_operations_have_the_same_text_which_is_compiled_once():
    class Other(Endpoint, path="/other"):
        async def get(self, params: Query) -> list[Trace]: ...

    compiler = Compiler()
    one = emit(plan_of("Search.get"))
    (plan,) = plans_of(Other(), Endpoint).values()
    two = emit(plan)
    assert one.text == two.text
    compiler.compile(one)
    compiler.compile(two)
    assert len(compiler._codes) == 1


def test_text_that_does_not_compile_is_shown_with_the_error():
    with pytest.raises(SyntaxError) as caught:
        Compiler().compile(Source("async def operation(:\n", {}, "GET /x"))
    assert "async def operation(:" in "".join(caught.value.__notes__)
    assert "GET /x" in "".join(traceback.format_exception(caught.value))


# hostile names and values

HOSTILE = [
    "'",
    '"',
    "\\",
    "'''",
    '"""',
    "$body",
    "${x}",
    "{x}",
    "%s",
    "\n",
    "\r",
    "\x00",
    "\u2028",
    "#",
    "') or exit() #",
    "\nimport os\n",
    "__class__",
    "class",
    "é",
    "\ud800",
    "None",
]


# msgspec itself refuses quotes, backslashes and control characters in the names of fields.
@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable() and not set(text) & {'"', "\\"}])
def test_a_hostile_wire_name_stays_a_name(text):
    class Spot(Endpoint, path="/spot"):
        async def get(self, params: msgspec.defstruct("Q", [("a", str, "-")], rename={"a": text})) -> str:
            return params.a

    from urllib.parse import quote

    assert request(app_of(Spot()), "GET", f"/spot?{quote(text, safe='')}=v").body == b"v"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text != "\ud800"])
def test_a_hostile_default_stays_a_value(text):
    class Spot(Endpoint, path="/spot"):
        async def get(self, params: msgspec.defstruct("Q", [("a", str, text)])) -> str:
            return params.a

    assert request(app_of(Spot()), "GET", "/spot").body.decode() == text


@pytest.mark.parametrize(
    "name",
    [
        "scope",
        "send",
        "receive",
        "handler",
        "result",
        "payload",
        "struct_0",
        "_value0_0",
        "arg_params",
        "Exception",
        "__class__",
        "__builtins__",
        "__name__",
        "self",
        "print",
        "match",
        "type",
        "é",
        "ℌ",
    ],
)
def test_field_names_of_any_kind_bind(name):
    struct = msgspec.defstruct("Q", [(name, str), ("other", int, 1)])
    slot = f"x{name}" if is_slot_name(f"x{name}") else "x"  # Others are a wiring error.

    class Spot(Resource, path="/spot"):
        async def read_one(self, path: msgspec.defstruct("P", [(slot, str)]), params: struct) -> str:
            return getattr(path, slot) + getattr(params, name)

    from urllib.parse import quote

    response = request(app_of(Spot()), "GET", f"/spot/a?{quote(name)}=b")
    assert (response.status, response.body) == (200, b"ab")


@pytest.mark.parametrize(
    "path", ["/it's", '/"', "/$scope", "/`rm`", "/\u2028", "/é", "/(", "/'+exit()+'", "/~", "/None"]
)
def test_a_hostile_path_stays_a_path(path):
    from urllib.parse import quote

    class Spot(Endpoint, path=path):
        async def get(self) -> str:
            return "here"

    assert request(app_of(Spot()), "GET", quote(path)).body == b"here"


def test_a_type_with_a_hostile_name_stays_a_type(caplog):
    struct = msgspec.defstruct("X", [("a", int)])
    struct.__name__ = struct.__qualname__ = "X'); exit(); ('\n"

    class Spot(Endpoint, path="/spot"):
        async def post(self, json: struct) -> struct:
            return None

    response = request(app_of(Spot()), "POST", "/spot", body=b'{"a":1}', headers=[("content-type", "application/json")])
    assert response.status == 500


def test_a_hostile_repr_never_reaches_the_text():
    class Evil(str):
        def __repr__(self):
            return "__import__('os').abort()"

    with pytest.raises(TypeError, match="plain"):
        Literal(Evil("x"))

    class Spot(Endpoint, path="/spot"):
        async def get(self, params: msgspec.defstruct("Q", [("a", str, Evil("default"))])) -> str:
            return params.a

    assert request(app_of(Spot()), "GET", "/spot").status == 200


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1j, [], object(), (1,)])
def test_a_value_without_a_literal_is_none(value):
    with pytest.raises(TypeError):
        Literal(value)


def test_a_fragment_refuses_what_nobody_binds_and_what_could_meet_an_argument():
    with pytest.raises(KeyError, match=r"\$nothing"):
        Fragment.of("$nothing").render(0, {}, {})
    with pytest.raises(ValueError, match="emitter's own"):
        Fragment.of("$scope", scope=1).render(0, {"scope": "scope"}, {})
    with pytest.raises(ValueError, match="arg_"):
        Fragment.of("$arg_x", arg_x=1).render(0, {}, {})


def test_a_placeholder_inside_a_value_is_not_replaced():
    namespace = {}
    lines = Fragment.of("x = $a + $b", a=Literal("$b"), b=3).render(7, {}, namespace)
    assert lines == ["x = '$b' + b_7"]
    assert namespace == {"b_7": 3}


def test_an_empty_fragment_has_no_lines():
    assert Fragment().render(0, {}, {}) == []
    assert Fragment.of("").render(0, {}, {}) == []


# the seam


class OutsideJSONSource:
    """The built-in `json` source, written again with nothing but `jero_core.extend`."""

    def bind(self, parameter, operation):
        from jero_core import extend

        decoder = msgspec.json.Decoder(parameter.annotation)
        admit = extend.Fragment.of(
            """
            if $header0 not in $common_types:
                $require_json($header0)
            """,
            common_types=frozenset({b"application/json"}),
            require_json=None,
        )
        extract = extend.Fragment.of(
            """
            try:
                if not $body.isascii():
                    $body.decode()
                $target = $decode($body)
            except $not_decodable as problem:
                raise $refused(problem, $body) from None
            """,
            not_decodable=(ValueError,),
            decode=decoder.decode,
            refused=None,
        )
        return extend.Binding(reads=extend.Reads.BODY, headers=(b"content-type",), admit=admit, extract=extract)


def test_a_built_in_source_rebuilt_outside_gets_the_same_code():
    outside = plans_of(Widgets(), Resource, {**BaseApp.sources, "json": OutsideJSONSource()})["Widgets.update"]
    assert emit(outside).text == emit(plan_of("Widgets.update")).text


class LeasedApp(BaseApp):
    sources = SOURCES

    async def _wire(self):
        self._include_endpoint(Leased())


@pytest.mark.parametrize(("headers", "status"), [([], 200), ([("fail", "1")], 409)])
def test_a_source_of_an_app_s_own_reads_the_body_stream_and_cleans_up_after_the_response(headers, status):
    given_back.clear()
    response = request(LeasedApp(), "POST", "/leased", body=b"abc", headers=headers)
    assert response.status == status
    assert [(value[0]["body"], value[1:]) for value in given_back] == [(b"abc", (3, 2 * 1024 * 1024))]
    if status == 200:
        assert response.body == b"3 2097152"


def test_a_response_class_of_an_app_s_own_plans_its_reply():
    from jero_core.extend import Reply

    class Teapot:
        @classmethod
        def __jero_reply__(cls, returned, context):
            return Reply((Fragment.of("payload = result.brew()"),), 418, "text/tea", bytes)

        def brew(self):
            return b"short and stout"

    class Kitchen(Endpoint, path="/tea"):
        async def get(self) -> Teapot:
            return Teapot()

    response = request(app_of(Kitchen()), "GET", "/tea")
    assert (response.status, response.body) == (418, b"short and stout")
    assert response.headers == [("content-type", "text/tea"), ("content-length", "15")]


def test_a_response_class_of_an_app_s_own_may_send_it_all_itself():
    from jero_core.extend import Reply

    class Drips:
        @classmethod
        def __jero_reply__(cls, returned, context):
            send = Fragment.of(
                """
                await $send({'type': 'http.response.start', 'status': 200, 'headers': []})
                for drop in drops:
                    await $send({'type': 'http.response.body', 'body': drop, 'more_body': True})
                await $send({'type': 'http.response.body', 'body': b''})
                """
            )
            return Reply((Fragment.of("drops = [b'a', b'b']"),), 200, "text/plain", bytes, send=send)

    class Tap(Endpoint, path="/tap"):
        async def get(self) -> Drips:
            return Drips()

    response = request(app_of(Tap()), "GET", "/tap")
    assert (len(response.messages), response.body) == (4, b"ab")
    head = request(app_of(Tap()), "HEAD", "/tap")
    assert (len(head.messages), head.body) == (2, b"")


def test_code_nested_in_generated_code_has_its_route_s_name():
    class Words:
        def bind(self, parameter, operation):
            return Binding(
                reads=Reads.HEAD, extract=Fragment.of("$target = [word.upper() for word in (lambda: ['a'])()]")
            )

    compiler = Compiler()
    for name in ("first", "second"):

        async def get(self, words: list) -> str: ...

        spot = type("Spot", (Endpoint,), {"get": get}, path=f"/{name}")
        (plan,) = plans_of(spot(), Endpoint, {"words": Words()}).values()
        code = compiler.compile(emit(plan)).__code__
        nested = [constant for constant in code.co_consts if hasattr(constant, "co_filename")]
        assert nested
        assert {constant.co_filename for constant in nested} == {code.co_filename} == {f"<jero GET /{name}>"}
