"""Item types that cannot be messages of a broker."""

from msgspec import Struct
from taskiq import InMemoryBroker

from jero_background.taskiq import TaskiqTasks
from jero_core import BaseApp


class Connection: ...


class Kept(Struct):
    connection: Connection


class Mail(Struct, tag="mail"):
    number: int


class Email(Struct, tag="mail"):
    number: int


class Script(Struct):
    number: int


Script.__module__ = "__main__"


async def keep(item: Kept) -> None: ...


async def send(item: Mail) -> None: ...


async def send_again(item: Email) -> None: ...


async def script(item: Script) -> None: ...


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(TaskiqTasks(InMemoryBroker()))
        for handler in (keep, send, send_again, script):
            tasks.register(handler)
