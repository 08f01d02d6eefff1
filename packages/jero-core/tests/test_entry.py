"""The app as an object: what servers, `inspect` and classes see of it."""

import asyncio
import copy
import inspect
import pickle
from functools import partial

import pytest
from msgspec import Struct

from jero_core import BaseApp, BaseFactory, Endpoint

from .asgi_driver import Client, lifespan, request, serve


class Word(Struct):
    text: str


class Says(Endpoint, path="/word"):
    async def get(self) -> Word:
        return Word("said")


class App(BaseApp):
    async def _wire(self):
        self._include_endpoint(Says())


def test_servers_recognise_it_as_asgi_3():
    app = App()
    assert inspect.iscoroutinefunction(app.__call__)  # uvicorn
    assert inspect.iscoroutinefunction(app)  # hypercorn
    assert [*inspect.signature(app).parameters] == ["scope", "receive", "send"]


def test_a_class_may_wrap_its_call():
    seen = []

    class Wrapped(App):
        async def __call__(self, scope, receive, send):
            seen.append(scope["type"])
            await super().__call__(scope, receive, send)

    app = Wrapped()
    assert app.__call__.__func__ is Wrapped.__call__
    assert request(app, "GET", "/word").json == {"text": "said"}
    assert seen == ["lifespan", "http"]


@pytest.mark.parametrize("name", ["func", "args", "keywords"])
def test_an_app_has_its_own_attributes_under_the_names_of_a_partial(name):
    class Own(App):
        def __init__(self, value):
            setattr(self, name, value)

    app = Own("own")
    assert getattr(app, name) == "own"
    assert request(app, "GET", "/word").status == 200
    assert request(partial(app), "GET", "/word").status == 200


def test_an_app_in_a_class_is_the_app():
    app = App()

    class Holder:
        held = app

    assert Holder.held is Holder().held is app


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_is_not_copied(take):
    with pytest.raises(TypeError, match="make another one"):
        take(App())


def test_it_is_shown_as_an_object():
    assert repr(App()).startswith(f"<{__name__}.App object at")


def test_a_factory_is_named_as_for_any_generic_class():
    class Factory(BaseFactory): ...

    assert BaseApp[Factory].__args__ == (Factory,)
    with pytest.raises(TypeError, match="Too many arguments"):
        BaseApp[Factory, int]


def test_two_apps_answer_each_by_its_own_routes():
    class Empty(BaseApp):
        async def _wire(self): ...

    async def conversation(client):
        empty = Empty()
        async with lifespan(empty):
            responses = [await each.request("GET", "/word") for each in (client, Client(empty))]
        return [response.status for response in responses]

    assert serve(App(), conversation) == [200, 404]


def test_an_app_that_nobody_has_any_more_is_gone():
    import gc
    import weakref

    async def main():
        app = App()
        await app._jero_start()
        await app._jero_stop()
        return weakref.ref(app)

    gone = asyncio.run(main())
    gc.collect()
    assert gone() is None
