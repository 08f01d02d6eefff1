"""Handlers that are no coroutine functions."""

import functools
from collections.abc import AsyncIterator

from msgspec import Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp


class Mail(Struct):
    number: int


def plain(item: Mail) -> None: ...


async def generator(item: Mail) -> AsyncIterator[int]:
    yield 1


class Mailer:
    def send(self, item: Mail) -> None: ...

    def __call__(self, item: Mail) -> None: ...

    async def no_self() -> None: ...


async def other(item: Mail, greeting: str) -> None: ...


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks(allow_one_to_many=True))
        for handler in (
            plain,
            generator,
            Mailer().send,
            Mailer(),
            Mailer().no_self,
            Mailer,
            print,
            functools.partial(other, greeting="hello"),
            lambda item: None,
            "send",
            None,
        ):
            tasks.register(handler)
