"""The clients: httpx's own, with an app in place of the network."""

import weakref
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Final, Self, Unpack

import httpx
from httpx import USE_CLIENT_DEFAULT

from .errors import AppRaised
from .exchange import App
from .host import Host, Options, check_app
from .options import ClientOptions
from .sessions import AsyncStreamOpener, StreamOpener
from .transports import AsyncTransport, SyncTransport

if TYPE_CHECKING:
    from httpx._client import UseClientDefault
    from httpx._types import AuthTypes

_BASE_URL: Final = "http://testserver"
_CLIENT: Final = ("127.0.0.1", 50000)
_TIMEOUT: Final = 30.0
_SHUTDOWN_TIMEOUT: Final = 60.0
_TEARDOWN_TIMEOUT: Final = 10.0


class TestClient(httpx.Client):
    """An `httpx.Client` whose requests are answered by an ASGI app, in process, without a socket.

    `with TestClient(app) as client:` starts the app in an event loop of its own, in a thread, and stops it at the
    block's end. Without a block the first request starts the app, and `close()` stops it. A start that fails raises
    what made it fail: for a jero app the WiringError, with its whole report.

    `raise_server_exceptions`: whether what the app raises, or would log as a fault, is raised in the test; without, it
    is logged, and the test gets the 500. `startup_timeout`, `shutdown_timeout` and `teardown_timeout` (for the app to
    return when its response has ended, or its reader has left) are in seconds; `timeout` is httpx's, for the next piece
    of a response. None waits for ever. `root_path` and `client` are the scope's. The rest is httpx's.
    """

    __test__: ClassVar[bool] = False

    def __init__(
        self,
        app: App,
        *,
        base_url: httpx.URL | str = _BASE_URL,
        raise_server_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] = _CLIENT,
        startup_timeout: float | None = _TIMEOUT,
        shutdown_timeout: float | None = _SHUTDOWN_TIMEOUT,
        teardown_timeout: float | None = _TEARDOWN_TIMEOUT,
        **options: Unpack[ClientOptions],
    ) -> None:
        check_app(app, "TestClient")
        own = Options(raise_server_exceptions, root_path, client, startup_timeout, shutdown_timeout, teardown_timeout)
        self._app_transport = SyncTransport(app, own)
        options.setdefault("timeout", _TIMEOUT)
        super().__init__(base_url=base_url, transport=self._app_transport, trust_env=False, **options)
        # A client that nobody closes is closed when it is gone.
        weakref.finalize(self, self._app_transport.drop)

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        try:
            self._app_transport.start()
            return super().__enter__()
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        __tracebackhide__ = True
        try:
            return super().__exit__(exc_type, exc_value, traceback)
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    def close(self) -> None:
        """Stop the app and end its event loop. Raises what fails."""
        __tracebackhide__ = True
        try:
            return super().close()
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: "AuthTypes | UseClientDefault | None" = USE_CLIENT_DEFAULT,
        follow_redirects: "bool | UseClientDefault" = USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Send a request, as httpx does. Raises what the app raises."""
        __tracebackhide__ = True
        try:
            return super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    @property
    def stream_get(self) -> StreamOpener:
        """Streams the items of the answer to a GET: `with client.stream_get(url) as stream:`."""
        return StreamOpener(self, "GET")

    @property
    def stream_post(self) -> StreamOpener:
        """Streams the items of the answer to a POST: `with client.stream_post(url) as stream:`."""
        return StreamOpener(self, "POST")

    @property
    def stream_put(self) -> StreamOpener:
        """Streams the items of the answer to a PUT: `with client.stream_put(url) as stream:`."""
        return StreamOpener(self, "PUT")

    @property
    def stream_patch(self) -> StreamOpener:
        """Streams the items of the answer to a PATCH: `with client.stream_patch(url) as stream:`."""
        return StreamOpener(self, "PATCH")

    @property
    def stream_delete(self) -> StreamOpener:
        """Streams the items of the answer to a DELETE: `with client.stream_delete(url) as stream:`."""
        return StreamOpener(self, "DELETE")


class AsyncTestClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose requests are answered by an ASGI app in the same event loop, asyncio's.

    `async with AsyncTestClient(app) as client:`, with pytest-asyncio, anyio's plugin, or `asyncio.run`. All else is as
    with TestClient.
    """

    __test__: ClassVar[bool] = False

    def __init__(
        self,
        app: App,
        *,
        base_url: httpx.URL | str = _BASE_URL,
        raise_server_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] = _CLIENT,
        startup_timeout: float | None = _TIMEOUT,
        shutdown_timeout: float | None = _SHUTDOWN_TIMEOUT,
        teardown_timeout: float | None = _TEARDOWN_TIMEOUT,
        **options: Unpack[ClientOptions],
    ) -> None:
        check_app(app, "AsyncTestClient")
        own = Options(raise_server_exceptions, root_path, client, startup_timeout, shutdown_timeout, teardown_timeout)
        self._app_transport = AsyncTransport(Host(app, own))
        options.setdefault("timeout", _TIMEOUT)
        super().__init__(base_url=base_url, transport=self._app_transport, trust_env=False, **options)
        # A client that nobody closes is closed when it is gone, if its loop still runs.
        weakref.finalize(self, self._app_transport.drop)

    async def __aenter__(self) -> Self:
        __tracebackhide__ = True
        try:
            await self._app_transport.start()
            return await super().__aenter__()
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        __tracebackhide__ = True
        try:
            return await super().__aexit__(exc_type, exc_value, traceback)
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    async def aclose(self) -> None:
        """Stop the app. Raises what fails."""
        __tracebackhide__ = True
        try:
            return await super().aclose()
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: "AuthTypes | UseClientDefault | None" = USE_CLIENT_DEFAULT,
        follow_redirects: "bool | UseClientDefault" = USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Send a request, as httpx does. Raises what the app raises."""
        __tracebackhide__ = True
        try:
            return await super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
        except AppRaised as parcel:
            raised = parcel
        raise raised.error

    @property
    def stream_get(self) -> AsyncStreamOpener:
        """Streams the items of the answer to a GET: `async with client.stream_get(url) as stream:`."""
        return AsyncStreamOpener(self, "GET")

    @property
    def stream_post(self) -> AsyncStreamOpener:
        """Streams the items of the answer to a POST: `async with client.stream_post(url) as stream:`."""
        return AsyncStreamOpener(self, "POST")

    @property
    def stream_put(self) -> AsyncStreamOpener:
        """Streams the items of the answer to a PUT: `async with client.stream_put(url) as stream:`."""
        return AsyncStreamOpener(self, "PUT")

    @property
    def stream_patch(self) -> AsyncStreamOpener:
        """Streams the items of the answer to a PATCH: `async with client.stream_patch(url) as stream:`."""
        return AsyncStreamOpener(self, "PATCH")

    @property
    def stream_delete(self) -> AsyncStreamOpener:
        """Streams the items of the answer to a DELETE: `async with client.stream_delete(url) as stream:`."""
        return AsyncStreamOpener(self, "DELETE")
