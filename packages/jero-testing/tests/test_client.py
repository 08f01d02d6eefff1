"""TestClient as an httpx.Client: requests, answers, the lifespan, and what the app raises."""

import asyncio
import gc
import re
import threading

import httpx
import pytest

from jero_core import BaseApp, WiringError
from jero_testing import AppTimeout, ASGIViolation, AsyncTestClient, ShutdownFailed, StartupFailed, TestClient

from .apps import Shop, answer, app_of, body, read, start


@pytest.fixture
def client():
    with TestClient(Shop()) as client:
        yield client


def scope_app():
    """An app that keeps the scopes of its requests."""
    scopes = []

    async def respond(scope, receive, send):
        scopes.append(scope)
        await answer(send)

    return app_of(respond), scopes


# httpx


def test_it_is_an_httpx_client(client):
    assert isinstance(client, httpx.Client)
    response = client.get("/widgets/3")
    assert isinstance(response, httpx.Response)
    assert (response.status_code, response.json()) == (200, {"id": 3, "name": "bolt"})
    assert response.headers["content-type"] == "application/json"
    assert response.http_version == "HTTP/1.1"
    assert response.reason_phrase == "OK"
    assert response.request.url == "http://testserver/widgets/3"


def test_every_method_reaches_the_app(client):
    assert client.post("/widgets", json={"id": 1, "name": "a"}).status_code == 201
    assert client.delete("/widgets/1").status_code == 204
    assert client.put("/widgets/1").status_code == 405
    assert client.patch("/widgets/1").status_code == 405
    assert client.options("/widgets").headers["allow"] == "POST, OPTIONS"
    head = client.head("/widgets/1")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "22")


def test_cookies_are_kept_and_sent_again():
    async def respond(scope, receive, send):
        cookies = [value for name, value in scope["headers"] if name == b"cookie"]
        await answer(send, b"; ".join(cookies), 200, (b"set-cookie", b"a=1"))

    with TestClient(app_of(respond)) as client:
        assert client.get("/").text == ""
        assert client.get("/").text == "a=1"
        assert client.cookies["a"] == "1"


def test_redirects_are_followed_when_asked_for():
    async def respond(scope, receive, send):
        if scope["path"] == "/old":
            await answer(send, b"", 307, (b"location", b"/new"))
        else:
            await answer(send, b"".join(await read(receive)))

    with TestClient(app_of(respond)) as client:
        assert client.post("/old", content=b"x").status_code == 307
        response = client.post("/old", content=b"x", follow_redirects=True)
        assert (response.text, [each.status_code for each in response.history]) == ("x", [307])


def test_defaults_of_the_client_hold_for_its_requests():
    app, scopes = scope_app()
    seen = []
    with TestClient(
        app,
        headers={"X-A": "1"},
        params={"q": "2"},
        auth=("user", "pass"),
        cookies={"c": "3"},
        event_hooks={"response": [seen.append]},
        timeout=3,
    ) as client:
        assert client.timeout == httpx.Timeout(3)
        client.get("/")
    (scope,) = scopes
    headers = dict(scope["headers"])
    assert (headers[b"x-a"], headers[b"cookie"]) == (b"1", b"c=3")
    assert headers[b"authorization"].startswith(b"Basic ")
    assert scope["query_string"] == b"q=2"
    assert len(seen) == 1


def test_forms_and_uploads_are_sent_as_httpx_encodes_them():
    async def respond(scope, receive, send):
        await answer(send, b"".join(await read(receive)), 200, (b"x-type", dict(scope["headers"])[b"content-type"]))

    with TestClient(app_of(respond)) as client:
        form = client.post("/", data={"a": "ü &"})
        assert (form.headers["x-type"], form.text) == ("application/x-www-form-urlencoded", "a=%C3%BC+%26")
        upload = client.post("/", files={"f": ("a.txt", b"content")})
        assert upload.headers["x-type"].startswith("multipart/form-data; boundary=")
        assert b'filename="a.txt"' in upload.content
        assert b"content" in upload.content


def test_a_proxy_in_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with TestClient(Shop()) as client:
        assert client.get("/widgets/1").status_code == 200


@pytest.mark.parametrize(
    "header", [("x a", "b"), ("x-a", " b"), ("x-a", "b\r\nc: d"), ("x-a", "b\0"), ("x-a", "b\x7f"), ("", "b")]
)
def test_a_header_that_cannot_be_sent_is_refused_as_by_httpx(client, header):
    with pytest.raises(httpx.LocalProtocolError, match="Illegal header"):
        client.get("/widgets/1", headers=[header])
    assert client.get("/widgets/1", headers={"x-a": "b \t c", "x-b": "é".encode("latin-1")}).status_code == 200


# the scope


def test_the_scope_is_what_a_server_makes_of_the_request():
    app, scopes = scope_app()
    with TestClient(app) as client:
        client.get("https://shop.example/a%2Fb/%C3%BC%FF?q=%20", headers=[("X-Up", "A"), ("X-Up", "B")])
    (scope,) = scopes
    assert (scope["type"], scope["asgi"], scope["http_version"]) == (
        "http",
        {"version": "3.0", "spec_version": "2.5"},
        "1.1",
    )
    assert (scope["method"], scope["scheme"]) == ("GET", "https")
    assert (scope["path"], scope["raw_path"]) == ("/a/b/ü\ufffd", b"/a%2Fb/%C3%BC%FF")
    assert scope["query_string"] == b"q=%20"
    assert (scope["root_path"], scope["client"]) == ("", ("127.0.0.1", 50000))
    assert scope["server"] == ("shop.example", 443)
    assert [value for name, value in scope["headers"] if name == b"x-up"] == [b"A", b"B"]
    assert (b"host", b"shop.example") in scope["headers"]


def test_root_path_client_and_base_url_can_be_set():
    app, scopes = scope_app()
    with TestClient(app, root_path="/api", client=("10.0.0.1", 7), base_url="http://shop:81/api") as client:
        client.get("/a")
    (scope,) = scopes
    assert (scope["root_path"], scope["client"], scope["path"], scope["server"]) == (
        "/api",
        ("10.0.0.1", 7),
        "/api/a",
        ("shop", 81),
    )


def test_requests_get_a_copy_of_the_state_of_the_lifespan():
    states = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            scope["state"]["pool"] = "pool"
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            states.append({**scope["state"]})
            scope["state"]["mine"] = 1
            await answer(send)

    with TestClient(app) as client:
        client.get("/")
        client.get("/")
    assert states == [{"pool": "pool"}] * 2


# the lifespan


def test_the_app_runs_from_the_start_of_the_block_to_its_end():
    app = Shop()
    with TestClient(app) as client:
        assert app.journal == ["start"]
        client.get("/widgets/1")
        client.get("/widgets/2")
    assert app.journal == ["start", "stop"]


def test_one_app_can_be_started_by_many_clients_one_after_the_other():
    app = Shop()
    for _ in range(3):
        with TestClient(app) as client:
            assert client.get("/widgets/1").status_code == 200
    assert app.journal == ["start", "stop"] * 3


def test_without_a_block_the_first_request_starts_the_app_and_close_stops_it():
    app = Shop()
    client = TestClient(app)
    assert app.journal == []
    assert client.get("/widgets/1").status_code == 200
    assert app.journal == ["start"]
    client.close()
    assert app.journal == ["start", "stop"]
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get("/widgets/1")


def test_the_app_stops_when_the_test_fails():
    app = Shop()
    with pytest.raises(ZeroDivisionError), TestClient(app):
        1 / 0  # noqa: B018
    assert app.journal == ["start", "stop"]


def test_an_app_that_speaks_no_lifespan_is_served():
    async def raises(scope, receive, send):
        assert scope["type"] == "http"
        await answer(send, b"fine")

    async def returns(scope, receive, send):
        if scope["type"] == "http":
            await answer(send, b"fine")

    for app in (raises, returns):
        with TestClient(app) as client:
            assert client.get("/").text == "fine"


def test_a_failing_start_of_a_jero_app_raises_its_own_exception():
    class Wrong(BaseApp):
        async def _wire(self):
            self._include_resource(object())
            self._include_endpoint(object())

    with pytest.raises(WiringError) as caught, TestClient(Wrong()):
        pytest.fail("it started")
    assert len(caught.value.problems) == 2

    class Away(BaseApp):
        async def _wire(self):
            raise ConnectionError("away") from KeyError("why")

    with pytest.raises(ConnectionError, match="away") as caught, TestClient(Away()):
        pytest.fail("it started")
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.__context__ is None


def test_a_failing_start_can_be_tried_again():
    class Flaky(Shop):
        async def _wire(self):
            if not self.journal:
                self.journal.append("failed")
                raise ConnectionError("away")
            await super()._wire()

    app = Flaky()
    client = TestClient(app)
    with pytest.raises(ConnectionError):
        client.get("/widgets/1")
    assert client.get("/widgets/1").status_code == 200
    client.close()
    assert app.journal == ["failed", "start", "stop"]


def lifespan_app(*, on_startup, on_shutdown=None):
    async def app(scope, receive, send):
        await receive()
        await on_startup(send)
        await receive()
        await on_shutdown(send)

    return app


async def complete_startup(send):
    await send({"type": "lifespan.startup.complete"})


def test_a_failing_start_of_another_app_raises_its_message_or_its_exception():
    async def tell(send):
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def tell_and_raise(send):
        await tell(send)
        raise ConnectionError("away")

    async def only_raise(send):
        raise ConnectionError("away")

    with pytest.raises(StartupFailed, match="no database"), TestClient(lifespan_app(on_startup=tell)):
        pass
    for step in (tell_and_raise, only_raise):
        with pytest.raises(ConnectionError, match="away"), TestClient(lifespan_app(on_startup=step)):
            pass


def test_a_failing_stop_raises_what_failed():
    class Stuck(BaseApp):
        async def _wire(self):
            import contextlib

            self._enter(contextlib.ExitStack()).callback(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError), TestClient(Stuck()):
        pass

    async def tell(send):
        await send({"type": "lifespan.shutdown.failed", "message": "the pool is lost"})

    async def fail(send):
        raise ConnectionError("away")

    with (
        pytest.raises(ShutdownFailed, match="the pool is lost"),
        TestClient(lifespan_app(on_startup=complete_startup, on_shutdown=tell)),
    ):
        pass
    with (
        pytest.raises(ConnectionError),
        TestClient(lifespan_app(on_startup=complete_startup, on_shutdown=fail)),
    ):
        pass


def test_a_failing_stop_does_not_hide_the_failure_of_the_test():
    async def fail(send):
        raise ConnectionError("away")

    with (
        pytest.raises(ConnectionError) as caught,
        TestClient(lifespan_app(on_startup=complete_startup, on_shutdown=fail)),
    ):
        raise KeyError("test")
    assert isinstance(caught.value.__context__, KeyError)


def test_a_started_app_that_returns_early_stops_without_complaint():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})

    with TestClient(app):
        pass


def test_what_the_lifespan_leaves_running_is_cancelled():
    cancelled = []

    async def forever():
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.append(True)

    class Leaky(BaseApp):
        async def _wire(self):
            self.task = asyncio.create_task(forever())
            await asyncio.sleep(0)

    with TestClient(Leaky()):
        pass
    assert cancelled == [True]
    assert [thread.name for thread in threading.enumerate() if thread.name == "jero-testing"] == []


# what the app raises


def test_a_fault_of_a_handler_is_raised_in_the_test_and_not_logged(client, caplog):
    with pytest.raises(ValueError, match="secret") as caught:
        client.get("/broken")
    assert isinstance(caught.value.__cause__, KeyError)
    assert not [record for record in caplog.records if record.name == "jero"]
    assert client.get("/widgets/1").status_code == 200


def test_the_traceback_of_a_fault_leads_from_the_test_to_the_handler(client):
    with pytest.raises(ValueError) as caught:
        client.get("/broken")
    files = [entry.path for entry in caught.traceback]
    assert str(files[-1]).endswith("apps.py")
    assert not [file for file in files if "jero_core" in str(file)]
    assert len([file for file in files if "jero_testing" in str(file)]) == 1


def test_without_raise_server_exceptions_a_fault_is_a_logged_500(caplog):
    with TestClient(Shop(), raise_server_exceptions=False) as client:
        response = client.get("/broken")
    assert response.status_code == 500
    assert response.json() == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["jero"]
    assert "secret" in caplog.text


def test_an_exception_that_leaves_any_app_is_raised():
    async def respond(scope, receive, send):
        raise ConnectionError("away")

    with TestClient(app_of(respond)) as client, pytest.raises(ConnectionError, match="away"):
        client.get("/")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), StopIteration()])
def test_an_exception_of_any_kind_is_raised_and_leaves_the_client_intact(error):
    async def respond(scope, receive, send):
        if scope["path"] == "/raise":
            raise error
        await answer(send, b"fine")

    with TestClient(app_of(respond)) as client:
        with pytest.raises((type(error), RuntimeError)):
            client.get("/raise")
        assert client.get("/").text == "fine"


def test_without_raise_server_exceptions_an_exception_that_leaves_the_app_is_a_logged_500(caplog):
    async def respond(scope, receive, send):
        if scope["path"] == "/started":
            await start(send, 200, (b"x-a", b"b"))
        raise ConnectionError("away")

    with TestClient(app_of(respond), raise_server_exceptions=False) as client:
        for path in ("/", "/started"):
            response = client.get(path)
            assert (response.status_code, response.text) == (500, "Internal Server Error")
            assert "x-a" not in response.headers
        assert client.head("/").content == b""
    assert caplog.text.count("ConnectionError: away") == 3


async def break_off(scope, receive, send):
    await start(send)
    await body(send, b"half", more=True)
    raise ConnectionError("away")


def test_an_exception_in_the_middle_is_raised_after_what_came_before_it():
    received = []
    with TestClient(app_of(break_off)) as client:
        with pytest.raises(ConnectionError), client.stream("GET", "/") as response:
            assert response.status_code == 200
            for piece in response.iter_bytes():
                received.append(piece)  # noqa: PERF402  # what comes before the exception counts
        assert received == [b"half"]
        with pytest.raises(ConnectionError):
            client.get("/")


def test_without_raise_server_exceptions_a_response_that_breaks_off_is_a_protocol_error(caplog):
    with (
        TestClient(app_of(break_off), raise_server_exceptions=False) as client,
        client.stream("GET", "/") as response,
    ):
        pieces = response.iter_bytes()
        assert next(pieces) == b"half"
        with pytest.raises(httpx.RemoteProtocolError, match="middle of its response") as caught:
            next(pieces)
        assert caught.value.request.url == "http://testserver/"
    assert "ConnectionError: away" in caplog.text


def test_an_exception_after_the_response_is_raised_when_it_has_been_read():
    async def respond(scope, receive, send):
        await answer(send, b"fine")
        raise ConnectionError("cleanup")

    with TestClient(app_of(respond)) as client:
        with pytest.raises(ConnectionError, match="cleanup"):
            client.get("/")
        with client.stream("GET", "/") as response:
            assert response.status_code == 200
            with pytest.raises(ConnectionError, match="cleanup"):
                response.read()


def test_a_rule_that_the_app_breaks_is_raised_although_the_app_swallows_it():
    async def respond(scope, receive, send):
        try:
            await start(send, 200, (b"X-Up", b"1"))
        except AssertionError:
            await answer(send, b"swallowed")

    for raises in (True, False):
        with (
            TestClient(app_of(respond), raise_server_exceptions=raises) as client,
            pytest.raises(ASGIViolation, match="lower case"),
        ):
            client.get("/")


def test_the_client_refuses_to_block_its_own_app():
    clients = []

    async def respond(scope, receive, send):
        await answer(send, clients[0].get("/inner").content)

    with TestClient(app_of(respond)) as client:
        clients.append(client)
        with pytest.raises(RuntimeError, match="AsyncTestClient"):
            client.get("/")


def test_requests_from_many_threads_are_answered():
    with TestClient(Shop()) as client:
        results = []

        def get(number):
            results.append(client.get(f"/widgets/{number}").json()["id"])

        threads = [threading.Thread(target=get, args=(number,)) for number in range(1, 20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    assert sorted(results) == list(range(1, 20))


def test_context_variables_of_the_test_do_not_reach_the_app():
    import contextvars

    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    async def respond(scope, receive, send):
        seen.append(variable.get())
        variable.set("app")
        await answer(send)

    variable.set("test")
    with TestClient(app_of(respond)) as client:
        client.get("/")
        client.get("/")
    assert seen == ["unset", "unset"]


def test_a_client_that_was_never_used_starts_nothing():
    before = threading.active_count()
    client = TestClient(Shop())
    assert threading.active_count() == before
    client.close()
    del client
    gc.collect()


def test_a_timeout_of_the_start_leaves_no_thread():
    async def app(scope, receive, send):
        await asyncio.sleep(3600)

    with pytest.raises(AppTimeout), TestClient(app, startup_timeout=0.05):
        pass
    assert "jero-testing" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("client_class", [TestClient, AsyncTestClient])
@pytest.mark.parametrize(
    ("app", "why"), [(Shop, "Shop is a class: `{}(Shop())`"), ("shop:app", "not 'shop:app'"), (None, "not None")]
)
def test_what_is_no_app_is_told_when_the_client_is_made(client_class, app, why):
    with pytest.raises(TypeError, match=re.escape(why.format(client_class.__name__))):
        client_class(app)


def test_a_class_whose_instances_are_awaited_is_an_app():
    class Answer:
        def __init__(self, scope, receive, send):
            self.scope, self.send = scope, send

        async def respond(self):
            if self.scope["type"] == "http":
                await answer(self.send, b"x")

        def __await__(self):
            return self.respond().__await__()

    with TestClient(Answer) as client:
        assert client.get("/").content == b"x"
