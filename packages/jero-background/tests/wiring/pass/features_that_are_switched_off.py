"""Adds of items for which nothing is registered, because the feature is off: no request gets there."""

from msgspec import Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp, Endpoint


class Order(Struct):
    is_gift: bool = False


class Mail(Struct):
    text: str


class Settings(Struct):
    is_on: bool = False
    mode: str = "none"
    limit: int | None = None

    def allows(self, what: str) -> bool:
        return what == self.mode


class Truth:
    """Has an opinion of its own of whether it is true."""

    def __bool__(self) -> bool:
        raise AssertionError("startup does not run it")


ENABLED = False


class Known(Endpoint, path="/known"):
    is_on = False

    def __init__(self, tasks: BackgroundTasks, settings: Settings) -> None:
        self._tasks = tasks
        self._settings = settings

    async def get(self) -> None:
        if self.is_on:
            await self._tasks.add(Mail("an attribute of the class"))
        if ENABLED:
            await self._tasks.add(Mail("a global"))

    async def post(self, json: Order) -> None:
        if not self._settings.is_on:
            return
        await self._tasks.add(Mail("behind an early return"))

    async def put(self, json: Order) -> None:
        if json.is_gift and self._settings.is_on:
            await self._tasks.add(Mail("and"))
        while self._settings.is_on:
            await self._tasks.add(Mail("while"))

    async def patch(self, json: Order) -> None:
        if self._settings.limit is not None:
            await self._tasks.add(Mail("no limit"))

    async def delete(self) -> None:
        self._settings.is_on and await self._tasks.add(Mail("an expression"))  # type: ignore[func-returns-value]  # for its effect
        settings = self._settings
        if settings.is_on:
            await self._tasks.add(Mail("a local name"))


class Unknown(Endpoint, path="/unknown"):
    """Nobody knows at startup."""

    def __init__(self, tasks: BackgroundTasks, settings: Settings) -> None:
        self._tasks = tasks
        self._settings = settings
        self._truth = Truth()

    async def get(self) -> None:
        if self._settings.mode == "mail":
            await self._tasks.add(Mail("a comparison"))

    async def post(self, json: Order) -> None:
        if not self._settings.allows("mail"):
            return
        if json.is_gift:
            await self._tasks.add(Mail("a call"))

    async def put(self, json: Order) -> None:
        if self._settings.allows("mail") or self._settings.mode == "mail":
            await self._tasks.add(Mail("one of two"))

    async def patch(self, json: Order) -> None:
        if self._truth:
            await self._tasks.add(Mail("its own truth"))

    async def delete(self) -> None:
        match self._settings.mode:
            case "mail":
                await self._tasks.add(Mail("a match"))
            case _:
                raise ValueError


class Outbox(BackgroundTasks):
    """Adds something else than it is given."""

    async def add(self, item: Struct, /) -> str:
        return await super().add(Wrapped(str(item)))


class Wrapped(Struct):
    text: str


async def send(item: Wrapped) -> None: ...


class More(Endpoint, path="/more"):
    def __init__(self, tasks: BackgroundTasks, settings: Settings, outbox: Outbox) -> None:
        self._tasks = tasks
        self._settings = settings
        self._channels: tuple[str, ...] = ()
        self._outbox = outbox

    async def get(self) -> None:
        for channel in self._channels:
            await self._tasks.add(Mail(channel))

    async def post(self, json: Order) -> None:
        notify = self._settings.is_on and json.is_gift
        if notify:
            await self._tasks.add(Mail("a stored condition"))

    async def put(self, json: Order) -> None:
        if str(json.is_gift) in self._channels:
            await self._tasks.add(Mail("contained"))

    async def patch(self) -> None:
        async def later() -> None:
            await tasks.add(Mail("in a function that is not called"))

        tasks = self._tasks
        if self._settings.is_on:
            await later()

    async def delete(self) -> None:
        await self._outbox.add(Mail("wrapped"))


class NotEntered(Endpoint, path="/not-entered"):
    def __init__(self, tasks: BackgroundTasks | None, settings: Settings) -> None:
        self._tasks = tasks
        self._spare = BackgroundTasks()
        self._settings = settings

    async def get(self) -> None:
        if self._tasks is not None:
            await self._tasks.add(Mail("there is no queue"))
        if self._settings.is_on:
            await self._spare.add(Mail("a queue that is entered when the feature is on"))


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks())
        self._include_endpoint(Known(tasks, Settings()))
        self._include_endpoint(Unknown(tasks, Settings()))
        outbox = await self._aenter(Outbox())
        outbox.register(send)
        self._include_endpoint(More(tasks, Settings(), outbox))
        self._include_endpoint(NotEntered(None, Settings()))
