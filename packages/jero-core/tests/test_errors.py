"""Errors: Problem Details for all of them (SPEC section 6, RFC 9457)."""

import asyncio
import copy
import pickle
from http import HTTPStatus

import pytest
from msgspec import Struct

from jero_core import BaseApp, Endpoint, HTTPError, OperationMeta, Resource
from jero_core.errors import members_of_error
from jero_core.extend import Binding, Fragment, Reads, Reply

from .asgi_driver import Client, app_of, lifespan, request, serve


class Item(Struct):
    name: str


class OutOfStock(HTTPError, status=409, type="/problems/out-of-stock", title="Out of stock"):
    sku: str
    left: int = 0


class Reserved(OutOfStock, title="Reserved"):
    until: str
    holders: list[str] = []


class NoTitle(HTTPError, status=429):
    """Declared with a status alone."""


class Made(HTTPError):
    def __init__(self, item):
        super().__init__(410, f"{item} is gone")


def raising(error, base=None):
    """An app whose one endpoint raises."""

    class Spot(Endpoint, path="/spot"):
        async def get(self) -> None:
            raise error

    return app_of(Spot(), base=base)


def answer_to(error, base=None):
    return request(raising(error, base), "GET", "/spot")


def test_a_declared_error_answers_with_its_keywords_and_members():
    response = answer_to(OutOfStock(sku="4711"))
    assert response.status == 409
    assert response.header("content-type") == "application/problem+json"
    assert response.json == {
        "type": "/problems/out-of-stock",
        "title": "Out of stock",
        "status": 409,
        "sku": "4711",
        "left": 0,
    }


def test_a_declared_error_has_a_detail_of_its_occurrence():
    assert answer_to(OutOfStock(sku="4711", detail="gone since noon")).json["detail"] == "gone since noon"


def test_a_derived_error_inherits_status_type_and_members():
    response = answer_to(Reserved(sku="4711", until="noon", left=2))
    assert response.json == {
        "type": "/problems/out-of-stock",
        "title": "Reserved",
        "status": 409,
        "sku": "4711",
        "left": 2,
        "until": "noon",
        "holders": [],
    }


def test_a_declared_error_without_type_and_title_has_the_status_s():
    assert answer_to(NoTitle()).json == {"type": "about:blank", "title": "Too Many Requests", "status": 429}


def test_an_error_class_may_make_itself():
    assert answer_to(Made("lamp")).json["detail"] == "lamp is gone"


def test_a_declared_error_may_make_itself():
    class Own(HTTPError, status=404):
        item: str

        def __init__(self, item):
            super().__init__(404, f"no {item}")
            self.item = item

    assert answer_to(Own("lamp")).json == {
        "type": "about:blank", "title": "Not Found", "status": 404, "detail": "no lamp", "item": "lamp",
    }  # fmt: skip


def test_a_mutable_default_is_not_shared():
    first = Reserved(sku="a", until="b")
    first.holders.append("me")
    assert Reserved(sku="a", until="b").holders == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (OutOfStock, r"OutOfStock\(\) needs sku="),
        (lambda: OutOfStock(sku="a", size=3), r"OutOfStock\(\) has no member 'size'; it has sku, left"),
        (lambda: NoTitle(size=3), "it has none"),
        (lambda: OutOfStock("a"), "positional"),
        (lambda: OutOfStock(sku="a", detail=3), "the detail of an HTTPError is a str"),
    ],
)
def test_wrong_arguments_of_a_declared_error_are_a_type_error(make, message):
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
@pytest.mark.parametrize("error", [OutOfStock(sku="a", detail="b"), HTTPError(404, "x"), Made("lamp")], ids=repr)
def test_an_error_can_be_copied_and_pickled(error, again):
    twin = again(error)
    assert (type(twin), twin.status, twin.detail, twin.args) == (type(error), error.status, error.detail, error.args)
    assert twin.__dict__ == error.__dict__


def test_an_error_says_what_it_is():
    assert "409 Out of stock" in str(OutOfStock(sku="a"))
    assert "429 Too Many Requests" in str(NoTitle())


def test_documents_can_read_an_error_s_members():
    assert members_of_error(Reserved) == {"sku": str, "left": int, "until": str, "holders": list[str]}
    assert members_of_error(HTTPError) == {}


# Headers


@pytest.mark.parametrize("error", [HTTPError(503, headers={"Retry-After": "5"}), NoTitle(headers={"retry-after": "5"})])
def test_an_error_carries_headers(error):
    assert answer_to(error).header("retry-after") == "5"


@pytest.mark.parametrize(
    "headers",
    [{"x": "a\r\nset-cookie: b"}, {"x y": "a"}, {"Content-Type": "text/html"}, {"content-length": "1"}, {"x": 3}],
)
def test_headers_that_cannot_be_sent_are_a_logged_500(headers, caplog):
    response = answer_to(HTTPError(403, headers=headers))
    assert (response.status, [name for name, _ in response.headers]) == (500, ["content-type", "content-length"])
    assert "ValueError" in caplog.text or "TypeError" in caplog.text


# The framework's own


class Body(Struct):
    size: int


class Limits(Struct):
    limit: int = 1
    x_limit: int = 1


class Everything(Resource, path="/all", max_body_size=30):
    async def read_many(self, params: Limits) -> None: ...

    async def create(self, json: Body, headers: Limits) -> None: ...

    async def read_one(self, path: Body) -> Item:
        return None


JSON = ("content-type", "application/json")


@pytest.mark.parametrize(
    ("method", "target", "options", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/all/x", {}, 404),
        ("GET", "/nothing/%20/here", {}, 404),
        ("BREW", "/all", {}, 405),
        ("DELETE", "/all/1", {}, 405),
        ("GET", "/all?limit=x", {}, 400),
        ("GET", "/all?limit=%FF", {}, 400),
        ("POST", "/all", {"body": b"{", "headers": [JSON]}, 400),
        ("POST", "/all", {"body": b"{}", "headers": [JSON, ("x-limit", "x")]}, 400),
        ("POST", "/all", {"headers": [JSON, ("content-length", "x")]}, 400),
        ("POST", "/all", {"headers": [JSON, ("content-length", "5")]}, 400),
        ("POST", "/all", {"body": b"{}"}, 415),
        ("POST", "/all", {"body": b" " * 31, "headers": [JSON]}, 413),
        ("POST", "/all", {"headers": [JSON, ("content-length", "9" * 99)]}, 413),
        ("POST", "/all", {"body": b"{}", "headers": [JSON]}, 422),
        ("POST", "/all", {"body": b"{}", "headers": [JSON, *[("x-limit", "1" * 999)] * 99]}, 431),
        ("GET", "/all/1", {}, 500),
    ],
)
def test_every_refusal_of_the_framework_is_problem_details(method, target, options, status):
    response = request(app_of(Everything()), method, target, **options)
    assert response.status == status
    assert response.header("content-type") == "application/problem+json"
    assert response.header("content-length") == str(len(response.body))
    assert response.json | {"detail": 0, "errors": 0} == {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": 0,
        "errors": 0,
    }


# What an error itself gets wrong


class Unmade(HTTPError):
    def __init__(self):
        pass


class Nonsense(HTTPError):
    def __init__(self, **members):
        super().__init__(404)
        self.__dict__.update(members)


class Forgotten(HTTPError, status=404):
    item: str

    def __init__(self):
        super().__init__(404)


@pytest.mark.parametrize(
    "error",
    [
        Unmade(),
        Nonsense(status=99),
        Nonsense(status=1000),
        Nonsense(status="404"),
        Nonsense(status=True),
        Nonsense(detail=3),
        Nonsense(headers=3),
        Nonsense(title=object()),
        OutOfStock(sku=object()),
        Forgotten(),
    ],
    ids=lambda error: f"{type(error).__name__}",
)
def test_an_error_that_cannot_be_an_answer_is_a_clean_500(error, caplog):
    response = answer_to(error)
    assert response.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}


def test_a_lone_surrogate_in_a_detail_is_replaced():
    assert answer_to(HTTPError(404, "\udc80")).json["detail"] == "?"


def test_members_are_encoded_with_the_app_s_hook():
    class Hooked(BaseApp):
        @staticmethod
        def enc_hook(value):
            return f"{value.real}+{value.imag}i"

    assert answer_to(OutOfStock(sku=2 + 3j), Hooked).json["sku"] == "2.0+3.0i"


# Exception groups


def group(*errors):
    return ExceptionGroup("several", [*errors])


@pytest.mark.parametrize(
    "error",
    [
        group(HTTPError(409, "a")),
        group(group(HTTPError(409, "a")), HTTPError(404)),
        group(HTTPError(409, "a"), Made("b")),
    ],
)
def test_a_group_of_http_errors_is_answered_by_its_first(error, caplog):
    response = answer_to(error)
    assert (response.status, response.json["detail"]) == (409, "a")
    assert not caplog.records


@pytest.mark.parametrize("error", [group(HTTPError(409), ValueError("secret")), group(group(KeyError("secret")))])
def test_a_group_with_another_exception_is_a_logged_500(error, caplog):
    response = answer_to(error)
    assert response.status == 500
    assert "secret" not in response.body.decode()
    assert "secret" in caplog.text


def test_what_a_task_group_raises_is_unwrapped():
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> None:
            async def fail():
                raise HTTPError(418, "short and stout")

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())

    assert request(app_of(Spot()), "GET", "/spot").json["detail"] == "short and stout"


def test_a_cause_or_a_note_changes_nothing(caplog):
    error = HTTPError(404)
    error.__cause__ = ValueError("inner")
    error.add_note("note")
    assert answer_to(error).status == 404
    assert not caplog.records


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BaseExceptionGroup("", [KeyboardInterrupt()])])
def test_what_ends_a_program_is_no_answer(error):
    async def main():
        app = raising(error)
        async with lifespan(app):
            with pytest.raises(type(error)):
                await Client(app).request("GET", "/spot")

    asyncio.run(main())


# After the response has started


class Torn:
    """A response that fails in the middle."""

    @classmethod
    def __jero_reply__(cls, returned, context):
        send = Fragment.of(
            """
            await $send({'type': 'http.response.start', 'status': 200, 'headers': []})
            await $send({'type': 'http.response.body', 'body': b'half', 'more_body': True})
            raise RuntimeError('torn')
            """
        )
        return Reply((), 200, "text/plain", bytes, send=send)


class Tearing(Endpoint, path="/spot"):
    async def get(self) -> Torn:
        return Torn()


def sending(app, fail, error, method="GET", target="/spot"):
    """The messages of a request whose `send` raises at its `fail`th call."""
    sent = []

    async def main():
        async with lifespan(app):
            client = Client(app)

            async def guarded(scope, receive, send):
                async def send_or_fail(message):
                    if len(sent) == fail:
                        raise error
                    sent.append(message)

                await app(scope, receive, send_or_fail)

            client.app = guarded
            await client.request(method, target)

    asyncio.run(main())
    return sent


class Whole(Endpoint, path="/spot"):
    async def get(self) -> Item:
        return Item("whole")

    async def put(self) -> Item:
        raise HTTPError(409)


def test_an_exception_after_the_start_is_logged_and_reaches_the_server(caplog):
    app = app_of(Tearing())
    with pytest.raises(RuntimeError, match="torn"):
        request(app, "GET", "/spot")
    assert "GET '/spot' failed after its response had started" in caplog.text
    assert "torn" in caplog.text


@pytest.mark.parametrize("call", [0, 1])
def test_a_send_that_fails_is_logged_and_reaches_the_server(call, caplog):
    with pytest.raises(RuntimeError, match="no more"):
        sending(app_of(Whole()), call, RuntimeError("no more"))
    assert "failed after its response had started" in caplog.text


@pytest.mark.parametrize("call", [0, 1])
def test_a_client_that_is_gone_is_nobody_s_fault(call, caplog):
    assert len(sending(app_of(Whole()), call, ConnectionResetError("gone"))) == call
    assert not caplog.records


ERROR_ANSWERS = [("PUT", "/spot"), ("GET", "/none"), ("HEAD", "/none"), ("POST", "/spot"), ("OPTIONS", "/spot")]


@pytest.mark.parametrize(("method", "target"), ERROR_ANSWERS)
@pytest.mark.parametrize("call", [0, 1])
def test_a_client_that_is_gone_before_an_error_answer_is_nobody_s_fault_either(call, method, target, caplog):
    assert len(sending(app_of(Whole()), call, ConnectionResetError("gone"), method, target)) == call
    assert not caplog.records


@pytest.mark.parametrize("call", [0, 1])
def test_a_send_of_an_error_answer_that_fails_is_logged_and_reaches_the_server(call, caplog):
    with pytest.raises(RuntimeError, match="no more"):
        sending(app_of(Whole()), call, RuntimeError("no more"), "PUT")
    assert "PUT '/spot' failed after its response had started" in caplog.text


class Leasing:
    """A source with a cleanup."""

    def __init__(self, journal, fail):
        self._journal = journal
        self._fail = fail

    def bind(self, parameter, operation):
        def clean():
            self._journal.append(parameter.name)
            if self._fail:
                raise RuntimeError("the lease is stuck")

        return Binding(Reads.HEAD, Fragment.of("$target = 1"), after=Fragment.of("$clean()", clean=clean))


@pytest.mark.parametrize("fail", [False, True])
def test_a_cleanup_that_fails_is_logged_and_skips_no_other(fail, caplog):
    journal = []

    class Leased(BaseApp):
        sources = {"one": Leasing(journal, fail), "two": Leasing(journal, fail)}

    class Spot(Endpoint, path="/spot"):
        async def get(self, one: int, two: int) -> Item:
            return Item("done")

    assert request(app_of(Spot(), base=Leased), "GET", "/spot").json == {"name": "done"}
    assert journal == ["two", "one"]
    assert ("the lease is stuck" in caplog.text) is fail


# Facts about operations


def test_an_operation_s_facts_go_before_its_class_s():
    shared = OperationMeta(errors=(OutOfStock,), tags=("shop",), summary="all", description="all", deprecated=True)
    own = OperationMeta(errors=(NoTitle, OutOfStock), tags=("shop", "get"), summary="own", operation_id="x")
    assert own.over(shared) == OperationMeta(
        errors=(NoTitle, OutOfStock),
        tags=("shop", "get"),
        summary="own",
        description="all",
        deprecated=True,
        operation_id="x",
    )


def test_facts_about_operations_are_in_their_plans():
    from jero_core.planner import Planner
    from jero_core.wiring import Place

    class Shop(Endpoint, path="/shop", meta=OperationMeta(tags=("shop",)), meta_get=OperationMeta(errors=(NoTitle,))):
        async def get(self) -> None: ...

        async def put(self) -> None: ...

    class Bare(Endpoint, path="/bare", meta_get=OperationMeta(summary="bare")):
        async def get(self) -> None: ...

        async def put(self) -> None: ...

    planner = Planner({}, 1)
    planner.include(Shop(), Endpoint, Place("here", 1, "test"))
    planner.include(Bare(), Endpoint, Place("here", 1, "test"))
    assert [plan.meta for plan in planner.plans] == [
        OperationMeta(errors=(NoTitle,), tags=("shop",)),
        OperationMeta(tags=("shop",)),
        OperationMeta(summary="bare"),
        OperationMeta(),
    ]


def test_an_error_before_the_start_is_answered_while_another_request_goes_on():
    async def both(client):
        return await asyncio.gather(client.request("GET", "/spot"), client.request("GET", "/spot"))

    assert [response.status for response in serve(raising(NoTitle()), both)] == [429, 429]
