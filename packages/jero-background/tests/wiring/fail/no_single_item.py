"""Handlers that do not take one item."""

import msgspec
from msgspec import Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp


class Mail(Struct):
    number: int


class Letter(Struct):
    number: int


class Page[T](Struct):
    items: list[T]


async def nothing() -> None: ...


async def two(item: Mail, attempts: int = 3) -> None: ...


async def any_number(*items: Mail) -> None: ...


async def named(**items: Mail) -> None: ...


async def unannotated(item) -> None: ...


async def a_dict(item: dict[str, int]) -> None: ...


async def optional(item: Mail | None) -> None: ...


async def a_union(item: Mail | Letter) -> None: ...


async def generic(item: Page[Mail]) -> None: ...


async def every_struct(item: Struct) -> None: ...


async def unknown(item: "Missing") -> None: ...


def all_of_it(item: "Missing", other: msgspec.Struct) -> None: ...


class Mailer:
    async def send(self, item: Mail) -> None: ...


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks())
        for handler in (
            nothing,
            two,
            any_number,
            named,
            unannotated,
            a_dict,
            optional,
            a_union,
            generic,
            every_struct,
            unknown,
            all_of_it,
            Mailer.send,
        ):
            tasks.register(handler)
