"""Items without a handler that some request adds, whatever the settings are."""

import contextlib

from msgspec import Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp, Endpoint, HTTPError


class Order(Struct):
    is_gift: bool = False
    names: list[str] = []


class Mail(Struct):
    text: str


class Store:
    async def find(self, number: int) -> Order | None:
        return Order() if number else None

    def price(self, order: Order) -> int:
        return len(order.names)


class Settings(Struct):
    is_on: bool = True
    mode: str = "mail"
    limit: int | None = 3

    def allows(self, what: str) -> bool:
        return what == self.mode


ENABLED = True


class OfRequests(Endpoint, path="/requests"):
    def __init__(self, tasks: BackgroundTasks, store: Store) -> None:
        self._tasks = tasks
        self._store = store

    async def post(self, json: Order) -> None:
        if json.is_gift:
            await self._tasks.add(Mail("if"))

    async def put(self, json: Order) -> None:
        price = self._store.price(json)
        if price > 100 and json.names:
            await self._tasks.add(Mail("made of the request"))

    async def get(self) -> None:
        order = await self._store.find(1)
        if order is None:
            raise HTTPError(404)
        await self._tasks.add(Mail("awaited"))

    async def patch(self, json: Order) -> None:
        for name in json.names:
            if name.isupper():
                continue
            await self._tasks.add(Mail("in a loop"))

    async def delete(self) -> None:
        try:
            await self._store.find(2)
        except OSError:
            await self._tasks.add(Mail("as an exception is handled"))


class OfSettings(Endpoint, path="/settings"):
    max_price = 10

    def __init__(self, tasks: BackgroundTasks, settings: Settings) -> None:
        self._tasks = tasks
        self._settings = settings

    async def get(self) -> None:
        if not self._settings.is_on:
            return
        if ENABLED and self.max_price and self._settings.limit is not None:
            await self._tasks.add(Mail("on"))

    async def post(self, json: Order) -> None:
        if self._settings.allows("print"):
            json.names.append("either way it goes on")
        with contextlib.suppress(ValueError):
            await self._tasks.add(Mail("both ways"))

    async def patch(self, json: Order) -> None:
        first, second = json.names
        if first or second:
            await self._tasks.add(Mail("unpacked"))

    async def put(self, json: Order) -> None:
        if json.is_gift and self._settings.allows("gifts"):
            return
        await self._tasks.add(Mail("no gift"))


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks())
        self._include_endpoint(OfRequests(tasks, Store()))
        self._include_endpoint(OfSettings(tasks, Settings()))
