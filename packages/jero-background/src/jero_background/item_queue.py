"""What all queues of items share: registration, and what startup has to say about it.

Rules
-----
- `register` is for the time before the app serves: in `_wire`, before or after the queue is entered. A wrong handler is
  noted, and stands in the one report of all wrong declarations (`__jero_wire__`). Once the app is wired, it raises.
- The app's operations, and all handlers of all its queues, are looked at for plain adds (add_scan.py), also to queues
  that are entered by something else. An item that has no handler, and a queue that nobody has entered, stand in the
  report too.
- A queue that no app enters (a script, a test) reports what is wrong with its handlers when an item finds none.
- What is registered while the queue is entered is forgotten when it closes, so that an app that starts again, and
  registers again, finds it as it was.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar, copy_context
from inspect import isawaitable, signature
from logging import Logger, getLogger
from typing import Final, Protocol

import msgspec

from jero_core.extend import HTTPError, Place, Refusal, Wiring, WiringError, WiringProblem, place_of

from .add_scan import adds_in
from .after_response import AfterResponse
from .handlers import Handler, name_of, name_of_type, read_handler

logger: Final[Logger] = getLogger("jero.background")

CLOSED: Final = "The server is being stopped."
"""What a client is told when an item comes too late."""

NOT_CALLED: Final = "was not called before the queue closed"
"""What the log says of a handler whose item is dropped."""


class BackgroundClosedError(HTTPError, status=503):
    """An item is added to a queue that has been drained and closed. It was not taken; a request gets 503."""


class ItemFailure(msgspec.Struct, frozen=True):
    """What an `on_error` hook is told."""

    item: msgspec.Struct
    id: str
    handler: str
    """The dotted name of the handler that failed."""
    error: BaseException


class QueueStats(msgspec.Struct, frozen=True):
    """What has become of a queue's items. A health page can return it as it is."""

    queued: int
    """Items that wait."""
    running: int
    """Items whose handler runs now."""
    done: int
    """Items whose handler has ended well, since the queue was entered; so are the next two."""
    failed: int
    """Items whose handler has raised, or took too long."""
    dropped: int
    """Items that were taken and did not run to their end: each is named in the log."""


type OnError = Callable[[ItemFailure], Awaitable[None] | None]


def too_late(handler: Handler, limit: float | None, more: str = "") -> TimeoutError:
    """The error of a handler whose time was over."""
    return TimeoutError(f"{handler.name} took longer than handler_timeout, {limit:g} s{more}")


class Run(Protocol):
    """One run of a handler, as far as what it calls may know of it."""

    @property
    def id(self) -> str:
        """The id of its item."""
        ...


RUN: Final[ContextVar[Run]] = ContextVar("jero_background_run")
"""The run that this is part of."""


def item_id() -> str:
    """The id of the item that the running handler has been called for. Raises LookupError outside of handlers.

    `add` gave the same id to whoever added the item. Where an item may come twice (taskiq), it tells them apart.
    """
    return RUN.get().id


class ItemQueue(ABC):
    """A queue of Structs and the handlers that run for them: `BackgroundTasks`, or the same over a broker.

    `allow_one_to_many` allows several handlers for one item type: each runs once for each item. `on_error` is called
    when a handler has raised; it may be a coroutine function, and what it raises is logged.
    """

    def __init__(self, *, allow_one_to_many: bool, on_error: OnError | None) -> None:
        if on_error is not None and not _takes_one(on_error):
            raise TypeError(f"on_error is a function of one ItemFailure, or None, not {on_error!r}")
        self._allow_one_to_many = allow_one_to_many
        self._on_error = on_error
        self._handlers: dict[type[msgspec.Struct], tuple[Handler, ...]] = {}
        self._problems: list[WiringProblem] = []
        self._is_wired = False
        self._clear_counts()
        self._before: tuple[dict[type[msgspec.Struct], tuple[Handler, ...]], list[WiringProblem]] = ({}, [])

    def register[T: msgspec.Struct](self, handler: Callable[[T], Awaitable[object]]) -> None:
        """Have a coroutine function run for every item of the type that its one parameter is annotated with.

        A wrong handler (JERO-W070, W071, W072) is a wiring error of the app that enters this queue. Raises WiringError
        once that app is wired.
        """
        before = len(self._problems)
        try:
            found = read_handler(handler)
            self._check(found)
        except Refusal as refusal:
            place = place_of(handler, name_of(handler))
            if not place.line:  # What has no code stands where it is registered.
                frame = sys._getframe(1)
                place = Place(frame.f_code.co_filename, frame.f_lineno, place.name)
            for fault in (refusal, *refusal.others):
                self._problems.append(WiringProblem(fault.code, place, fault.reason, fault.remedy))
        else:
            self._handlers[found.item] = (*self._handlers.get(found.item, ()), found)
        if self._is_wired and len(self._problems) > before:
            problems, self._problems[before:] = self._problems[before:], []
            raise WiringError(problems)

    @abstractmethod
    async def add(self, item: msgspec.Struct, /) -> str:
        """Take an item, and give its id. Raises TypeError if no handler is registered for its type."""

    def add_after_response(self, item: msgspec.Struct, after_response: AfterResponse, /) -> str:
        """Take an item once the response of the current request has been sent, and give its id.

        `after_response` is the handler's argument of that name. If the response fails, or its status is 400 or above,
        the item is never taken. Raises TypeError if no handler is registered for its type, and RuntimeError if the
        response has been sent already.
        """
        self._check_open(item)
        item_id = self._next_id()
        after_response.append(self, item, item_id, copy_context())
        return item_id

    @abstractmethod
    def stats(self) -> QueueStats:
        """What has become of the items."""

    @abstractmethod
    def _next_id(self) -> str:
        """The id of the next item."""

    @abstractmethod
    def _check_open(self, item: msgspec.Struct) -> None:
        """Raise unless the queue is entered, and has a handler for this item."""

    @abstractmethod
    async def _take(self, item: msgspec.Struct, item_id: str, context: Context) -> None:
        """Take an item that was announced by `add_after_response`."""

    def _drop(self, item: msgspec.Struct, item_id: str, why: str) -> None:
        """Log, and count, an item that was taken and does not run."""
        self._dropped += 1
        logger.error("%s %s is dropped: %s", name_of_type(type(item)), item_id, why)

    def _clear_counts(self) -> None:
        self._done = self._failed = self._dropped = 0

    def _check(self, handler: Handler) -> None:
        """Raise `Refusal` if the handler cannot be registered beside the others."""
        others = self._handlers.get(handler.item, ())
        if others and not self._allow_one_to_many:
            raise Refusal(
                code="JERO-W072",
                reason=f"{handler.item.__qualname__} has the handler {others[0].name} ({others[0].place}) already.",
                remedy="one handler for each item type, or `allow_one_to_many=True`.",
            )
        if any(other.function == handler.function for other in others):
            raise Refusal(
                code="JERO-W072",
                reason=f"{handler.name} is registered for {handler.item.__qualname__} already.",
                remedy="one registration.",
            )

    @property
    @abstractmethod
    def _is_entered(self) -> bool:
        """Whether it is open."""

    def __jero_wire__(self, wiring: Wiring, /) -> None:
        """Report what is wrong with the app's queues: the first of them does so for all."""
        if queues_in(wiring)[:1] == [self]:
            check_queues(wiring)

    def _report(self, wiring: Wiring, adds: dict[tuple[Place, type[msgspec.Struct]], None]) -> None:
        """Report what is wrong with the handlers, and with the items that plainly are added."""
        for problem in self._problems:
            fault = Refusal(code=problem.code, reason=problem.reason, remedy=problem.remedy)
            wiring.report(problem.place, fault)
        for place, item in adds:
            # A handler that is reported would be missed here too.
            if not self._problems and item not in self._handlers:
                wiring.report(place, self._unhandled(item))
        if self._is_entered:
            self._is_wired = True
        else:
            for place in {place: None for place, _ in adds}:
                wiring.report(place, self._unentered())

    def _unentered(self) -> Refusal:
        name = type(self).__qualname__
        return Refusal(
            code="JERO-W075",
            reason=f"it adds an item to a {name} that nobody has entered, and that takes none.",
            remedy=f"in `_wire`: `tasks = await self._aenter({name}(...))`.",
        )

    def _unhandled(self, item: type[msgspec.Struct]) -> Refusal:
        return Refusal(
            code="JERO-W073",
            reason=f"it adds an item of {item.__qualname__}, and no handler is registered for that.",
            remedy=f"in `_wire`: `tasks.register(handler)`, with `async def handler(item: {item.__qualname__})`.",
        )

    def _unknown(self, item: object) -> Exception:
        """The error of an item without a handler."""
        if self._problems:
            return WiringError(self._problems)
        if isinstance(item, type):
            return TypeError(f"an item is an instance: `{item.__qualname__}(...)`, not the class")
        if not isinstance(item, msgspec.Struct):
            return TypeError(f"{item!r:.100} is no item: an item is a Struct")
        cls = type(item)
        near = next((each for each in self._handlers if issubclass(cls, each)), None)
        hint = "" if near is None else f" (one for {name_of_type(near)} is: it takes items of exactly that class)"
        return TypeError(f"no handler is registered for {name_of_type(cls)}{hint}; `register` one in `_wire`")

    def _remember(self) -> None:
        """Note what is registered before the queue is entered."""
        self._before = dict(self._handlers), [*self._problems]

    def _forget(self) -> None:
        """Forget what was registered since."""
        self._handlers, self._problems = self._before
        self._is_wired = False

    async def _tell(self, item: msgspec.Struct, item_id: str, handler: Handler, error: BaseException) -> None:
        """Log that a handler has raised, and call the hook."""
        logger.error("%s %s failed in %s", name_of_type(type(item)), item_id, handler.name, exc_info=error)
        if self._on_error is None:
            return
        try:
            told = self._on_error(ItemFailure(item, item_id, handler.name, error))
            if isawaitable(told):
                await told
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as fault:  # a hook must not stop the queue either
            message = "on_error failed for %s %s"
            logger.error(message, name_of_type(type(item)), item_id, exc_info=fault)


def _takes_one(hook: object) -> bool:
    """Whether something can be called with one argument, as far as it says what it takes."""
    if not callable(hook):
        return False
    try:
        parameters = signature(hook)
    except (TypeError, ValueError):  # It does not say it, as some builtins.
        return True
    try:
        parameters.bind(None)
    except TypeError:
        return False
    return True


def queues_in(wiring: Wiring) -> list[ItemQueue]:
    """The queues that an app has entered, each once."""
    return [*{id(each): each for each in wiring.entered if isinstance(each, ItemQueue)}.values()]


def _adds_by_ours(cls: type[ItemQueue]) -> bool:
    """Whether a class of queues adds what it is given: one with an `add` of its own may add something else."""
    methods: list[object] = [getattr(cls, name, None) for name in ("add", "add_after_response")]
    return all(getattr(each, "__module__", "").partition(".")[0] == __package__ for each in methods)


def check_queues(wiring: Wiring) -> None:
    """Report what is wrong with all queues of an app: those that it entered, and those that its functions add to."""
    queues: dict[int, ItemQueue] = {}
    adds: dict[int, dict[tuple[Place, type[msgspec.Struct]], None]] = {}
    functions: list[tuple[Callable[..., object], Place]] = [(plan.handler, plan.place) for plan in wiring.plans]

    def meet(queue: ItemQueue) -> None:
        if id(queue) not in queues:
            queues[id(queue)] = queue
            adds[id(queue)] = {}
            functions.extend((each.function, each.place) for group in queue._handlers.values() for each in group)

    for queue in queues_in(wiring):
        meet(queue)
    for function, place in functions:  # Which grows, with the handlers of queues that are met here.
        for owner, item in adds_in(function):
            if isinstance(owner, ItemQueue) and _adds_by_ours(type(owner)):
                meet(owner)
                adds[id(owner)][place, item] = None
    for key, queue in queues.items():
        queue._report(wiring, adds[key])
