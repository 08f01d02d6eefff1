"""`TaskiqTasks`: items go to a broker, and the worker processes of the same app run their handlers.

Rules
-----
- `add` returns when the broker has taken the item. From then on a broker that waits for acknowledgements (a Redis
  stream, RabbitMQ) runs it at least once: an item is acknowledged when its handler has ended, whether well or not; a
  worker that is killed, or stopped before, has acknowledged nothing, and the broker gives the item to another one.
- The message of an item is its JSON, made and read by msgspec, and its id. Its taskiq task is named after the Struct:
  `jero:` and the Struct's tag, or module and name; with `allow_one_to_many` also after the handler, and each handler
  has a message of its own. All processes have to agree on these names.
- An item that this worker cannot read, or has no handler for, may be meant for a newer or older version of the app: it
  is logged, not acknowledged, and left to the broker.
- A handler that raises, or takes longer than `handler_timeout`, is logged and told to `on_error`, as in process, and
  to taskiq: its middlewares may try again.
- Where the app only serves, nothing runs here but what the in-memory broker runs. See worker.py for the other side.
"""

import asyncio
import math
import os
from collections.abc import Awaitable, Callable
from contextvars import Context
from types import TracebackType
from typing import Self, cast

import msgspec
from taskiq import AsyncBroker, InMemoryBroker
from taskiq.kicker import AsyncKicker

from jero_background.background_tasks import CUT_GRACE
from jero_background.handlers import Handler, name_of_type
from jero_background.item_queue import (
    CLOSED,
    NOT_CALLED,
    RUN,
    BackgroundClosedError,
    ItemQueue,
    OnError,
    QueueStats,
    logger,
    too_late,
)
from jero_background.settings import positive, seconds
from jero_core.extend import Codec, Refusal

from .receiving import RECHECK, WORKER, Listener, note_recheck

type EncHook = Callable[[object], object]
type DecHook = Callable[[type, object], object]
type _Task = Callable[[str, str], Awaitable[None]]


class _Run(msgspec.Struct):
    """One run of a handler in this process."""

    id: str
    item: msgspec.Struct
    handler: Handler
    is_cut_off: bool = False


class TaskiqTasks(ItemQueue):
    """A queue of items in a taskiq broker. An async context manager, entered like BackgroundTasks.

    `concurrency` is the most handlers that run at a time in one worker (the in-memory broker knows no bound),
    `drain_timeout` how long in seconds a stopping worker waits for those that run (None: as long as it takes),
    `handler_timeout` how long one handler may take (None: as long as it wants), which the broker must know to be less
    than the time after which it gives an item to another worker.
    `enc_hook` and `dec_hook` are msgspec's, for types in items that it does not know. `recheck` is after how many idle
    seconds a worker sends itself a small message: taskiq-redis looks for the items of dead workers only when a message
    arrives (None: never). The broker is started and shut down with the queue.

        tasks = await self._aenter(TaskiqTasks(RedisStreamBroker("redis://localhost")))
        tasks.register(mailer.send_receipt)
    """

    def __init__(
        self,
        broker: AsyncBroker,
        *,
        drain_timeout: float | None = 30.0,
        allow_one_to_many: bool = False,
        concurrency: int = 1,
        handler_timeout: float | None = 300.0,
        on_error: OnError | None = None,
        enc_hook: EncHook | None = None,
        dec_hook: DecHook | None = None,
        recheck: float | None = 10.0,
    ) -> None:
        super().__init__(allow_one_to_many=allow_one_to_many, on_error=on_error)
        if not isinstance(broker, AsyncBroker):
            raise TypeError(f"the broker is a taskiq broker, not {broker!r}")
        self._broker = broker
        self._concurrency = positive("concurrency", concurrency)
        self._drain_timeout = seconds("drain_timeout", drain_timeout)
        self._handler_timeout = seconds("handler_timeout", handler_timeout, may_be_zero=False)
        self._recheck = seconds("recheck", recheck) or None
        self._codec = Codec(enc_hook, dec_hook)
        self._tasks: dict[str, Handler] = {}
        """The registered handlers by the names of their taskiq tasks."""
        self._is_open = self._is_closed = False
        self._is_cutting_off = False
        self._listener: Listener | None = None
        self._running: dict[asyncio.Task[object], _Run] = {}
        self._waiting: dict[tuple[str, str], _Run] = {}
        """What the in-memory broker has and did not begin, by the item's id and the name of its task."""
        self._kept: set[asyncio.Task[object]] = set()
        """Tasks whose messages must not be acknowledged."""
        self._sent = self._drained = 0
        self._left = 0.0
        """How many seconds are left to drain."""

    async def __aenter__(self) -> Self:
        """Start the broker. Raises RuntimeError if the queue is entered already."""
        if self._is_open:
            raise RuntimeError("the queue is entered already")
        worker = WORKER.get(None)
        self._broker.is_worker_process = worker is not None
        self._remember()
        await self._broker.startup()
        self._is_open, self._is_closed, self._is_cutting_off = True, False, False
        self._sent = self._drained = 0
        self._left = math.inf if self._drain_timeout is None else self._drain_timeout
        self._clear_counts()
        self._broker.register_task(note_recheck, RECHECK)
        if worker is not None:
            worker.append(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let what runs here end, and shut the broker down."""
        try:
            if self._listener is not None:
                await self.stop_listening()
            elif isinstance(self._broker, InMemoryBroker):
                await self._drain_memory(self._broker)
        finally:
            self._is_open, self._is_closed = False, True
            self._forget()
            kept = {name: each for name, each in self._tasks.items() if each in self._all_handlers()}
            for name in self._tasks.keys() - kept.keys():
                self._broker.local_task_registry.pop(name, None)
            self._tasks = kept
            await self._broker.shutdown()

    async def __jero_drain__(self) -> bool:
        """Let what the in-memory broker runs here end, before anything of the app closes; whether there was any."""
        sent, self._drained = self._drained, self._sent
        if isinstance(self._broker, InMemoryBroker) and sent != self._sent:
            await self._drain_memory(self._broker)
            return True
        return False

    async def add(self, item: msgspec.Struct, /) -> str:
        """Hand an item to the broker, and give its id.

        Raises TypeError if no handler is registered for its type, BackgroundClosedError if the queue has been closed,
        RuntimeError if it was never entered, and taskiq's SendTaskError if the broker does not take it.
        """
        self._check_open(item)
        item_id = self._next_id()
        await self._send(item, item_id)
        return item_id

    def stats(self) -> QueueStats:
        """What has become of items in this process; what waits in the broker is the broker's to tell."""
        return QueueStats(0, len(self._running), self._done, self._failed, self._dropped)

    @property
    def is_in_memory(self) -> bool:
        """Whether the items stay in this process."""
        return isinstance(self._broker, InMemoryBroker)

    @property
    def _is_entered(self) -> bool:
        return self._is_open

    # sending

    def _next_id(self) -> str:
        return os.urandom(16).hex()

    def _check_open(self, item: msgspec.Struct) -> None:
        if self._is_closed:
            raise BackgroundClosedError(detail=CLOSED)
        if not self._is_open:
            raise RuntimeError("the queue is not entered: `await self._aenter(TaskiqTasks(broker))` in `_wire`")
        if type(item) not in self._handlers:
            raise self._unknown(item)

    async def _take(self, item: msgspec.Struct, item_id: str, context: Context) -> None:
        if self._is_closed:
            raise BackgroundClosedError(detail=CLOSED)
        await self._send(item, item_id)

    async def _send(self, item: msgspec.Struct, item_id: str) -> None:
        text = self._codec.encode(item).decode()
        for number, handler in enumerate(self._handlers[type(item)]):
            name = self._task_name(handler)
            kicker: AsyncKicker[[str, str], None] = AsyncKicker(name, self._broker, {})
            task_id = f"{item_id}-{number}" if number else item_id
            if self.is_in_memory:
                self._waiting[item_id, name] = _Run(item_id, item, handler)
            try:
                await kicker.with_task_id(task_id).kiq(text, item_id)
            except BaseException:
                self._waiting.pop((item_id, name), None)
                raise
            self._sent += 1

    # registering

    def _all_handlers(self) -> list[Handler]:
        return [each for group in self._handlers.values() for each in group]

    def _task_name(self, handler: Handler) -> str:
        config = handler.item.__struct_config__
        name = f"jero:{name_of_type(handler.item) if config.tag is None else config.tag}"
        return f"{name}#{handler.name}" if self._allow_one_to_many else name

    def _check(self, handler: Handler) -> None:
        super()._check(handler)
        item = handler.item
        self._codec.check_encodes(item, "JERO-W074")
        try:
            decoder = self._codec.json_decoder(item)
        except Refusal as fault:
            raise Refusal(code="JERO-W074", reason=fault.reason, remedy=fault.remedy) from None
        if item.__module__ == "__main__" and item.__struct_config__.tag is None:
            raise Refusal(
                code="JERO-W074",
                reason=f"{item.__qualname__} is defined in the script that runs, and has another name in a worker.",
                remedy=f'a module of its own for it, or a tag: `class {item.__qualname__}(Struct, tag="...")`.',
            )
        name = self._task_name(handler)
        other = self._tasks.get(name)
        if other is not None and other.function != handler.function:
            raise Refusal(
                code="JERO-W074",
                reason=f"its messages are named {name!r}, and so are those of {other.name} ({other.place}).",
                remedy="a tag of its own for each item type, and a name of its own for each handler.",
            )
        self._tasks[name] = handler
        self._broker.register_task(self._task(handler, decoder), name)

    def _task(self, handler: Handler, decoder: msgspec.json.Decoder[object]) -> _Task:
        """What taskiq runs for a handler."""

        async def run(text: str, item_id: str) -> None:
            try:
                item = cast("msgspec.Struct", decoder.decode(text))
            except msgspec.MsgspecError as error:
                self._keep()
                message = "%s %s cannot be read, and is left to the broker: %s"
                logger.error(message, name_of_type(handler.item), item_id, error)
                raise
            await self._run(_Run(item_id, item, handler))

        return run

    # running

    def _keep(self) -> None:
        """Have the message of the current task not acknowledged."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # taskiq runs each message in a task
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def _run(self, run: _Run) -> None:
        if self.is_in_memory and self._waiting.pop((run.id, self._task_name(run.handler)), None) is None:
            return  # It has been dropped, and the broker's task is still there.
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # taskiq runs each message in a task
        self._running[task] = run
        RUN.set(run)
        limit = asyncio.timeout(self._handler_timeout)
        try:
            async with limit:
                await run.handler.call(run.item)
        except (KeyboardInterrupt, GeneratorExit):
            self._keep()
            raise
        except BaseException as error:
            if run.is_cut_off and isinstance(error, asyncio.CancelledError):
                self._keep()
                again = "" if self.is_in_memory else "; a broker that got no acknowledgement gives it again"
                self._drop(run.item, run.id, f"{run.handler.name} was cut off{again}")
                raise
            self._failed += 1
            if limit.expired() and isinstance(error, TimeoutError):
                late = too_late(run.handler, self._handler_timeout)
                late.__cause__ = error
                await self._tell(run.item, run.id, run.handler, late)
                raise late from error
            await self._tell(run.item, run.id, run.handler, error)
            if isinstance(error, asyncio.CancelledError):
                # taskiq would take it for the worker's own.
                raise RuntimeError(f"{run.handler.name} was cancelled by itself") from error  # noqa: TRY004
            raise
        else:
            self._done += 1
        finally:
            del self._running[task]

    # the worker's side

    def listen(self) -> None:
        """Begin to take items from the broker. The worker calls it, when the app has started."""
        self._listener = Listener(self._broker, self._concurrency, self._recheck, self._is_kept)
        self._listener.begin()

    @property
    def listening(self) -> asyncio.Task[None] | None:
        """The task that takes items; it ends only if it fails."""
        return None if self._listener is None else self._listener.task

    async def stop_listening(self) -> None:
        """Take no more items, and let what runs end, for at most `drain_timeout`; then cut it off."""
        listener, self._listener = self._listener, None
        if listener is not None:
            try:
                await listener.finish(self._drain_timeout)
            finally:
                listener.is_cutting_off = True
                await self._cut_off([listener.task])

    def _is_kept(self, task: asyncio.Task[object] | None) -> bool:
        return task in self._kept

    async def _drain_memory(self, broker: InMemoryBroker) -> None:
        """Let the in-memory broker run everything, also what is added meanwhile."""
        loop = asyncio.get_running_loop()
        try:
            sent = -1
            while sent != self._sent and self._left > 0:
                sent, began = self._sent, loop.time()
                waiting = loop.create_task(broker.wait_all())
                await asyncio.wait([waiting], timeout=None if self._left == math.inf else self._left)
                waiting.cancel()
                self._left -= loop.time() - began
        finally:
            not_begun, self._waiting = self._waiting, {}
            for run in not_begun.values():
                self._drop(run.item, run.id, f"{run.handler.name} {NOT_CALLED}")
            await self._cut_off([])

    async def _cut_off(self, others: list[asyncio.Task[None]]) -> None:
        """Cancel what still runs, and wait for it a little."""
        for task, run in self._running.items():
            run.is_cut_off = True
            task.cancel()
        for task in others:
            task.cancel()
        ending: list[asyncio.Task[object]] = [*self._running]
        if pending := [*ending, *(task for task in others if not task.done())]:
            await asyncio.wait(pending, timeout=CUT_GRACE)
