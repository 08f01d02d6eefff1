"""How a stream is sent: one coroutine that steps the source.

Rules
-----
- What the source gives without waiting leaves in one message. Before it waits, what there is has been handed to the
  server. Each send is awaited before the source goes on, so a slow client pauses it.
- The head leaves with the first message. For events it leaves as soon as the source waits; if that may still be a
  lifecycle's set-up, after `PATIENCE`. What the source raises before the head is an ordinary error answer.
- A client that leaves, and an app that stops, interrupt the source by a cancellation where it waits (as
  `asyncio.timeout` does), and close it where it does not. Both are no error. Once it is being closed, they no longer
  interrupt it.
- Any other cancellation belongs to the source: it may be its own (a timeout, a task group). What comes out of it goes
  on to the server. While the source waits, a message is therefore sent so that no cancellation reaches it.
- An app that stops ends events at once, with a `retry` that tells clients when to come back. Other streams, and clients
  that take nothing, get `GRACE`; what has not ended then is cut off, without the end that would make it look whole.

Theory
------
The source is a coroutine (source.py) that is stepped by hand (stepping.py): each step gives what it waits for, or
`FULL`, or ends. Nothing else could tell whether an async generator that is asked for its next item has one ready. What
happens meanwhile is in watch.py.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Final

import msgspec

from jero_core.extend import BODILESS, Header, HTTPError, Message, Receive, Scope, Send, Stopping

from .batches import FULL, Batch, JSONEventBatch, TextEventBatch
from .events import retry_hint
from .source import Source, close
from .stepping import Uninterrupted, outcome_of
from .watch import Watch

type Fail = Callable[[Exception, Scope, Send], Awaitable[None]]


class _Ended:
    """Stands for what a source waits for when it has ended."""


_ENDED: Final = _Ended()
_EVENTS: Final = (JSONEventBatch, TextEventBatch)


class _ClientGoneError(Exception):
    """`send` said that the client is gone."""


class Streaming(msgspec.Struct, frozen=True):
    """How the responses of one operation are streamed; the generated code calls it."""

    make_batch: Callable[[], Batch]
    stopping: Stopping

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
                if not is_bodiless:
                    raise _stopped()
            except Exception as error:  # noqa: BLE001  # whatever the stream's own close raises
                await fail(error, scope, send)
                return
            await _send_whole(send, start, b"")
            return
        batch = self.make_batch()
        source = Source(stream, batch)
        steps = source.run()
        watch: Watch | None = None
        try:
            waits_for = steps.send(None)
            watch = Watch(start, receive, send, self.stopping, keepalive, is_events=isinstance(batch, _EVENTS))
            response = _Response(source, steps, waits_for, batch, watch, send)
            task = asyncio.current_task()
            if task is None or task.get_coro() is None:
                # A server that steps coroutines without a task (granian's own scheduler): none could be interrupted.
                await asyncio.get_running_loop().create_task(response.run())
            else:
                await response.run()
        except StopIteration:  # Everything was ready.
            await _send_whole(send, start, batch.take())
        except Exception as error:
            if watch is not None and watch.has_started:
                raise
            await fail(error, scope, send)


async def _send_whole(send: Send, start: Message, body: bytes) -> None:
    with suppress(OSError):  # The client is gone.
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _stopped() -> HTTPError:
    return HTTPError(503, "The server is being stopped.", headers={"retry-after": "1"})


class _Response:
    """One response while it is sent."""

    __slots__ = ("_batch", "_send", "_source", "_steps", "_waits_for", "_watch")

    def __init__(  # noqa: PLR0917  # what is known when the source first waits
        self,
        source: Source,
        steps: Coroutine[object, None, None],
        waits_for: object,
        batch: Batch,
        watch: Watch,
        send: Send,
    ) -> None:
        self._source = source
        self._steps = steps
        self._waits_for = waits_for
        """What the source waits for, or `FULL`, or `_ENDED`."""
        self._batch = batch
        self._watch = watch
        self._send = send

    async def run(self) -> None:
        """Send it all. Raises what the source raises, CancelledError too; HTTPError if the app stops too early."""
        self._watch.begin(self._source)
        try:
            await self._go_on()
        except _ClientGoneError:
            self._watch.is_gone = True
            await self._end_source()
        except GeneratorExit:
            raise
        except BaseException as error:
            if self._waits_for is not _ENDED:  # It is not the source's: to send has failed.
                await self._end_source(error)
            elif isinstance(error, Exception) and self._watch.has_started and self._batch.has_items():
                # What came before the error is as good as if it had been sent item by item.
                await self._transmit_last(more=True)
            raise
        finally:
            self._watch.end()
            if self._waits_for is not _ENDED:
                # Nobody will go on with it: this coroutine is being closed.
                self._steps.close()

    async def _go_on(self) -> None:
        while self._waits_for is not _ENDED:
            try:
                await self._take_step()
            except asyncio.CancelledError as error:
                if self._waits_for is _ENDED:  # It came out of the source.
                    raise
                if not self._watch.take_interrupt():
                    self._step(error)
            if self._watch.ends_early and self._waits_for is not _ENDED:
                await self._end_early()
                return
        await self._transmit_last(more=False)

    async def _take_step(self) -> None:
        """Send what there is, wait for what the source waits for, and let it go on."""
        watch = self._watch
        if self._waits_for is FULL:
            await self._transmit(self._batch.take(), more=True)
            # A source and a client that are both always ready would keep the loop from everything else.
            await asyncio.sleep(0)
            if not watch.ends_early:
                self._step(None)
            return
        if self._batch.has_items() or watch.head_is_due:
            await self._transmit_while_waiting()
            if self._waits_for is FULL or self._waits_for is _ENDED or watch.ends_early:
                return
        watch.is_waiting = True
        try:
            error = await outcome_of(self._waits_for)
        finally:
            watch.is_waiting = False
        self._step(error)

    def _step(self, error: BaseException | None) -> None:
        """Let the source go on, or raise an error where it waits, until it waits again or ends.

        Raises what it raises.
        """
        self._waits_for = _ENDED
        with suppress(StopIteration):
            self._waits_for = self._steps.send(None) if error is None else self._steps.throw(error)

    async def _end_early(self) -> None:
        """End the response, then the source."""
        watch = self._watch
        if watch.has_started and not watch.is_gone and not watch.is_late:
            # The app stops, and this is a stream of events.
            retry = self._batch.retry if isinstance(self._batch, _EVENTS) else None
            # Clients come back where they were told to; without that not all at once.
            await self._transmit_last(
                retry_hint(random.randint(1000, 2000) if retry is None else retry),  # noqa: S311  # no secret
                more=False,
            )
        await self._end_source()
        if not watch.has_started and not watch.is_gone:
            raise _stopped()

    async def _end_source(self, error: BaseException | None = None) -> None:
        """Interrupt the source where it is, and see it through its teardown: for an error, or because it is to end."""
        self._watch.end()
        self._source.is_ending = error is None
        self._batch.close()
        if error is None and not self._source.is_closing:
            error = asyncio.CancelledError()
        try:
            while self._waits_for is not _ENDED:
                if self._waits_for is FULL:  # It went on nevertheless, and is closed now.
                    error = asyncio.CancelledError()
                elif error is None:
                    try:
                        error = await outcome_of(self._waits_for)
                    except asyncio.CancelledError as cancelled:
                        error = cancelled
                self._step(error)
                error = None
        except asyncio.CancelledError:
            if self._watch.is_cancelled:
                raise

    async def _transmit(self, body: bytes, *, more: bool) -> None:
        """Send a message, with the head before it if it has not left. Raises _ClientGoneError."""
        watch = self._watch
        await watch.sent_meanwhile()
        try:
            if not watch.has_started:
                watch.has_started = True
                await self._send(watch.start)
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except OSError as error:
            raise _ClientGoneError from error
        watch.note_sent()

    async def _transmit_last(self, addition: bytes = b"", *, more: bool) -> None:
        """Send what there is, and no more after it; an interruption ends it, and is no error."""
        try:
            await self._transmit(self._batch.take() + addition, more=more)
        except asyncio.CancelledError:
            if not self._watch.take_interrupt():
                raise
        except _ClientGoneError:
            self._watch.is_gone = True

    async def _transmit_while_waiting(self) -> None:
        """Send what there is while the source waits. A cancellation is the source's, and does not reach the message."""
        watch = self._watch
        sending = Uninterrupted(self._transmit(self._batch.take(), more=True))
        try:
            while not sending.is_done:
                try:
                    await sending.wait()
                except asyncio.CancelledError as error:
                    if watch.take_interrupt():
                        if watch.is_gone or watch.is_late:
                            return
                    elif self._waits_for is FULL or self._waits_for is _ENDED:
                        raise
                    else:
                        self._step(error)
        finally:
            if not sending.is_done:
                sending.close()
