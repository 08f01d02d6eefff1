"""What happens to a response while its source waits: the client leaves, the app stops, time passes.

Rules
-----
- One task per response watches the client, with one pending `receive()` for its whole life: what granian answers to a
  second one may be wrong. It is made when the stream first waits; a stream that never does has none.
- The response's task is told by a cancellation, and takes it back (`take_interrupt`) as `asyncio.timeout` does. It is
  told of a stop only while it waits for its source, of a client that has gone also in the middle of a send.
- While the source waits, a comment is sent when nothing else has been for `keepalive` seconds. One timer serves for
  that; it is not touched for an item.
"""

import asyncio
from typing import Final

from jero_core.extend import Message, Receive, Send, Stopping

from .events import COMMENT
from .source import Source

PATIENCE: Final = 0.05
"""The longest time in seconds that the head of events waits for a generator that may be setting up."""

GRACE: Final = 0.75
"""The time in seconds that a stopping app gives its streams."""


class Watch:
    """Watches for one response, and knows what has become of it."""

    __slots__ = (
        "_cancelling",
        "_interrupts",
        "_is_events",
        "_is_stopping",
        "_keepalive",
        "_last_sent",
        "_late_timer",
        "_loop",
        "_pulse",
        "_pulse_timer",
        "_receive",
        "_send",
        "_source",
        "_stopping",
        "_task",
        "_watcher",
        "has_started",
        "is_gone",
        "is_late",
        "is_waiting",
        "start",
    )

    def __init__(  # what a response is made with
        self,
        start: Message,
        receive: Receive,
        send: Send,
        stopping: Stopping,
        keepalive: float | None,
        *,
        is_events: bool,
    ) -> None:
        self.start = start
        self.has_started = False
        """Whether the head has been handed to the server."""
        self.is_gone = False
        """Whether the client has left."""
        self.is_late = False
        """Whether the app stops, and has waited long enough for this response."""
        self.is_waiting = False
        """Whether the response's task waits for the source alone."""
        self._is_stopping = False
        self._receive = receive
        self._send = send
        self._stopping = stopping
        self._keepalive = keepalive
        self._is_events = is_events
        self._source: Source | None = None
        self._task: asyncio.Task[object] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._interrupts = 0
        """How often the response's task has been cancelled from here, and has not taken it back."""

    def begin(self, source: Source) -> None:
        """Watch from now on."""
        loop = self._loop = asyncio.get_running_loop()
        self._source = source
        self._task = asyncio.current_task()
        self._cancelling = 0 if self._task is None else self._task.cancelling()
        self._pulse: asyncio.Task[None] | None = None
        self._late_timer: asyncio.TimerHandle | None = None
        self._pulse_timer: asyncio.TimerHandle | None = None
        self._last_sent = 0.0
        self._watcher = loop.create_task(self._watch_client())
        self._stopping.watch(self._on_stop)
        if self._is_events and not source.is_set_up:
            self._pulse_timer = loop.call_later(PATIENCE, self._on_pulse)

    def end(self) -> None:
        """Watch no longer; nothing happens if that is so already."""
        if self._watcher is None:
            return
        self._watcher.cancel()
        self._watcher = None
        self._stopping.unwatch(self._on_stop)
        for timer in (self._late_timer, self._pulse_timer):
            if timer is not None:
                timer.cancel()
        if self._pulse is not None:
            self._pulse.cancel()

    @property
    def ends_early(self) -> bool:
        """Whether to end before the source does. One that is being torn down already is left to that."""
        if self._source is None or self._source.is_closing:
            return False
        return self.is_gone or self.is_late or (self._is_stopping and (self._is_events or not self.has_started))

    @property
    def head_is_due(self) -> bool:
        """Whether the head must leave although there is no item."""
        return self._is_events and not self.has_started and self._source is not None and self._source.is_set_up

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody else cancels the response's task."""
        return self._task is not None and self._task.cancelling() > self._cancelling

    def take_interrupt(self) -> bool:
        """Whether a CancelledError came from here, and from nobody else."""
        if self._task is None or not self._interrupts:
            return False
        for _ in range(self._interrupts):
            self._task.uncancel()
        self._interrupts = 0
        return not self.is_cancelled

    async def sent_meanwhile(self) -> None:
        """Wait until what is being sent from here has been sent."""
        if self._watcher is not None and self._pulse is not None:
            await asyncio.wait([self._pulse])

    def note_sent(self) -> None:
        """Take down that something has been sent."""
        if self._watcher is None or self._keepalive is None:
            return
        self._last_sent = self._loop.time()
        if self._pulse_timer is None:
            self._pulse_timer = self._loop.call_later(self._keepalive, self._on_pulse)

    def _interrupt(self) -> None:
        if self._watcher is not None and self._task is not None and not (self._source and self._source.is_closing):
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
            self._interrupt()

    def _on_stop(self) -> None:
        self._is_stopping = True
        self._late_timer = self._loop.call_later(GRACE, self._on_late)
        if self.is_waiting and self.ends_early:
            self._interrupt()

    def _on_late(self) -> None:
        self.is_late = True
        self._interrupt()

    def _on_pulse(self) -> None:
        """Send the head or a comment, if it is time and the task waits for the source."""
        self._pulse_timer = None
        keepalive = self._keepalive
        if not self.has_started:
            if self.is_waiting:
                self.has_started = True
                self._pulse = self._loop.create_task(self._send_pulse(self.start, _body(b"")))
        elif keepalive is not None:
            left = self._last_sent + keepalive - self._loop.time()
            if self.is_waiting and self._pulse is None and left < keepalive / 100:
                self._pulse = self._loop.create_task(self._send_pulse(_body(COMMENT)))
                left = keepalive
            self._pulse_timer = self._loop.call_later(left if left > 0 else keepalive, self._on_pulse)

    async def _send_pulse(self, *messages: Message) -> None:
        try:
            for message in messages:
                await self._send(message)
            self.note_sent()
        except OSError:
            self._on_gone()
        except Exception:
            self._on_gone()
            raise
        finally:
            self._pulse = None


def _body(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}
