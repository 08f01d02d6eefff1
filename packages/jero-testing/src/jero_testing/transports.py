"""httpx transports that call an app in process, with real streams in both directions.

A request's body is iterated by whoever sends the request: in the thread (or the task) that waits for the response, when
the app asks for the next piece. `start`, `handle_request` and `close` raise what the app raised as AppRaised, which the
clients unwrap where the frames of httpx are behind them; what reads a response raises it as it is.
"""

import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Final, cast

import httpx

from .errors import AppRaised, add_second
from .exchange import App, Exchange, Head, Step
from .host import Host, Options
from .portal import Portal, PortalClosed

_FAILED_START_GRACE: Final = 1.0
"""Seconds that the thread of an app that did not start has to end; it ends at once unless something blocks it."""
_NO_PIECES: Final[tuple[bytes | None, ...]] = ()


def _read_timeout(request: httpx.Request) -> float | None:
    """The seconds that httpx allows for the next piece of a response."""
    timeouts = cast("dict[str, float | None]", request.extensions.get("timeout", {}))
    return timeouts.get("read")


def _piece_of_body(piece: object) -> bytes:
    if not isinstance(piece, bytes):
        raise TypeError(f"the request's body yielded {piece!r}, and a body is bytes")
    return piece


def _response(head: Head, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
    return httpx.Response(head.status, headers=head.headers, stream=stream, extensions={"http_version": b"HTTP/1.1"})


class _SyncStream(httpx.SyncByteStream):
    """The rest of a response, read from a thread outside the app's event loop."""

    def __init__(self, portal: Portal, host: Host, request: httpx.Request, options: Options) -> None:
        self._portal = portal
        self._host = host
        self._request = request
        self._exchange: Exchange | None = None
        self._body = iter(cast("httpx.SyncByteStream", request.stream))
        self._teardown_timeout = options.teardown_timeout

    def advance(self) -> Head | bytes | Step:
        """What comes next of the response, sending of the request what the app asks for."""
        __tracebackhide__ = True
        pieces = _NO_PIECES
        while (progress := self._portal.call(self._step(pieces), self._patience())) is Step.BODY_WANTED:
            try:
                piece = next(self._body, None)
                pieces = (None if piece is None else _piece_of_body(piece),)
            except BaseException as error:
                try:
                    self.close()
                except Exception as second:  # noqa: BLE001  # told with the first
                    add_second(error, second)
                raise
        if progress is Step.END:
            self._exchange = None
        return progress

    def _step(self, pieces: tuple[bytes | None, ...]) -> Callable[[], Coroutine[object, object, Head | bytes | Step]]:
        async def step() -> Head | bytes | Step:
            if self._exchange is None:
                self._exchange = await self._host.open(self._request)
            return await self._host.advance(self._exchange, _read_timeout(self._request), *pieces)

        return step

    def _patience(self) -> float | None:
        """The seconds that a step may take: the wait for the app, and its return at the end."""
        return _sum(_read_timeout(self._request), self._teardown_timeout)

    def __iter__(self) -> Iterator[bytes]:
        __tracebackhide__ = True
        try:
            while isinstance(piece := self.advance(), bytes):
                yield piece
        except AppRaised as parcel:
            raised = parcel
        else:
            return
        raise raised.error

    def close(self) -> None:
        __tracebackhide__ = True
        exchange, self._exchange = self._exchange, None
        raised: AppRaised | None = None
        if exchange is None:
            return
        if self._portal.is_current:
            # The garbage collector runs wherever it likes, also in the loop, where nothing may wait.
            self._portal.begin(lambda: self._host.close(exchange))
            return
        try:
            self._portal.call(lambda: self._host.close(exchange), self._teardown_timeout)
        except PortalClosed:
            pass  # The client has been closed before its stream, and has closed that.
        except AppRaised as parcel:
            raised = parcel
        if raised is not None:
            raise raised.error


class SyncTransport(httpx.BaseTransport):
    """Calls an app in the event loop of a thread, which starts with the first request or `start`."""

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options
        self._started: tuple[Portal, Host] | None = None
        self._starting = threading.Lock()

    def start(self) -> tuple[Portal, Host]:
        """Start the loop and the app, unless they are started. Raises what makes the app fail."""
        __tracebackhide__ = True
        with self._starting:
            if self._started is None:
                portal, host = Portal(), Host(self._app, self._options)
                try:
                    portal.call(host.start, self._options.startup_timeout)
                except BaseException:
                    portal.stop_after(host.stop)
                    portal.join(_FAILED_START_GRACE)
                    raise
                self._started = portal, host
            return self._started

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and give the response when it begins."""
        __tracebackhide__ = True
        portal, host = self.start()
        stream = _SyncStream(portal, host, request, self._options)
        return _response(cast("Head", stream.advance()), stream)

    def close(self) -> None:
        """Leave what is under way, stop the app, and end the loop. Raises what fails first, when all is closed."""
        __tracebackhide__ = True
        started, self._started = self._started, None
        if started is not None:
            portal, host = started
            try:
                portal.call(host.stop, _sum(self._options.teardown_timeout, self._options.shutdown_timeout))
            finally:
                portal.stop()

    def drop(self) -> None:
        """As `close`, of a client that is gone: nobody waits, and nobody is told."""
        started, self._started = self._started, None
        if started is not None:
            portal, host = started
            portal.stop_after(host.stop)


def _sum(*seconds: float | None) -> float | None:
    return None if None in seconds else sum(cast("tuple[float, ...]", seconds))


class _AsyncStream(httpx.AsyncByteStream):
    """The rest of a response, read in the app's own event loop."""

    def __init__(self, host: Host, exchange: Exchange, request: httpx.Request) -> None:
        self._host = host
        self._exchange: Exchange | None = exchange
        self._body = aiter(cast("httpx.AsyncByteStream", request.stream))
        self._request = request

    async def advance(self) -> Head | bytes | Step:
        """What comes next of the response, sending of the request what the app asks for."""
        __tracebackhide__ = True
        if self._exchange is None:
            return Step.END
        pieces = _NO_PIECES
        while True:
            progress = await self._host.advance(self._exchange, _read_timeout(self._request), *pieces)
            if progress is not Step.BODY_WANTED:
                break
            try:
                piece = await anext(self._body, None)
                pieces = (None if piece is None else _piece_of_body(piece),)
            except BaseException as error:
                try:
                    await self.aclose()
                except Exception as second:  # noqa: BLE001  # told with the first
                    add_second(error, second)
                raise
        if progress is Step.END:
            self._exchange = None
        return progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        __tracebackhide__ = True
        try:
            while isinstance(piece := await self.advance(), bytes):
                yield piece
        except AppRaised as parcel:
            raised = parcel
        else:
            return
        raise raised.error

    async def aclose(self) -> None:
        __tracebackhide__ = True
        exchange, self._exchange = self._exchange, None
        raised: AppRaised | None = None
        try:
            if exchange is not None:
                await self._host.close(exchange)
        except AppRaised as parcel:
            raised = parcel
        if raised is not None:
            raise raised.error


class AsyncTransport(httpx.AsyncBaseTransport):
    """Calls an app in the event loop of whoever sends the request."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def start(self) -> None:
        """Start the app. Raises what makes it fail."""
        __tracebackhide__ = True
        await self._host.start()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and give the response when it begins."""
        __tracebackhide__ = True
        stream = _AsyncStream(self._host, await self._host.open(request), request)
        return _response(cast("Head", await stream.advance()), stream)

    async def aclose(self) -> None:
        """Leave what is under way, and stop the app. Raises what fails first, when all is closed."""
        __tracebackhide__ = True
        await self._host.stop()

    def drop(self) -> None:
        """As `aclose`, of a client that is gone: nobody waits, and nobody is told."""
        self._host.drop()
