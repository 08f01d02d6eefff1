"""What happens to a response while it is sent: the client leaves, the app stops.

Rules
-----
- One task per response watches the client, with one pending `receive()` for its whole life: what granian answers to a
  second one may be wrong. It is made when the stream first waits; a stream that never does has none.
- The response's task is told by a cancellation, and takes it back (`take_interrupt`) as `asyncio.timeout` does: of a
  stop while it waits for its source, of a client that has gone, and of a stop that has waited long enough, in the
  middle of a send too. A source that is being torn down is not told.
- The end of a response is not broken off for a client that has gone: a server says so of everyone who has it all.
"""

import asyncio
from typing import Final

from jero_core.extend import Message, Receive, Send, Stopping

from .batches import Batch
from .sending import Sending
from .source import Source

GRACE: Final = 0.75
"""The time in seconds that a stopping app gives its streams."""


class Watch:
    """Watches for one response, and knows what has become of it. Raises RuntimeError outside of a task."""

    __slots__ = (
        "_cancelling",
        "_interrupts",
        "_is_events",
        "_is_sending",
        "_is_sending_end",
        "_is_stopping",
        "_late_timer",
        "_loop",
        "_receive",
        "_source",
        "_stopping",
        "_task",
        "_watcher",
        "is_gone",
        "is_late",
        "is_waiting",
        "sending",
    )

    def __init__(  # noqa: PLR0917  # what a response is made with
        self,
        source: Source,
        batch: Batch,
        start: Message,
        receive: Receive,
        send: Send,
        stopping: Stopping,
        *,
        is_events: bool,
    ) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a stream is sent in a task of asyncio's, and there is none")
        self._task = task
        self._cancelling = task.cancelling()
        self._interrupts = 0
        """How often the response's task has been cancelled from here, and has not taken it back."""
        self._loop = task.get_loop()
        self._source = source
        self._receive = receive
        self._stopping = stopping
        self._is_events = is_events
        self.sending = Sending(start, batch, send, task, self._on_gone, self._on_error)
        self.is_gone = False
        """Whether the client has left."""
        self.is_late = False
        """Whether the app stops, and has waited long enough for this response."""
        self.is_waiting = False
        """Whether the response's task waits for the source alone."""
        self._is_sending = False
        self._is_sending_end = False
        self._is_stopping = False
        self._late_timer: asyncio.TimerHandle | None = None
        # Without the loop's factory: an eager task could tell of the client before anybody listens.
        self._watcher: asyncio.Task[None] | None = asyncio.Task(
            self._watch_client(), loop=self._loop, eager_start=False
        )
        stopping.watch(self._on_stop)

    def end(self) -> None:
        """Watch no longer; nothing happens if that is so already."""
        if self._watcher is None:
            return
        self._watcher.cancel()
        self._watcher = None
        self._stopping.unwatch(self._on_stop)
        if self._late_timer is not None:
            self._late_timer.cancel()

    @property
    def is_lost(self) -> bool:
        """Whether nothing more can be sent."""
        return self.is_gone or self.is_late

    @property
    def ends_early(self) -> bool:
        """Whether to end before the source does. One that is being torn down already is left to that."""
        if self._source.is_closing:
            return False
        return self.is_lost or (self._is_stopping and (self._is_events or not self.sending.has_started))

    @property
    def head_is_due(self) -> bool:
        """Whether the head must leave although there is no item."""
        return self._is_events and not self.sending.has_started and self._source.is_set_up

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody else cancels the response's task."""
        return self._task.cancelling() - self._interrupts > self._cancelling

    @property
    def is_task_cancelled(self) -> bool:
        """Whether anybody has cancelled the response's task, also if the source was told so and goes on."""
        return self._task.cancelling() > self._interrupts

    def take_interrupt(self) -> bool:
        """Whether a CancelledError came from here, and from nobody else."""
        if not self._interrupts:
            return False
        for _ in range(self._interrupts):
            self._task.uncancel()
        self._interrupts = 0
        return not self.is_cancelled

    def note_refusal(self) -> None:
        """Take down that the source was given somebody else's cancellation, and goes on."""
        self._cancelling = self._task.cancelling() - self._interrupts

    async def send(self, body: bytes, *, more: bool) -> None:
        """Send a message in the response's task. A client that is gone is taken down, and no error."""
        self._is_sending, self._is_sending_end = True, not more
        try:
            await self.sending.send(body, more=more)
        except OSError:
            self.is_gone = True
        finally:
            self._is_sending = False

    def _interrupt(self) -> None:
        # Whoever cancelled it before may have taken that back.
        self._cancelling = min(self._cancelling, self._task.cancelling() - self._interrupts)
        self._interrupts += 1
        self._task.cancel()

    async def _watch_client(self) -> None:
        receive = self._receive
        try:
            message = await receive()
            while message["type"] != "http.disconnect":
                # What is left of the request's body. A server could hand that out without ever waiting.
                await asyncio.sleep(0)
                message = await receive()
        except OSError:
            pass
        finally:
            # Also if it fails: nothing more will be heard of this client.
            self._on_gone()

    def _on_gone(self) -> None:
        if not self.is_gone and self._watcher is not None:
            self.is_gone = True
            self._give_up()

    def _on_error(self) -> None:
        if self.is_waiting and not self._source.is_closing:
            self._interrupt()

    def _on_stop(self) -> None:
        self._is_stopping = True
        self._late_timer = self._loop.call_later(GRACE, self._on_late)
        if self.is_waiting and self.ends_early:
            self._interrupt()

    def _on_late(self) -> None:
        self.is_late = True
        self._give_up()

    def _give_up(self) -> None:
        self.sending.drop()
        if (self.is_waiting and not self._source.is_closing) or (
            self._is_sending and (self.is_late or not self._is_sending_end)
        ):
            self._interrupt()
