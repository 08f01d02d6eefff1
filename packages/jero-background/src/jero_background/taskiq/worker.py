"""The worker: a process that starts the app as a server does, serves no request, and runs items.

Rules
-----
- The app starts and stops through its ASGI lifespan: handlers have the same resources as in a server, wiring errors
  are reported in the same way, and whatever `_wire` opened is closed.
- Items are taken once the app has started. At SIGTERM or SIGINT the worker takes no more, lets what runs end (for at
  most `drain_timeout`), and then stops the app. One that has not started by then (it waits for its database) is
  cancelled: nothing has been taken.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from contextvars import copy_context
from typing import Final

from .receiving import WORKER
from .tasks import TaskiqTasks

type _Message = MutableMapping[str, object]
type App = Callable[
    [MutableMapping[str, object], Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]],
    Awaitable[None],
]

_LIFESPAN: Final = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}


class WorkerError(Exception):
    """The app did not start or stop, or has no queue to work for; the message says why."""


async def run_worker(app: App, *, stop: asyncio.Event | None = None) -> None:
    """Run the items of an app until `stop` is set, or else until SIGTERM or SIGINT. Raises WorkerError."""
    if stop is None:
        stop = asyncio.Event()
        _stop_on_signals(stop)
    queues: list[TaskiqTasks] = []
    lifespan = _Lifespan(app, queues)
    stopping = asyncio.create_task(stop.wait())
    try:
        if await lifespan.tell("startup", unless=stopping):
            await _work(queues, lifespan, stopping)
    finally:
        stopping.cancel()


async def _work(queues: list[TaskiqTasks], lifespan: "_Lifespan", stopping: asyncio.Task[bool]) -> None:
    """Run the items of an app that has started, until it is to stop, and stop it."""
    try:
        if not queues:
            raise WorkerError("the app enters no TaskiqTasks in `_wire`: a worker has nothing to do")
        reached = [queue for queue in queues if not queue.is_in_memory]
        if not reached:
            raise WorkerError(
                "the app's queues have an InMemoryBroker, which no other process reaches: their items run where they "
                "are added. For a worker, name a broker such as RedisStreamBroker"
            )
        for queue in reached:
            queue.listen()
        listening = [task for queue in reached if (task := queue.listening) is not None]
        await asyncio.wait([stopping, *listening], return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            raise WorkerError("a queue has ended to listen")
    finally:
        try:
            await asyncio.gather(*(queue.stop_listening() for queue in queues))
        finally:
            await lifespan.tell("shutdown")


class _Lifespan:
    """The app's lifespan, with the server's part played."""

    def __init__(self, app: App, queues: list[TaskiqTasks]) -> None:
        self._incoming: asyncio.Queue[_Message] = asyncio.Queue()
        self._sent: asyncio.Queue[_Message] = asyncio.Queue()
        context = copy_context()
        context.run(WORKER.set, queues)
        self._task = asyncio.create_task(self._run(app), context=context)

    async def _run(self, app: App) -> None:
        await app(dict(_LIFESPAN), self._incoming.get, self._sent.put)

    async def tell(self, event: str, *, unless: asyncio.Task[bool] | None = None) -> bool:
        """Have the app start or stop, unless something happens before: then it is cancelled, and this gives False.

        Raises WorkerError with what the app says if it does not.
        """
        await self._incoming.put({"type": f"lifespan.{event}"})
        answer = asyncio.create_task(self._sent.get())
        others = [] if unless is None else [unless]
        await asyncio.wait([answer, self._task, *others], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            if not self._task.done():
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)  # A jero app has logged what it waited for.
                return False
            self._task.result()
            raise WorkerError(f"the app ended at its {event}")
        message = answer.result()
        if message["type"] != f"lifespan.{event}.complete":
            await self._task
            raise WorkerError(str(message.get("message", f"{event} failed")))
        return True


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends it.
            loop.add_signal_handler(number, stop.set)
