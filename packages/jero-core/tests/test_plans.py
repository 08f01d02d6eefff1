"""Plans: what startup found out about operations, as documents read it."""

import asyncio
from typing import Annotated

import pytest
from msgspec import Meta, Struct, field

from jero_core import BytesResponse, Endpoint, JSONResponse, RawHeaders, Resource
from jero_core.extend import BodyFact, ParameterFact, Reads

from .asgi_driver import app_of, lifespan


class Widget(Struct):
    id: int


class WidgetPath(Struct):
    shop: str
    widget_id: Annotated[int, Meta(ge=1)]


class Query(Struct, rename="camel"):
    search: str
    page_size: int = 20
    tags: list[str] = []
    token: str = field(default_factory=str)


class Trace(Struct):
    x_trace_id: str
    x_depth: int | None = None


class Widgets(Resource, path="/shops/{shop}/widgets", max_body_size=100):
    async def read_one(self, path: WidgetPath, params: Query) -> Widget: ...

    async def update(self, path: WidgetPath, json: list[Widget], headers: Trace) -> JSONResponse[Widget, Trace]: ...

    def delete(self, path: WidgetPath, raw_headers: RawHeaders) -> None: ...

    async def partial_update(self, content: bytes, *, path: WidgetPath) -> BytesResponse: ...


class Words(Endpoint, path="/words"):
    async def get(self) -> str: ...

    async def post(self) -> bytes: ...


def plans(*routables):
    async def main():
        app = app_of(*(routables or (Widgets(), Words())))
        async with lifespan(app):
            return {plan.name: plan for plan in app._jero_plans}

    return asyncio.run(main())


def test_a_plan_names_its_operation():
    assert [(name, plan.label, plan.max_body_size, plan.is_async) for name, plan in sorted(plans().items())] == [
        ("Widgets.delete", "DELETE /shops/{shop}/widgets/{widget_id}", 100, False),
        ("Widgets.partial_update", "PATCH /shops/{shop}/widgets/{widget_id}", 100, True),
        ("Widgets.read_one", "GET /shops/{shop}/widgets/{widget_id}", 100, True),
        ("Widgets.update", "PUT /shops/{shop}/widgets/{widget_id}", 100, True),
        ("Words.get", "GET /words", 2 * 1024 * 1024, True),
        ("Words.post", "POST /words", 2 * 1024 * 1024, True),
    ]


def test_a_plan_keeps_the_arguments_as_they_were_declared():
    found = plans()
    assert [(each.name, each.annotation, each.positional) for each in found["Widgets.update"].arguments] == [
        ("path", WidgetPath, True),
        ("json", list[Widget], True),
        ("headers", Trace, True),
    ]
    arguments = found["Widgets.partial_update"].arguments
    assert [(each.name, each.annotation, each.positional) for each in arguments] == [
        ("content", bytes, True),
        ("path", WidgetPath, False),
    ]


PATH = (
    ParameterFact("path", "shop", str, required=True),
    ParameterFact("path", "widget_id", Annotated[int, Meta(ge=1)], required=True),
)


@pytest.mark.parametrize(
    ("operation", "name", "facts"),
    [
        ("Widgets.read_one", "path", (Reads.PATH, (404,), PATH, None)),
        (
            "Widgets.read_one",
            "params",
            (
                Reads.HEAD,
                (400,),
                (
                    ParameterFact("query", "search", str, required=True),
                    ParameterFact("query", "pageSize", int, required=False, default=20),
                    ParameterFact("query", "tags", list[str], required=False, default=[]),
                    ParameterFact("query", "token", str, required=False),
                ),
                None,
            ),
        ),
        (
            "Widgets.update",
            "headers",
            (
                Reads.HEAD,
                (400,),
                (
                    ParameterFact("header", "x-trace-id", str, required=True),
                    ParameterFact("header", "x-depth", int | None, required=False, default=None),
                ),
                None,
            ),
        ),
        (
            "Widgets.update",
            "json",
            (Reads.BODY, (400, 413, 415, 422), (), BodyFact(("application/json",), list[Widget])),
        ),
        ("Widgets.delete", "raw_headers", (Reads.HEAD, (), (), None)),
        ("Widgets.partial_update", "content", (Reads.BODY, (413,), (), BodyFact(("*/*",), bytes))),
    ],
)
def test_an_argument_says_what_it_reads_refuses_and_documents(operation, name, facts):
    (binding,) = (argument.binding for argument in plans()[operation].arguments if argument.name == name)
    assert (binding.reads, binding.problems, binding.parameters, binding.body) == facts
    assert binding.reads.is_body is (binding.body is not None)


def test_what_is_said_of_a_body_of_bytes_is_documented():
    described = Annotated[bytes, Meta(description="A picture.")]

    class Pictures(Endpoint, path="/pictures"):
        async def put(self, content: described) -> None: ...

    (argument,) = plans(Pictures())["Pictures.put"].arguments
    assert argument.binding.body == BodyFact(("*/*",), described)


def test_arguments_stand_in_the_order_of_the_signature():
    found = plans()
    assert [(each.name, each.positional) for each in found["Widgets.update"].arguments] == [
        ("path", True),
        ("json", True),
        ("headers", True),
    ]
    assert [(each.name, each.positional) for each in found["Widgets.partial_update"].arguments] == [
        ("content", True),
        ("path", False),
    ]


@pytest.mark.parametrize(
    ("operation", "status", "content_type", "body_type", "headers"),
    [
        ("Widgets.read_one", 200, "application/json", Widget, None),
        ("Widgets.update", 200, "application/json", Widget, Trace),
        ("Widgets.delete", 204, None, None, None),
        ("Widgets.partial_update", 200, "application/octet-stream", bytes, None),
        ("Words.get", 200, "text/plain; charset=utf-8", str, None),
        ("Words.post", 200, "application/octet-stream", bytes, None),
    ],
)
def test_a_reply_says_what_it_answers_with(operation, status, content_type, body_type, headers):
    reply = plans()[operation].reply
    assert (reply.status, reply.content_type, reply.body_type, reply.headers) == (
        status,
        content_type,
        body_type,
        headers,
    )


@pytest.mark.parametrize("name", ["path", "params", "headers", "raw_headers", "json", "content"])
def test_operations_of_one_shape_share_their_bindings(name):
    """A large app starts several times sooner for it."""

    class One(Resource, path="/one/{shop}"):
        async def update(self, path: WidgetPath, params: Query, headers: Trace, json: Widget) -> Widget: ...

        async def partial_update(self, path: WidgetPath, raw_headers: RawHeaders, content: bytes) -> Widget: ...

    class Two(One, path="/two/{shop}"): ...

    class Other(One, path="/{widget_id}/other"): ...

    async def main():
        app = app_of(One(), Two(), Other())
        async with lifespan(app):
            return app._jero_plans

    shared = {}
    for plan in asyncio.run(main()):
        for argument in plan.arguments:
            if argument.name == name:
                shared.setdefault(plan.template.slots, set()).add(id(argument.binding))
    # A path's slots are in another order in the third class.
    bindings = set().union(*shared.values())
    assert [len(ids) for ids in shared.values()] == [1, 1]
    assert len(bindings) == (2 if name == "path" else 1)
