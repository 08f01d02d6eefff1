"""The app: an ASGI 3 application that plans itself at startup.

Rules
-----
- `_wire` says what the app is made of; it runs once for each start. When it has ended, every wrong declaration of the
  app is reported at once, and only an app without one serves.
- Any failure of a start closes what was opened, is logged, and is told to the server (lifespan.py).
- Before a start and after a stop requests get 503. If the server knows no lifespan, the first request starts the app.
- A stop first ends the responses that last (stopping.py), then lets the requests under way end (inflight.py), then
  drains what drains and closes what was opened (lifecycle.py).
- The app can be started again.
"""

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from types import FunctionType
from typing import ClassVar, Final, Self, cast

from .asgi import Answer, Receive, Scope, Send, constant
from .convertible import DecHook, EncHook
from .declarations import wire_faults
from .entry import Entry
from .errors import PROBLEM_TYPE, HTTPError, problem_body
from .failures import logger
from .inflight import Operations, Request, wait_for_requests
from .introspect import generic_arguments, place_of
from .lifecycle import Lifecycle, ready_factory
from .lifespan import failure_of, serve_lifespan
from .plan import GuardPlanner, OperationPlan, Source
from .planner import Planner
from .routables import Endpoint, Resource, Routable
from .router import Router
from .signals import SignalChain
from .sources.content import ContentSource
from .sources.headers import HeadersSource
from .sources.json import JSONSource
from .sources.params import ParamsSource
from .sources.path import PathSource
from .sources.raw_headers import RawHeadersSource
from .startup import Settings, check_whole, compile_router, planner_for
from .stopping import Stopping
from .wiring import Place, Refusal, WiringError, WiringProblem

SOURCES: Final[Mapping[str, Source]] = {
    "path": PathSource(),
    "params": ParamsSource(),
    "headers": HeadersSource(),
    "raw_headers": RawHeadersSource(),
    "json": JSONSource(),
    "content": ContentSource(),
}
"""The sources of jero-core, by argument name."""

_not_started: Final = constant(503, {b"content-type": PROBLEM_TYPE}, problem_body(HTTPError(503)))


class BaseApp[FactoryT = None](Entry, ABC):
    """An ASGI 3 application. Subclasses say in `_wire` what it is made of.

    `BaseApp[Factory]` makes a `Factory` at startup and offers it as `self._factory`; `App(factory=f)` takes one that is
    made already, for tests.
    """

    sources: ClassVar[Mapping[str, Source]] = SOURCES
    """The sources that handler arguments may name. Add one with `{**BaseApp.sources, "name": source}`."""

    guards: ClassVar[GuardPlanner | None] = None
    """What makes a guard of the object that is given as `auth=`; jero-auth's is `jero_auth.AuthGuards()`."""

    default_auth: object = None
    """The `auth=` of includes that have none: an authenticator, PUBLIC or None for no guard, or REQUIRED, which makes
    each of them a wiring error. A class attribute, or assigned in `_wire` before the first include."""

    max_body_size: ClassVar[int] = 2 * 1024 * 1024
    """The limit of a request's body in bytes, unless the handler's class says otherwise.

    What an app sets itself holds for every source; this default stands back behind a source's own, such as a form's.
    """

    shutdown_timeout: ClassVar[float] = 10.0
    """The longest time in seconds that a stopping app waits for requests under way before it closes its resources."""

    watch_signals: ClassVar[bool] = True
    """Whether SIGTERM and SIGINT end the open streams, ahead of the server's own shutdown, which waits for them."""

    enc_hook: ClassVar[EncHook | None] = None
    """msgspec's `enc_hook`: gives something that msgspec encodes for a value of a type that it does not know."""

    dec_hook: ClassVar[DecHook | None] = None
    """msgspec's `dec_hook`: makes a value of a type that msgspec does not know from what JSON, or text, has for it."""

    def __new__(cls, *_: object, **__: object) -> Self:
        """Set the app up; here and not in `__init__`, which an app's own may leave out to call."""
        app = super().__new__(cls)
        app._jero_given_factory = None
        app._jero_lifecycle = Lifecycle()
        app._jero_planner = None
        app._jero_strays = []
        app._jero_lifespan_seen = False
        app._jero_starting = None
        app._jero_operations = Operations()
        app._jero_plans = ()
        app._jero_stopping = Stopping()
        app._jero_signals = None
        app._jero_loop = None
        app._jero_route(None)
        return app

    _jero_given_factory: FactoryT | None
    _jero_built_factory: FactoryT
    _jero_lifecycle: Lifecycle
    _jero_planner: Planner | None
    """What is being wired; None when nothing is."""
    _jero_strays: list[WiringProblem]
    """What was included outside `_wire`."""
    _jero_lifespan_seen: bool
    _jero_starting: asyncio.Task[None] | None
    _jero_operations: Operations
    """The compiled operations."""
    _jero_plans: tuple[OperationPlan, ...]
    """What the app has been planned to be, since its last start."""
    _jero_stopping: Stopping
    _jero_signals: SignalChain | None
    _jero_loop: asyncio.AbstractEventLoop | None
    """Where the app runs; None while it does not."""

    def __init__(self, *, factory: FactoryT | None = None) -> None:
        self._jero_given_factory = factory

    @abstractmethod
    async def _wire(self) -> None:
        """Include what the app is made of, and open the resources that it needs."""

    @property
    def _factory(self) -> FactoryT:
        """The app's factory. Raises RuntimeError before the app starts, when there is none yet."""
        try:
            return self._jero_built_factory
        except AttributeError:
            raise RuntimeError("the factory is made when the app starts; use it in `_wire`") from None

    def begin_shutdown(self) -> None:
        """End the open streams and refuse new ones; whoever calls this stops the server next.

        For a server that is not stopped by a signal which the main thread gets. It may be called from any thread, and
        any number of times; an app that is not started ignores it.
        """
        loop = self._jero_loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop was closed, and the app never stopped.
                loop.call_soon_threadsafe(self._jero_stopping.begin)

    def _include_resource(self, resource: Resource, *, auth: object = None) -> None:
        """Serve a resource's operations, to those whom `auth` admits (None: as `default_auth` says)."""
        self._jero_include(resource, Resource, auth)

    def _include_endpoint(self, endpoint: Endpoint, *, auth: object = None) -> None:
        """Serve an endpoint's operations, to those whom `auth` admits (None: as `default_auth` says)."""
        self._jero_include(endpoint, Endpoint, auth)

    def _jero_include(self, routable: object, kind: type[Routable], auth: object) -> None:
        caller = _caller(3)
        planner = self._jero_planner
        if planner is None:
            stray = WiringProblem(
                "JERO-W052",
                caller,
                "it includes something outside `_wire`, where nothing looks for it.",
                "the same line in `async def _wire(self)`.",
            )
            if self._jero_router is not None:
                raise WiringError([stray])
            self._jero_strays.append(stray)
            return
        planner.include(routable, kind, caller, auth, self.default_auth)

    def _enter[T](self, manager: AbstractContextManager[T]) -> T:
        """Enter a context manager; it is exited when the app stops, in reverse order of entry."""
        return self._jero_lifecycle.enter(manager)

    async def _aenter[T](self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter an async context manager; it is exited when the app stops, in reverse order of entry."""
        return await self._jero_lifecycle.aenter(manager)

    def _jero_respond(self, scope: Scope, receive: Receive, send: Send) -> Answer:
        if scope["type"] != "http":
            return self._jero_serve_other(scope, receive, send)
        if self._jero_router is not None:
            return self._jero_router.respond(scope, receive, send)
        if self._jero_lifespan_seen:
            return _not_started(scope, receive, send)
        return self._jero_start_and_respond(scope, receive, send)

    def _jero_route(self, router: Router | None) -> None:
        """Answer requests by this router from now on."""
        self._jero_router = router
        self._jero_connect(router, self._jero_respond)

    async def _jero_serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._jero_lifespan_seen = True
            await serve_lifespan(self, scope, receive, send)
        elif scope["type"] == "websocket":
            # Closing before accepting is how ASGI answers 403.
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise RuntimeError(f"jero serves http, not {scope['type']!r}")

    async def _jero_start(self) -> None:
        """Wire the app. Raises WiringError, or whatever `_wire` raised, with everything closed again."""
        settings = self._jero_settings()
        planner = planner_for(settings, self._jero_strays)
        self._jero_planner = planner
        try:
            try:
                self._jero_prepare_wiring(planner, settings.place)
                await self._wire()
            except WiringError:
                raise
            except BaseException as error:
                if planner.problems:
                    error.add_note(str(WiringError(planner.problems)))
                raise
            check_whole(planner, settings, self.default_auth, self._jero_lifecycle.entered)
            self._jero_lifecycle.entered.clear()
            router, functions = compile_router(planner)
            self._jero_operations = Operations(functions)
            self._jero_plans = tuple(planner.plans)
            self._jero_loop = asyncio.get_running_loop()
            self._jero_stopping = planner.stopping
            if planner.stopping.is_wanted and settings.watch_signals:
                self._jero_signals = SignalChain(self.begin_shutdown)
                self._jero_signals.install()
            self._jero_route(router)
        except BaseException:
            await failure_of("closing after a failed startup", self._jero_lifecycle.close())
            raise
        finally:
            self._jero_planner = None

    def _jero_prepare_wiring(self, planner: Planner, place: Place) -> None:
        """Make what `_wire` needs. Raises WiringError if that cannot be, or `_wire` cannot be called."""
        wire = type(self)._wire
        faults = [*wire_faults(wire)]
        planner.problems.report(place_of(wire, f"{type(self).__qualname__}._wire"), *faults)
        try:
            (declared,) = generic_arguments(type(self), BaseApp)
            factory = ready_factory(declared, self._jero_given_factory, self._jero_lifecycle)
            self._jero_built_factory = cast("FactoryT", factory)
        except Refusal as refusal:
            faults.append(refusal)
            planner.problems.report(place, refusal)
        if faults:
            raise WiringError(planner.problems)

    async def _jero_stop(self, *, is_patient: bool = True) -> None:
        """Close everything that the app opened, once the requests under way have ended.

        They have `shutdown_timeout` for that, and queues their own time; none if nobody is patient.

        The next request gets 503 until the app is started again.
        """
        requests = self._jero_operations.requests_under_way()
        self._jero_route(None)
        self._jero_stopping.begin()
        try:
            await self._jero_end_requests(requests, self.shutdown_timeout if is_patient else 0)
        finally:
            try:
                await self._jero_lifecycle.close(is_patient=is_patient)
            finally:
                self._jero_loop = None
                if self._jero_signals is not None:
                    self._jero_signals.restore()
                    self._jero_signals = None

    async def _jero_end_requests(self, requests: list[Request], patience: float) -> None:
        """Let the requests under way end, for as long as they may take."""
        if requests:
            late = await wait_for_requests(requests, patience)
            if late:
                message = "resources close while %d requests are under way, after %s s: %s"
                logger.warning(message, len(late), patience, ", ".join(sorted(late)))
        self._jero_operations = Operations()

    async def _jero_start_and_respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        starting = self._jero_starting
        # One of another loop is waited for by nobody any more.
        if starting is None or (not starting.done() and starting.get_loop() is not asyncio.get_running_loop()):
            starting = self._jero_starting = asyncio.create_task(self._jero_start_unasked())
        if not starting.done():
            await asyncio.wait([starting])
        respond = _not_started if self._jero_router is None else self._jero_router.respond
        await respond(scope, receive, send)

    async def _jero_start_unasked(self) -> None:
        """Start because of a request. The next one tries again if that fails, but for what is wrong in the code."""
        failure: BaseException | None = None
        try:
            failure = await failure_of("startup", self._jero_start())
        finally:
            if self._jero_router is None and not isinstance(failure, WiringError):
                self._jero_starting = None

    def _jero_explained(self) -> list[tuple[OperationPlan, FunctionType]]:
        """Each operation's plan and generated function, of a started app."""
        # Not by handler: a static method may be mounted at several paths.
        functions = {
            (each.__globals__["route"], each.__globals__["operation_name"]): each
            for each in self._jero_operations.functions
        }
        return [(plan, functions[plan.template, plan.name]) for plan in self._jero_plans]

    def _jero_settings(self) -> Settings:
        cls = type(self)
        own = (vars(each) for each in cls.__mro__ if each is not BaseApp)
        return Settings(
            place=place_of(cls, cls.__qualname__),
            sources=self.sources,
            guards=cls.guards,
            max_body_size=self.max_body_size,
            has_own_limit=any("max_body_size" in names for names in (vars(self), *own)),
            shutdown_timeout=cls.shutdown_timeout,
            watch_signals=cls.watch_signals,
            # Read from the class, as all that is not to be an instance's: a plain function is not to become a method.
            enc_hook=cls.enc_hook,
            dec_hook=cls.dec_hook,
        )


def _caller(depth: int) -> Place:
    """Where the user's code called into the app."""
    frame = sys._getframe(depth)
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)
