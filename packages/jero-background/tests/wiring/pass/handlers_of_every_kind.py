"""Handlers that look wrong and are not."""

import functools
from typing import Annotated

from msgspec import Meta, Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp


class Mail(Struct):
    number: int


class Page[T](Struct):
    items: list[T]


type Alias = Mail


class Mailer:
    async def method(self, item: "Mail") -> None: ...

    @staticmethod
    async def static(item: Mail, /) -> None: ...

    @classmethod
    async def of_class(cls, *, item: Mail) -> None: ...

    async def __call__(self, item: Alias) -> None: ...


async def annotated(item: Annotated[Mail, Meta(description="a mail")]) -> int:
    return 1


async def of_pages(item: Page) -> None: ...


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@decorated
async def wrapped(item: Mail) -> None: ...


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = BackgroundTasks(allow_one_to_many=True)
        tasks.register(wrapped)
        await self._aenter(tasks)
        for handler in (Mailer().method, Mailer.static, Mailer.of_class, Mailer(), annotated, of_pages):
            tasks.register(handler)
