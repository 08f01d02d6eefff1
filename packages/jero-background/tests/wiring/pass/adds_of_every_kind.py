"""Adds that look as if they had no handler."""

import functools
from collections.abc import Iterable

from msgspec import Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp, Endpoint


class Mail(Struct, frozen=True):
    number: int

    @classmethod
    def numbered(cls, number: int) -> "Wrapped":
        return Wrapped(cls(number))


class Wrapped(Struct):
    mail: Mail


class Unhandled(Struct):
    number: int = 0
    mail: Mail = Mail(0)

    def as_mail(self) -> Mail:
        return Mail(self.number)


class Basket:
    """Something else with an `add`."""

    def add(self, item: object) -> None: ...


SOMETHING = Basket()


async def send(item: Mail) -> None: ...


async def keep(item: Wrapped) -> None: ...


def logged(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        SOMETHING.add(Unhandled(1))
        return await function(*args, **kwargs)

    return wrapper


class Orders(Endpoint, path="/orders"):
    def __init__(self, tasks: BackgroundTasks, others: BackgroundTasks) -> None:
        self._tasks = tasks
        self._others = others
        self._basket = Basket()

    @property
    def tasks(self) -> BackgroundTasks:
        raise AssertionError("startup does not run it")

    async def get(self) -> None:
        self._basket.add(Unhandled())
        await self._tasks.add(Unhandled(1).mail)
        await self._tasks.add(Unhandled(1).as_mail())
        await self._tasks.add(Mail.numbered(1))
        await self._tasks.add(Mail(1) if self._basket else Unhandled())
        await self._tasks.add(Unhandled(1 if self._basket else 2).mail)
        await self._tasks.add(Mail(Unhandled(1).number))
        await self._tasks.add([Unhandled()][0].mail)
        await self.tasks.add(Unhandled())
        method, _ = self._tasks.add, Unhandled
        method(Unhandled())

    async def post(self) -> None:
        self, basket = self._basket, self  # noqa: PLW0642
        self.add(Unhandled())
        basket.missing.attribute.add(Unhandled())

    @logged
    async def put(self) -> None:
        def inner(self: Iterable[Basket]) -> None:
            for each in self:
                each.add(Unhandled())

        tasks = self._basket
        tasks.add(Unhandled())
        await self._others.add(Wrapped(Mail(1)))


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks())
        others = await self._aenter(BackgroundTasks())
        tasks.register(send)
        tasks.register(keep)
        others.register(keep)
        self._include_endpoint(Orders(tasks, others))
