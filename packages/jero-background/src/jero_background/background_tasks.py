"""The in-process queue.

Rules
-----
- What `add` has taken runs exactly once, in the order in which it was taken, at most `concurrency` at a time. It is in
  process: what the process takes with it when it is killed (the queue, and what runs) is lost.
- At most `maxsize` items wait, and of one item more its other handlers; `add` waits for a place (line.py), first come,
  first served. An `add` that is cancelled while it waits has added nothing: it puts its item there itself.
- A handler may add to the queue that it runs for, and handlers of two queues to each other's. If waiting for a place
  could close a circle in which each waits for the other, the item is taken at once, beyond `maxsize`.
- A handler runs in a task of its own, in a copy of the context in which the item was added. Whatever it raises ends
  that task alone: it is logged, counted, told to `on_error`, and the next item runs. Ctrl-C (KeyboardInterrupt) is
  logged too, and goes on to whoever runs the loop.
- A handler that takes longer than `handler_timeout` is cancelled, and has failed with a TimeoutError. One that is still
  there `CUT_GRACE` later cannot be cancelled: it has failed too, and holds its place no longer. So has `on_error`.
  Thus one that hangs does not keep the others from running, also with `concurrency` 1.
- Leaving drains: everything that waits runs, and what is added meanwhile. An app drains all its queues before it closes
  anything, and each again as it closes, for what other resources have added last. After `drain_timeout` seconds in all,
  what runs is cancelled and gets `CUT_GRACE` to end. Then, or when the leaving itself is cancelled, the queue is
  closed, and each item that did not run to its end is logged by type and id.

Theory
------
There is no worker that could die: whenever an item is taken, or a task has ended, `_start` begins what may begin. The
ids are `<8 hexadecimal digits of this start>-<number>`, so that logs of several processes and starts can be put
together.
"""

import asyncio
import math
import os
from contextvars import Context, copy_context
from types import TracebackType
from typing import Final, Self

import msgspec

from .entry import Entry, is_current
from .handlers import name_of_type
from .item_queue import CLOSED, NOT_CALLED, RUN, BackgroundClosedError, ItemQueue, OnError, QueueStats, logger, too_late
from .line import Line
from .settings import positive, seconds

CUT_GRACE: Final = 0.5
"""How many seconds a handler has to end when it has been cancelled."""


class BackgroundTasks(ItemQueue):
    """A queue of items in this process, whose handlers run beside the requests. An async context manager.

    `maxsize` is the most items that wait, `concurrency` the most handlers that run at a time, `drain_timeout` how long
    in seconds leaving waits for everything to run (None: as long as it takes), `handler_timeout` how long one handler
    may take (None: as long as it wants). ItemQueue has the other two. Raises TypeError or ValueError for a setting that
    is none. All of it is for one event loop, the one that enters it.

    ::

        tasks = await self._aenter(BackgroundTasks())
        tasks.register(mailer.send_receipt)  # async def send_receipt(self, item: SendReceipt) -> None
    """

    def __init__(
        self,
        *,
        maxsize: int = 1024,
        drain_timeout: float | None = 30.0,
        allow_one_to_many: bool = False,
        concurrency: int = 1,
        handler_timeout: float | None = 20.0,
        on_error: OnError | None = None,
    ) -> None:
        super().__init__(allow_one_to_many=allow_one_to_many, on_error=on_error)
        self._line: Line[Entry] = Line(positive("maxsize", maxsize))
        self._concurrency = positive("concurrency", concurrency)
        self._drain_timeout = seconds("drain_timeout", drain_timeout)
        self._handler_timeout = seconds("handler_timeout", handler_timeout, may_be_zero=False)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self._prefix = ""
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._clear_counts()
        self._running: dict[asyncio.Task[None], Entry] = {}
        self._busy = 0
        """How many have begun and not ended; counted apart, because an eager task runs before it is in `_running`."""
        self._idle: asyncio.Future[None] | None = None
        self._left = math.inf if self._drain_timeout is None else self._drain_timeout
        """How many seconds are left to drain."""

    async def __aenter__(self) -> Self:
        """Open the queue. Raises RuntimeError if it is open."""
        if self._loop is not None:
            raise RuntimeError("the queue is entered already")
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._prefix = f"{os.urandom(4).hex()}-"
        self._begin()
        self._remember()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Drain what is left, and close."""
        try:
            await self._drain()
        finally:
            try:
                await self._close()
            finally:
                self._loop = None
                self._forget()

    async def __jero_drain__(self) -> bool:
        """Drain before anything of the app closes; whether there was work.

        Until this itself closes, what is added late is taken.
        """
        if self._is_closed or self._is_idle():
            return False
        try:
            await self._drain()
        except BaseException:
            await self._close()
            raise
        if not self._is_idle():
            await self._close()
        return True

    async def add(self, item: msgspec.Struct, /) -> str:
        """Take an item, when there is a place for it, and give its id.

        Raises TypeError if no handler is registered for its type, BackgroundClosedError if the queue has been drained
        and closed (also while this waits), RuntimeError if it was never entered, or in another event loop than this.
        """
        self._check_open(item)
        if asyncio.get_running_loop() is not self._loop:
            # The queue, and its loop, would be torn between two threads; an idle loop would not even wake up.
            raise RuntimeError(
                "the queue was entered in another event loop; from a thread, add by "
                "`asyncio.run_coroutine_threadsafe(tasks.add(item), loop)`, with that loop"
            )
        item_id = self._next_id()
        await self._take(item, item_id, copy_context())
        return item_id

    def stats(self) -> QueueStats:
        """What has become of the items. With `allow_one_to_many`, an item counts once for each of its handlers."""
        return QueueStats(len(self._line.queued), self._busy, self._done, self._failed, self._dropped)

    @property
    def _is_entered(self) -> bool:
        return self._loop is not None

    # taking

    def _next_id(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def _check_open(self, item: msgspec.Struct) -> None:
        if self._is_closed:
            raise BackgroundClosedError(detail=CLOSED)
        if self._loop is None:
            raise RuntimeError("the queue is not entered: `await self._aenter(BackgroundTasks())` in `_wire`")
        if type(item) not in self._handlers:
            raise self._unknown(item)

    async def _take(self, item: msgspec.Struct, item_id: str, context: Context) -> None:
        if self._is_closed:
            raise BackgroundClosedError(detail=CLOSED)
        handlers = self._handlers[type(item)]
        line = self._line
        if line.is_full():
            await self._wait_for_place(len(handlers))
        entries = [Entry(line, item, item_id, handler, context) for handler in handlers]
        if len(entries) > 1:  # A context runs one task at a time.
            for entry in entries[1:]:
                entry.context = context.copy()
        line.queued.extend(entries)
        self._start()

    async def _wait_for_place(self, count: int) -> None:
        """Wait for a place. Raises BackgroundClosedError if the queue closes first."""
        run = RUN.get(None)
        source = run.line if isinstance(run, Entry) and run.is_running else None
        try:
            has_place = await self._line.wait(count, source)
        except BaseException:  # It may have been the last that the drain waits for.
            self._look_whether_idle()
            raise
        if not has_place:
            raise BackgroundClosedError(detail=CLOSED)

    # running

    def _start(self) -> None:
        """Begin what may begin, and let those in who wait for a place."""
        line = self._line
        while self._loop is not None and self._busy < self._concurrency and line.queued:
            self._busy += 1
            self._begin_task(self._loop, line.queued.popleft())
            line.admit()

    def _begin_task(self, loop: asyncio.AbstractEventLoop, entry: Entry, error: BaseException | None = None) -> None:
        task = loop.create_task(self._run(entry, error), name=entry.id, context=entry.context)
        self._running[task] = entry
        task.add_done_callback(self._end)

    async def _run(self, entry: Entry, error: BaseException | None) -> None:
        """Call the handler, or only tell what it has failed with."""
        RUN.set(entry)
        entry.has_begun = entry.is_running = True
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # it runs in a task of its own
        try:
            if error is None:
                self._limit(entry, task)
                error = await self._call(entry, task)
            if error is not None:
                self._failed += 1
                entry.is_done = True
                if entry.is_overdue:
                    entry.is_overdue = False
                    task.uncancel()
                self._limit(entry, task)
                await self._tell(entry.item, entry.id, entry.handler, error)
        finally:
            entry.is_running = False
            if entry.timer is not None:
                entry.timer.cancel()

    async def _call(self, entry: Entry, task: asyncio.Task[None]) -> BaseException | None:
        """Call the handler; what it has failed with."""
        try:
            await entry.handler.call(entry.item)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: a handler does not end the server
            if entry.is_done or (isinstance(error, GeneratorExit) and not is_current(task)):
                raise
            if not isinstance(error, asyncio.CancelledError):
                return error
            if entry.is_overdue:
                late = too_late(entry.handler, self._handler_timeout)
                late.__cause__ = error
                return late
            if entry.is_cut_off:
                raise
            return error
        if not entry.is_done:
            self._done += 1
            entry.is_done = True
        return None

    def _limit(self, entry: Entry, task: asyncio.Task[None]) -> None:
        """Give what runs now, the handler or the hook, `handler_timeout` seconds."""
        if self._handler_timeout is not None:
            if entry.timer is not None:
                entry.timer.cancel()
            entry.timer = task.get_loop().call_later(self._handler_timeout, self._cancel, entry, task)

    def _cancel(self, entry: Entry, task: asyncio.Task[None]) -> None:
        if not entry.is_cut_off:  # Else its time is over, and this may be the next run of the queue.
            entry.is_overdue = True
            task.cancel()
            entry.timer = task.get_loop().call_later(CUT_GRACE, self._give_up, entry)

    def _give_up(self, entry: Entry) -> None:
        """Let the others run beside what cannot be cancelled."""
        if entry.is_cut_off or self._loop is None:
            return
        entry.is_given_up = True
        if entry.is_done:
            name = name_of_type(type(entry.item))
            logger.error("%s %s: on_error cannot be cancelled, and goes on beside the others", name, entry.id)
            self._busy -= 1
            self._start()
            self._look_whether_idle()
        else:
            entry.is_done = True
            # Its place goes to those who tell of it.
            teller = Entry(entry.line, entry.item, entry.id, entry.handler, entry.context.copy())
            more = "; it cannot be cancelled, and goes on beside the others"
            self._begin_task(self._loop, teller, too_late(entry.handler, self._handler_timeout, more))

    def _end(self, task: asyncio.Task[None]) -> None:
        """Go on when a task has ended, whichever way: also one that was cancelled before its first step."""
        error = None if task.cancelled() else task.exception()
        entry = self._running.pop(task, None)
        if entry is None:  # It outlived an earlier stop, which has named it.
            return
        if not entry.is_given_up:
            self._busy -= 1
        if not entry.is_done:
            entry.is_done = True
            if error is None:
                what = "was cut off" if entry.has_begun else NOT_CALLED
                self._drop(entry.item, entry.id, f"{entry.handler.name} {what}")
            else:  # Ctrl-C, or a loop that is torn down.
                self._failed += 1
                name = name_of_type(type(entry.item))
                logger.error("%s %s failed in %s", name, entry.id, entry.handler.name, exc_info=error)
        self._start()
        self._look_whether_idle()

    # draining

    async def _drain(self) -> None:
        """Wait until nothing waits or runs, for what is left of `drain_timeout`.

        Nothing awaits between the last look and whoever closes the queue: what is added in between would be lost.
        """
        loop = asyncio.get_running_loop()
        while not self._is_idle() and not self._is_closed and self._left > 0:
            began = loop.time()
            self._idle = loop.create_future()
            await asyncio.wait([self._idle], timeout=None if self._left == math.inf else self._left)
            self._left -= loop.time() - began

    def _is_idle(self) -> bool:
        return not self._busy and self._line.is_deserted()

    def _look_whether_idle(self) -> None:
        if self._idle is not None and not self._idle.done() and self._is_idle():
            self._idle.set_result(None)

    async def _close(self) -> None:
        """Take nothing more, cut off what runs, and log what did not run. Once it is closed, it does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for entry in self._line.close():
            self._drop(entry.item, entry.id, f"{entry.handler.name} {NOT_CALLED}")
        running = dict(self._running)
        for task, entry in running.items():
            entry.is_cut_off = True
            task.cancel()
        try:
            if running:
                await asyncio.wait(running, timeout=CUT_GRACE)
        finally:
            for entry in self._running.values():
                if not entry.is_done:
                    entry.is_done = True
                    self._drop(entry.item, entry.id, f"{entry.handler.name} was cut off, and goes on all the same")
