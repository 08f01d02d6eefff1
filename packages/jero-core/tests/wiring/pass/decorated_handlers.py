"""Handlers behind decorators: sync around async, async around sync, stacked, and with a cache."""

import functools

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource

ANSWERS = {
    "GET /sync-around-async": "async",
    "GET /async-around-sync": "sync",
    "GET /widgets/7": "7",
    "GET /cached": "1",
    "GET /answered": "ahead",
    "POST /answered": "async",
}


class WidgetPath(Struct):
    widget_id: str


def sync_around(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def async_around(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class SyncAroundAsync(Endpoint, path="/sync-around-async"):
    @sync_around
    async def get(self) -> str:
        return "async"


class AsyncAroundSync(Endpoint, path="/async-around-sync"):
    @async_around
    def get(self) -> str:
        return "sync"


class Widgets(Resource, path="/widgets"):
    @sync_around
    @sync_around
    async def read_one(self, path: "WidgetPath") -> str:
        return path.widget_id

    @classmethod
    @sync_around
    async def read_many(cls) -> str:
        return cls.__name__

    @staticmethod
    @async_around
    def delete(path: WidgetPath) -> None:
        return None


def answering(function):
    """Answers GET itself, and leaves the rest to the coroutine function."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return "ahead" if function.__name__ == "get" else function(*args, **kwargs)

    return wrapper


class Answered(Endpoint, path="/answered"):
    @answering
    async def get(self) -> str:
        return "async"

    @answering
    async def post(self) -> str:
        return "async"


class Cached(Endpoint, path="/cached"):
    @functools.cache
    def get(self) -> str:
        return "1"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(SyncAroundAsync())
        self._include_endpoint(AsyncAroundSync())
        self._include_resource(Widgets())
        self._include_endpoint(Cached())
        self._include_endpoint(Answered())
