"""AsyncTestClient: the same as TestClient, on the caller's loop."""

import asyncio

import httpx
import pytest

from jero_core import BaseApp, WiringError
from jero_testing import AsyncTestClient

from .apps import Shop, answer, app_of


def run(conversation, app=None, **options):
    async def main():
        async with AsyncTestClient(app or Shop(), **options) as client:
            return await conversation(client)

    return asyncio.run(main())


def test_it_is_an_httpx_async_client():
    async def conversation(client):
        assert isinstance(client, httpx.AsyncClient)
        assert (await client.get("/widgets/3")).json() == {"id": 3, "name": "bolt"}
        assert (await client.post("/widgets", json={"id": 1, "name": "a"})).status_code == 201
        assert (await client.head("/widgets/3")).content == b""
        assert (await client.delete("/widgets/3")).status_code == 204

    run(conversation)


def test_the_app_runs_in_the_loop_of_the_test():
    loops = []

    async def respond(scope, receive, send):
        loops.append(asyncio.get_running_loop())
        await answer(send)

    async def conversation(client):
        await client.get("/")
        assert loops == [asyncio.get_running_loop()]

    run(conversation, app_of(respond))


def test_the_app_runs_from_the_start_of_the_block_to_its_end():
    app = Shop()

    async def conversation(client):
        assert app.journal == ["start"]

    run(conversation, app)
    assert app.journal == ["start", "stop"]


def test_without_a_block_the_first_request_starts_the_app_and_aclose_stops_it():
    app = Shop()

    async def main():
        client = AsyncTestClient(app)
        await asyncio.gather(*(client.get("/widgets/1") for _ in range(5)))
        assert app.journal == ["start"]
        await client.aclose()
        assert app.journal == ["start", "stop"]

    asyncio.run(main())


def test_a_failing_start_raises_its_own_exception():
    class Wrong(BaseApp):
        async def _wire(self):
            self._include_resource(object())

    with pytest.raises(WiringError, match="JERO-W004"):
        run(None, Wrong())


def test_a_fault_is_raised_or_is_a_logged_500(caplog):
    async def conversation(client):
        return await client.get("/broken")

    with pytest.raises(ValueError, match="secret") as caught:
        run(conversation)
    assert str(caught.traceback[-1].path).endswith("apps.py")
    assert not [entry for entry in caught.traceback if "jero_core" in str(entry.path)]
    assert "secret" not in caplog.text
    assert run(conversation, raise_server_exceptions=False).status_code == 500
    assert "secret" in caplog.text


def test_requests_can_be_under_way_at_once():
    waiting = []

    async def respond(scope, receive, send):
        waiting.append(scope["path"])
        while len(waiting) < 3:
            await asyncio.sleep(0)
        await answer(send, scope["path"].encode())

    async def conversation(client):
        responses = await asyncio.gather(*(client.get(f"/{number}") for number in range(3)))
        assert [response.text for response in responses] == ["/0", "/1", "/2"]

    run(conversation, app_of(respond))


def test_context_variables_of_the_test_do_not_reach_the_app():
    import contextvars

    variable = contextvars.ContextVar("variable", default="unset")

    async def respond(scope, receive, send):
        await answer(send, variable.get().encode())

    async def conversation(client):
        variable.set("test")
        return (await client.get("/")).text

    assert run(conversation, app_of(respond)) == "unset"


def test_the_same_app_can_be_used_from_inside_itself():
    clients = []

    async def respond(scope, receive, send):
        if scope["path"] == "/outer":
            await answer(send, (await clients[0].get("/inner")).content)
        else:
            await answer(send, b"inner")

    async def conversation(client):
        clients.append(client)
        return (await client.get("/outer")).text

    assert run(conversation, app_of(respond)) == "inner"


def test_a_client_of_another_event_loop_says_so():
    client = AsyncTestClient(Shop())
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(client.get("/widgets/1"))
        for use in (client.get("/widgets/1"), client.aclose()):
            with pytest.raises(RuntimeError, match="started in another event loop"):
                second.run(use)
        assert second.run(asyncio.sleep(0, "fine")) == "fine"


def test_an_event_loop_that_is_not_asyncios_is_refused():
    client = AsyncTestClient(Shop())
    with pytest.raises(RuntimeError, match="event loop of asyncio's"):
        client.__aenter__().send(None)
