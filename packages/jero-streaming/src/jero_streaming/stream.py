"""How a stream is sent: one coroutine that steps the source.

Rules
-----
- What the source gives without waiting leaves in one message. Before it waits, what there is has been handed over. Each
  send is awaited before the source goes on, so a slow client pauses it.
- The head leaves with the first message; that of events does not wait for one (keepalive.py). What the source raises
  before the head is an ordinary error answer.
- A client that leaves, and an app that stops, interrupt the source by a cancellation where it waits, as a task's
  `cancel` does, and close it where it does not. Both are no error. Once it is being closed, they no longer interrupt
  it.
- Any other cancellation that comes while the source waits belongs to the source: it may be its own (a timeout, a task
  group). What comes out of it goes on to the server. It never meets a message that is being sent (sending.py).
- A CancelledError that comes out of the source although nobody cancels the request is an error like any other: somebody
  has cancelled what the source waits for. (A server might take it for its own, and say nothing.)
- An app that stops ends events at once, with a `retry` that tells clients when to come back; it gives that alone to
  those who ask for events now, since an EventSource gives up at any status but 200. Other streams, and clients that
  take nothing, get `GRACE`; what has not ended then is cut off, without the end that would make it look whole.

Theory
------
The source is a coroutine (source.py) that is stepped by hand: `send(None)` runs it up to its next wait. Each step gives
what it waits for, or `FULL`, or ends. Nothing else could tell whether an async generator that is asked for its next
item has one ready. What it waits for belongs to the event loop, and is given to it as it is, by this task: whatever a
cancellation does to a future that a task waits for, it does here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from types import coroutine
from typing import Final

import msgspec

from jero_core.extend import (
    BODILESS,
    Header,
    HTTPError,
    Message,
    Receive,
    Scope,
    Send,
    Stopping,
    note_cut_off,
)

from .batches import FULL, Batch
from .events import retry_hint
from .keepalive import KeepAlive
from .source import Source, close
from .watch import Watch

type Fail = Callable[[Exception | asyncio.CancelledError, Scope, Send], Awaitable[None]]


class _Ended:
    """Stands for what a source waits for when it has ended."""


_ENDED: Final = _Ended()


class Streaming(msgspec.Struct, frozen=True):
    """How the responses of one operation are streamed; the generated code calls it."""

    make_batch: Callable[[], Batch]
    stopping: Stopping
    is_events: bool

    async def __call__(  # noqa: PLR0917  # what the generated code has at hand
        self,
        stream: object,
        keepalive: float | None,
        status: int,
        headers: list[Header],
        scope: Scope,
        receive: Receive,
        send: Send,
        fail: Fail,
    ) -> None:
        """Send a response. Raises what the source raises after the head has left, for the server to abort."""
        start: Message = {"type": "http.response.start", "status": status, "headers": headers}
        is_bodiless = scope["method"] == "HEAD" or status in BODILESS
        if is_bodiless or self.stopping.has_begun:
            try:
                await close(stream)
                if not is_bodiless and not self.is_events:
                    raise _stopped()
            except Exception as error:  # noqa: BLE001  # whatever the stream's own close raises
                await fail(error, scope, send)
                return
            await _send_whole(send, start, b"" if is_bodiless else retry_hint(None))
            return
        batch = self.make_batch()
        source = Source(stream, batch)
        steps = source.run()
        watch: Watch | None = None
        try:
            waits_for = steps.send(None)
            watch = Watch(source, batch, start, receive, send, self.stopping, is_events=self.is_events)
            await _Response(source, steps, waits_for, batch, watch, self.is_events).run(keepalive)
            if watch.is_late and not watch.sending.is_complete:
                note_cut_off(scope)
        except StopIteration:  # Everything was ready.
            await _send_whole(send, start, batch.take())
        except (Exception, asyncio.CancelledError) as error:
            if watch is not None and watch.sending.has_started:
                raise
            await fail(error, scope, send)


async def _send_whole(send: Send, start: Message, body: bytes) -> None:
    with suppress(OSError):  # The client is gone.
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _stopped() -> HTTPError:
    return HTTPError(503, "The server is being stopped.", headers={"retry-after": "1"})


@coroutine
def _pass_on(waits_for: object, jero_stepped: object) -> Generator[object]:  # noqa: ARG001  # read in the frame
    """Have the event loop wait for what a stepped coroutine waits for.

    jero-testing looks for `jero_stepped` in this frame, to tell where the source waits.
    """
    yield waits_for


async def _outcome_of(waits_for: object, steps: object) -> BaseException | None:
    """Wait for what a stepped coroutine, `steps`, waits for; the exception to raise there, or None.

    Raises CancelledError of this task.
    """
    try:
        await _pass_on(waits_for, steps)
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  # the future's own, whatever it is
        return error
    return None


class _Response:
    """One response while it is sent."""

    __slots__ = (
        "_batch",
        "_is_ending",
        "_is_events",
        "_keepalive",
        "_sending",
        "_source",
        "_steps",
        "_waits_for",
        "_watch",
    )

    def __init__(  # noqa: PLR0917  # what is known when the source first waits
        self,
        source: Source,
        steps: Coroutine[object, None, None],
        waits_for: object,
        batch: Batch,
        watch: Watch,
        is_events: bool,  # noqa: FBT001  # one of many, all by position
    ) -> None:
        self._source = source
        self._steps = steps
        self._waits_for = waits_for
        """What the source waits for, or `FULL`, or `_ENDED`."""
        self._batch = batch
        self._watch = watch
        self._sending = watch.sending
        self._is_events = is_events
        self._is_ending = False
        """Whether the source is ended before its time."""
        self._keepalive: KeepAlive | None = None

    async def run(self, keepalive: float | None) -> None:
        """Send it all. Raises what the source raises, CancelledError too; HTTPError if the app stops too early."""
        if self._is_events:
            self._keepalive = KeepAlive(keepalive, self._sending, self._watch, is_set_up=self._source.is_set_up)
        is_closed = False
        try:
            await self._go_on_or_fail()
        except GeneratorExit:
            is_closed = True
            raise
        finally:
            self._end_watch()
            self._sending.drop()
            if is_closed:
                # Nobody will go on with the source, or wait for anything.
                self._steps.close()
            else:
                await self._sending.settle()
            self._watch.take_interrupt()

    async def _go_on_or_fail(self) -> None:
        try:
            await self._go_on()
        except GeneratorExit:
            raise
        except BaseException as error:
            if self._waits_for is not _ENDED:  # It is not the source's: to send has failed.
                await self._end_source(error)
            elif isinstance(error, Exception) and self._sending.has_started:
                # What came before the error is as good as if it had been sent item by item.
                await self._sending.settle()
                if self._batch.has_items():
                    await self._send_last(self._batch.take(), more=True)
            raise

    async def _go_on(self) -> None:
        watch, sending = self._watch, self._sending
        while self._waits_for is not _ENDED:
            try:
                await self._take_step()
            except asyncio.CancelledError as error:
                if self._waits_for is _ENDED:  # It came out of the source.
                    raise
                if not watch.take_interrupt():
                    self._step(error)
                    watch.note_refusal()
            if sending.error is not None and not self._source.is_closing:
                raise sending.error
            if watch.ends_early and self._waits_for is not _ENDED:
                await self._end_early()
                return
        await sending.settle()
        if sending.error is not None:
            raise sending.error
        await self._send_last(self._batch.take(), more=False)

    async def _take_step(self) -> None:
        """Send what there is, wait for what the source waits for, and let it go on, unless that is to end."""
        watch, sending, batch = self._watch, self._sending, self._batch
        error: BaseException | None = None
        if self._waits_for is FULL:
            await sending.settle()
            if batch.has_items() and sending.error is None and not watch.is_lost:
                await watch.send(batch.take(), more=True)
            # A source and a client that are both always ready would keep the loop from everything else.
            await asyncio.sleep(0)
        else:
            if (batch.has_items() or watch.head_is_due) and not sending.is_busy and not watch.is_lost:
                sending.send_beside()
            watch.is_waiting = True
            try:
                error = await _outcome_of(self._waits_for, self._steps)
            finally:
                watch.is_waiting = False
            if sending.is_busy:
                await sending.settle()
        if not watch.ends_early and (sending.error is None or self._source.is_closing):
            self._step(error)

    def _step(self, error: BaseException | None) -> None:
        """Let the source go on, or raise an error where it waits, until it waits again or ends.

        Raises what it raises; RuntimeError for a CancelledError that is nobody's.
        """
        self._waits_for = _ENDED
        try:
            self._waits_for = self._steps.send(None) if error is None else self._steps.throw(error)
        except StopIteration:
            pass
        except asyncio.CancelledError as cancelled:
            if self._is_ending or self._watch.is_task_cancelled:
                raise
            raise RuntimeError("what the stream waits for was cancelled, and the request was not") from cancelled

    async def _end_early(self) -> None:
        """End the response, then the source."""
        watch, sending = self._watch, self._sending
        if self._is_events and not watch.is_lost:  # The app stops.
            await sending.settle()
            await self._send_last(self._batch.take() + retry_hint(self._batch.retry), more=False)
        await self._end_source()
        if not sending.has_started and not watch.is_gone:
            raise _stopped()

    async def _end_source(self, error: BaseException | None = None) -> None:
        """Interrupt the source where it is, and see it through its teardown: for an error, or because it is to end."""
        self._end_watch()
        self._sending.drop()
        self._is_ending = True
        self._source.is_ending = error is None
        self._batch.close()
        try:
            if not self._source.is_closing:
                outcome = await self._cancel_wait()
                if error is None or isinstance(error, asyncio.CancelledError):
                    error = outcome
            while self._waits_for is not _ENDED:
                if error is None:
                    # If it is full, it went on nevertheless, and is closed now.
                    error = asyncio.CancelledError() if self._waits_for is FULL else await self._outcome()
                self._step(error)
                error = None
        except asyncio.CancelledError:
            if self._watch.is_cancelled:
                raise

    async def _cancel_wait(self) -> BaseException:
        """Cancel what the source waits for, as a task's `cancel` does: what to raise where it waits."""
        cancel = getattr(self._waits_for, "cancel", None)
        outcome = await self._outcome() if cancel is not None and cancel() else None
        return asyncio.CancelledError() if outcome is None else outcome

    async def _outcome(self) -> BaseException | None:
        try:
            return await _outcome_of(self._waits_for, self._steps)
        except asyncio.CancelledError as cancelled:
            return cancelled

    def _end_watch(self) -> None:
        self._watch.end()
        if self._keepalive is not None:
            self._keepalive.end()

    async def _send_last(self, body: bytes, *, more: bool) -> None:
        """Send a message with no more after it, if it can be; an interruption ends it, and is no error."""
        if self._watch.is_lost:
            return
        try:
            await self._watch.send(body, more=more)
        except asyncio.CancelledError:
            if not self._watch.take_interrupt():
                raise
