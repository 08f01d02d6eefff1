"""What leaves of a response, and in which task.

Rules
-----
- Messages leave one after the other, the head before the first. What fails in one is told, and nothing leaves after it.
- While the source does not wait (its batch is full, or it has ended), a message is sent in the response's task. While
  it waits, a task beside it sends, one for the whole stream, made when there is first something to send.
- The two share their context, so that a middleware around `send` finds the context variables of its request.

Theory
------
A cancellation names a task, and nothing in it. `asyncio.timeout`, a task group and anyio's cancel scopes cancel the
task that is current when they are entered. So a source and a `send` that wait at the same time need a task each: then a
timeout of the source never breaks into a message, and one around `send` (a middleware's, against clients that stall)
never into the source. A task that lasts costs one step of the event loop for each message; a new one for each would
cost several.
"""

import asyncio
from collections.abc import Callable

from jero_core.extend import Message, Send

from .batches import Batch


class Sending:
    """Sends the messages of one response; the items are taken from its batch. Made in the response's task.

    `on_gone` is called when the task beside hears that the client is gone, `on_error` when something else fails there.
    """

    __slots__ = (
        "_addition",
        "_batch",
        "_context",
        "_has_sent_head",
        "_is_over",
        "_loop",
        "_on_error",
        "_on_gone",
        "_send",
        "_start",
        "_task",
        "_waiter",
        "_work",
        "error",
        "has_started",
        "is_busy",
        "is_complete",
        "sent_at",
    )

    def __init__(  # noqa: PLR0917  # what it stands between
        self,
        start: Message,
        batch: Batch,
        send: Send,
        task: asyncio.Task[object],
        on_gone: Callable[[], None],
        on_error: Callable[[], None],
    ) -> None:
        self._start = start
        self._batch = batch
        self._send = send
        self._on_gone = on_gone
        self._on_error = on_error
        self._context = task.get_context()
        self._loop = task.get_loop()
        self._addition = b""
        self._task: asyncio.Task[None] | None = None
        """The task beside."""
        self._work: asyncio.Future[None] | None = None
        """What the task beside waits for when it has nothing to send."""
        self._waiter: asyncio.Future[None] | None = None
        """What the response's task waits for until the one beside is no longer busy."""
        self._is_over = False
        """Whether the task beside sends no more."""
        self._has_sent_head = False
        self.has_started = False
        """Whether the head has left, or is about to."""
        self.is_complete = False
        """Whether the end of the response has left."""
        self.is_busy = False
        """Whether the task beside has something to send."""
        self.sent_at = 0.0
        """When the last message had been sent, in the event loop's time."""
        self.error: BaseException | None = None
        """What `send` raised in the task beside, if it does not say that the client is gone."""

    async def send(self, body: bytes, *, more: bool) -> None:
        """Send a message in the current task. Raises what `send` raises: OSError if the client is gone."""
        if not self._has_sent_head:
            self.has_started = self._has_sent_head = True
            await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})
        self.is_complete = not more
        self.sent_at = self._loop.time()

    def send_beside(self, addition: bytes = b"") -> None:
        """Have the task beside, which is not busy, send what the batch has when it is its turn, and an addition.

        Nothing happens if it has failed, or was dropped.
        """
        if self._is_over:
            return
        self._addition = addition
        self.has_started = self.is_busy = True
        if self._task is None:
            # Without the loop's factory: a task that begins eagerly would enter the context that this one runs in.
            self._task = asyncio.Task(self._run(), loop=self._loop, context=self._context, eager_start=False)
            self._task.add_done_callback(self._become_idle)
        elif self._work is not None:
            self._work.set_result(None)

    async def settle(self) -> None:
        """Wait until the task beside has sent what it has, or has ended."""
        while self.is_busy:
            self._waiter = self._loop.create_future()
            await self._waiter

    def drop(self) -> None:
        """End the task beside, and give up what it sends; once, so that what `send` cleans up is not cancelled too."""
        if not self._is_over:
            self._is_over = True
            if self._task is not None:
                self._task.cancel()

    async def _run(self) -> None:
        loop, batch, send = self._loop, self._batch, self._send
        try:
            if not self._has_sent_head:
                self._has_sent_head = True
                await send(self._start)
            while True:
                addition, self._addition = self._addition, b""
                # As `send` does it; a call for each message would cost a tenth more.
                await send({"type": "http.response.body", "body": batch.take() + addition, "more_body": True})
                self.sent_at = loop.time()
                if not batch.has_items():
                    work = self._work = loop.create_future()
                    self.is_busy = False
                    if self._waiter is not None:
                        self._become_idle()
                    await work
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # raised in the response's task
            if self._is_over:
                return
            self._is_over = True
            if isinstance(error, OSError):
                self._on_gone()
            else:
                self.error = error
                self._on_error()

    def _become_idle(self, _: object = None) -> None:
        self.is_busy = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
