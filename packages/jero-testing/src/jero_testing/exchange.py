"""One request and its response, in process: an app's call at one end, a client at the other.

Rules
-----
- Nothing is sent ahead. The app gets a piece of the request's body when it asks for it, and waits in `send` while the
  piece that it sent before has not been taken: it is never more than one message ahead of its reader.
- The head reaches the client with the first http.response.body, as ASGI lets servers do: an app that relies on more
  does not work on every server.
- A client that leaves is a disconnect for `receive` and a `ClientLeft` from `send`; leaving waits for the app, within
  bounds, because what it tears down belongs to the test.
- What fails in the app is kept, and raised to the client in place of what the app answers. What was sent before is
  delivered first.

An exchange lives in one event loop. `advance` is how a client drives it: it gives what happened next, and `BODY_WANTED`
where the client has to bring the next piece of the body (from its own thread, or its own task).
"""

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

import httpx

from jero_core.extend import FAULTS, Message, Receive, Scope, Send

from .errors import AppRaised, AppTimeout, ASGIViolation, ClientLeft, escaped, without_own_frames
from .rules import Headers, HTTPRules, checked_awaitable
from .tasks import Bell, cancel
from .waiting import describe_task

type App = Callable[[Scope, Receive, Send], Awaitable[None]]

logger: Final = logging.getLogger("jero.testing")

_ERROR_BODY: Final = b"Internal Server Error"
_ERROR_HEAD: Final = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_ERROR_BODY)),
)


@dataclass(frozen=True, slots=True)
class Head:
    """The start of a response."""

    status: int
    headers: Headers


class Step(Enum):
    """What an exchange may come to besides a head and pieces of the body."""

    BODY_WANTED = "the app waits for the next piece of the request's body"
    END = "the response is complete, and the app has returned"


class Exchange:
    """One call of an app. `content` is the request's whole body, or None for one that arrives in pieces.

    `raises` says whether what the app raises, or would log as a fault, is raised to the client.
    """

    def __init__(
        self, app: App, scope: Scope, content: bytes | None, *, raises: bool, teardown_timeout: float | None
    ) -> None:
        self._app = app
        self._scope: Scope = {**scope, "extensions": {FAULTS: {"take": self._take, "cut_off": self._note_cut_off}}}
        self._raises = raises
        self._teardown_timeout = teardown_timeout
        self._rules = HTTPRules(str(scope["method"]))
        self._bell = Bell()
        # towards the app
        self._incoming: deque[Message] = deque()
        self._body_wanted = False
        self._body_ended = content is not None
        if content is not None:
            self._incoming.append({"type": "http.request", "body": content, "more_body": False})
        # towards the client
        self._flushed = False
        self._head_taken = False
        self._piece: bytes | None = None
        self._complete = False
        # the end
        self._left = False
        self._is_cut_off = False
        self._offered: list[BaseException] = []
        self._failure: BaseException | None = None
        self._failed_early = False
        # As on a server, an app sees nothing of the context variables of whoever sent the request.
        self._task: asyncio.Task[None] = asyncio.get_running_loop().create_task(
            self._run(), name=f"{scope['method']} {scope['path']}", context=contextvars.Context()
        )
        self._task.add_done_callback(lambda _: self._bell.ring())

    # the app's end

    async def _run(self) -> None:
        try:
            await checked_awaitable(self._app(self._scope, self._receive, self._send))
            if not self._left:
                self._rules.check_end(is_cut_off=self._is_cut_off)
        except asyncio.CancelledError as error:
            if self._task.cancelling():
                raise
            self._crash(escaped(error))
        except BaseException as error:  # noqa: BLE001  # SystemExit and KeyboardInterrupt are not for the event loop
            self._crash(error)

    def _crash(self, error: BaseException) -> None:
        if self._left and isinstance(error, ClientLeft):
            return
        if self._raises or isinstance(error, ASGIViolation):
            self._fail(error)
        elif not any(error is offered for offered in self._offered):
            logger.error("%s %r: the app raised", self._scope["method"], self._scope["path"], exc_info=error)

    def _take(self, error: BaseException) -> bool:
        """Take a fault that the app would log (the extension jero.faults)."""
        self._offered.append(error)
        if not self._raises or self._failure is not None:
            return False
        self._fail(error)
        return True

    def _note_cut_off(self) -> None:
        """Take down that the app leaves its response without an end on purpose (the extension jero.faults)."""
        self._is_cut_off = True

    def _fail(self, error: BaseException) -> None:
        """Keep what is to be raised to the client: the first failure."""
        if self._failure is None:
            self._failure = without_own_frames(error)
            # What the app answers to its own fault does not replace the fault.
            self._failed_early = not self._flushed or isinstance(error, ASGIViolation)
            self._bell.ring()

    async def _receive(self) -> Message:
        while not self._left:
            if self._incoming:
                return self._incoming.popleft()
            if self._complete:
                break
            if not self._body_ended:
                self._body_wanted = True
                self._bell.ring()
            await self._bell.wait()
        await asyncio.sleep(0)  # An app that asks again and again must not hold the event loop.
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._left:
            await asyncio.sleep(0)  # As in `_receive`.
            raise ClientLeft("the client has left")
        try:
            self._rules.check(message)
        except ASGIViolation as violation:
            self._fail(violation)
            raise
        if message["type"] == "http.response.body":
            self._flushed = True
            piece = message.get("body")
            if isinstance(piece, bytes) and piece:
                await self._hand_over(piece)
            self._complete = not message.get("more_body")
            self._bell.ring()

    async def _hand_over(self, piece: bytes) -> None:
        while self._piece is not None:
            await self._bell.wait()
            if self._left:
                raise ClientLeft("the client has left")
        self._piece = piece

    # the client's end

    async def advance(self, timeout: float | None, *pieces: bytes | None) -> Head | bytes | Step:  # noqa: ASYNC109
        """What happens next, once these pieces of the request's body are there; None stands for its end.

        Raises what the app raised, as AppRaised; `httpx.ReadTimeout` if nothing happens for `timeout` seconds; and
        `httpx.RemoteProtocolError` for a response that breaks off.
        """
        for piece in pieces:
            self._feed(piece)
        progress: Head | bytes | Step | None = None
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                while (progress := self._progress()) is None:
                    await self._bell.wait()
        except TimeoutError:
            if not limit.expired():
                raise
        if progress is None:
            raise await self._late(timeout)
        if progress is Step.END:
            await self.close()
        return progress

    async def _late(self, timeout: float | None) -> BaseException:  # noqa: ASYNC109  # for the message
        message = f"{self._task.get_name()}: the app has sent nothing for {timeout:g} s; {describe_task(self._task)}"
        await self._abandon()
        return self._taken_failure() or httpx.ReadTimeout(message)

    def _feed(self, piece: bytes | None) -> None:
        if piece is None:
            self._incoming.append({"type": "http.request", "body": b"", "more_body": False})
            self._body_ended = True
        elif piece:
            self._incoming.append({"type": "http.request", "body": piece, "more_body": True})
        else:
            return
        self._body_wanted = False
        self._bell.ring()

    def _progress(self) -> Head | bytes | Step | None:
        """What has happened; None if nothing has."""
        is_over = self._task.done()
        if self._failure is not None and self._failed_early:
            self._piece = None
            self._bell.ring()
            return self._break_off() if is_over else None
        if self._flushed and not self._head_taken:
            self._head_taken = True
            return Head(self._rules.status, self._rules.headers)
        if self._piece is not None:
            piece, self._piece = self._piece, None
            self._bell.ring()
            return piece
        if self._complete:
            return Step.END
        if is_over:
            return self._break_off()
        return Step.BODY_WANTED if self._body_wanted else None

    def _break_off(self) -> Head:
        """What a client gets of an app that has ended without ending its response: an exception, or a server's 500."""
        if (failure := self._taken_failure()) is not None:
            raise failure
        if self._head_taken:
            raise httpx.RemoteProtocolError(
                "the app ended in the middle of its response, and the connection is aborted"
            )
        self._head_taken = self._flushed = self._complete = True
        self._piece = b"" if self._scope["method"] == "HEAD" else _ERROR_BODY
        return Head(500, [*_ERROR_HEAD])

    def _taken_failure(self) -> AppRaised | None:
        failure, self._failure = self._failure, None
        return None if failure is None else AppRaised(failure)

    async def close(self) -> None:
        """Leave, unless the response is complete, and wait for the app to return.

        Raises AppRaised with what the app raised, if it has not been told yet, or AppTimeout.
        """
        if not self._task.done():
            self._left = self._left or not self._complete
            self._bell.ring()
            await asyncio.wait({self._task}, timeout=self._teardown_timeout)
        if not self._task.done():
            name, where, has_left = self._task.get_name(), describe_task(self._task), self._left
            await self._abandon()
            raise self._taken_failure() or AppRaised(
                AppTimeout(
                    f"{name}: the app has not returned within {self._teardown_timeout:g} s after its client "
                    f"{'left' if has_left else 'had the whole response'} (teardown_timeout); {where}"
                )
            )
        if (failure := self._taken_failure()) is not None:
            raise failure

    async def _abandon(self) -> None:
        """Leave, and cancel the app; it has a moment to end."""
        self._left = True
        self._bell.ring()
        await cancel(self._task)
