"""A started app in an event loop, and the exchanges that are under way with it: what both clients drive."""

import asyncio
import re
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import httpx

from jero_core.extend import Scope

from .errors import add_second
from .exchange import App, Exchange, Head, Step
from .lifespan import Lifespan

_DROP_TIMEOUT: Final = 60.0
"""Seconds that an app has to stop when nobody waits for it."""
_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(rb"(?:[^\0\s\x7f]+(?:[ \t]+[^\0\s\x7f]+)*)?")
"""What can be sent as the value of a header; the same as httpx itself sends (RFC 9110, section 5.5)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a client treats its app; times are in seconds, None is for ever."""

    raise_server_exceptions: bool
    root_path: str
    client: tuple[str, int]
    startup_timeout: float | None
    shutdown_timeout: float | None
    teardown_timeout: float | None


def check_app(app: object, client: str) -> None:
    """Raise TypeError for what plainly is no app: above all its class, which takes other arguments than a call."""
    if isinstance(app, type) and not issubclass(app, Awaitable):
        raise TypeError(f"{client} takes an app, and {app.__qualname__} is a class: `{client}({app.__qualname__}())`")
    if not callable(app):
        raise TypeError(f"{client} takes an app, `async def app(scope, receive, send)`, not {app!r:.100}")


class Host:
    """One app. Everything here runs in one event loop, but for the constructor."""

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options
        self._lifespan: Lifespan | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Lock | None = None
        self._exchanges: set[Exchange] = set()

    async def start(self) -> None:
        """Start the app, unless it is started. Raises what `Lifespan.start` raises."""
        self._check_loop()
        if self._lifespan is not None:
            return
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if self._lifespan is None:
                lifespan = Lifespan(self._app)
                await lifespan.start(self._options.startup_timeout)
                self._lifespan, self._loop = lifespan, asyncio.get_running_loop()

    def _check_loop(self) -> None:
        """Raise RuntimeError unless this is the event loop in which the app was started, and one of asyncio's."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "an AsyncTestClient needs an event loop of asyncio's; with anyio's plugin, choose the backend asyncio"
            ) from None
        if self._loop is not None and self._loop is not loop:
            raise RuntimeError(
                "this client was started in another event loop; make it where it is used, such as in a fixture whose "
                "loop is the test's"
            )

    async def open(self, request: httpx.Request) -> Exchange:
        """Send a request, starting the app if need be. Raises what `start` raises."""
        await self.start()
        state = {} if self._lifespan is None else self._lifespan.state
        stream = request.stream
        exchange = Exchange(
            self._app,
            scope_of(request, self._options, state),
            b"".join(stream) if isinstance(stream, httpx.ByteStream) else None,
            raises=self._options.raise_server_exceptions,
            teardown_timeout=self._options.teardown_timeout,
        )
        self._exchanges.add(exchange)
        return exchange

    async def advance(
        self,
        exchange: Exchange,
        timeout: float | None,  # noqa: ASYNC109
        *pieces: bytes | None,
    ) -> Head | bytes | Step:
        """What happens next in an exchange, as `Exchange.advance`; after its end, or a failure, it is closed."""
        try:
            progress = await exchange.advance(timeout, *pieces)
        except BaseException as error:
            await self._close_after(error, exchange)
            raise
        if progress is Step.END:
            self._exchanges.discard(exchange)
        return progress

    async def _close_after(self, error: BaseException, exchange: Exchange) -> None:
        """Close an exchange that has failed; a second failure does not hide the first."""
        try:
            await self.close(exchange)
        except asyncio.CancelledError:
            raise
        except BaseException as second:  # noqa: BLE001  # told with the first
            add_second(error, second)

    async def close(self, exchange: Exchange) -> None:
        """Leave an exchange. Raises what `Exchange.close` raises."""
        self._exchanges.discard(exchange)
        await exchange.close()

    def drop(self) -> None:
        """Stop, soon, if the event loop still runs; from any thread. What fails is dropped."""
        loop = self._loop
        if loop is not None and loop.is_running():
            with suppress(RuntimeError):  # It has just been closed.
                loop.call_soon_threadsafe(self._begin_to_drop)

    def _begin_to_drop(self) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._stop_quietly())
        # The timer also holds the task, which an event loop does only weakly.
        timer = loop.call_later(_DROP_TIMEOUT, task.cancel)
        task.add_done_callback(lambda _: timer.cancel())

    async def _stop_quietly(self) -> None:
        with suppress(Exception):
            await self.stop()

    async def stop(self) -> None:
        """Leave what is under way, and stop the app. Raises the first failure of all, when everything is closed."""
        self._check_loop()
        failures: list[BaseException] = []
        exchanges, self._exchanges = self._exchanges, set()
        results = await asyncio.gather(*(exchange.close() for exchange in exchanges), return_exceptions=True)
        failures += [result for result in results if result is not None]
        lifespan, self._lifespan, self._loop = self._lifespan, None, None
        if lifespan is not None:
            try:
                await lifespan.stop(self._options.shutdown_timeout)
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001  # raised below
                failures.append(error)
        for second in failures[1:]:
            add_second(failures[0], second)
        if failures:
            raise failures[0]


def scope_of(request: httpx.Request, options: Options, state: dict[str, object]) -> Scope:
    """The scope that a server would make of a request (ASGI HTTP, "HTTP Connection Scope").

    Raises httpx.LocalProtocolError for a header that could not be sent, as httpx does where there is a network.
    """
    for name, value in request.headers.raw:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise httpx.LocalProtocolError(f"Illegal header {name!r}: {value!r}")
    url = request.url
    raw_path = url.raw_path.partition(b"?")[0]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        # Bytes that are no UTF-8 become U+FFFD, as on the servers.
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": url.query,
        "root_path": options.root_path,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": options.client,
        "server": (url.host, url.port or _PORTS.get(url.scheme, 80)),
        "state": state.copy(),
    }
