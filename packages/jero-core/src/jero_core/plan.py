"""Plans: what startup found out about one operation, as frozen data.

Everything that needs to know the API reads plans; nothing reads a handler a second time. A plan is made once, at
startup, from a handler's signature (introspect.py, operation_planner.py) and is turned into one function (emit.py,
compile.py).
"""

from collections.abc import Callable, Hashable, Mapping
from enum import IntEnum
from typing import Protocol, runtime_checkable

import msgspec

from .annotations import EMPTY
from .codec import Codec
from .fragment import Fragment
from .introspect import Parameter, Returned
from .links import Links
from .metadata import NO_META, OperationMeta
from .stopping import Stopping
from .template import Template
from .wiring import Place


class Reads(IntEnum):
    """What a binding reads of the request. Bindings run in this order; at most one may be `BODY` or `STREAM`."""

    GUARD = 0
    """Nothing: it takes what the operation's guard has yielded."""
    PATH = 1
    """The slots of the path."""
    HEAD = 2
    """The rest of the head: the query string and the headers."""
    BODY = 3
    """The whole body, as bytes."""
    STREAM = 4
    """The body's messages as they arrive; the binding calls `receive` itself."""

    @property
    def is_body(self) -> bool:
        """Whether this takes the request's body, which can be read once."""
        return self >= Reads.BODY


class ParameterFact(msgspec.Struct, frozen=True):
    """For documents: one path, query or header parameter."""

    location: str
    name: str
    type: object
    required: bool
    default: object = msgspec.UNSET
    """What it is without a value; `msgspec.UNSET` if it is required, or something made up each time."""


class PartFact(msgspec.Struct, frozen=True):
    """For documents: one part of a form."""

    name: str
    type: object
    """The type of the part's content: a scalar, a Struct for JSON, or bytes."""
    required: bool
    repeats: bool = False
    """Whether there may be several parts of this name."""
    is_file: bool = False
    headers: object = None
    """The Struct of the part's typed headers; None without."""


class BodyFact(msgspec.Struct, frozen=True):
    """For documents: a request body."""

    content_types: tuple[str, ...]
    type: object
    parts: tuple[PartFact, ...] = ()
    """The parts of a form."""


class SecurityFact(msgspec.Struct, frozen=True):
    """For documents: how a request proves who sends it.

    `scheme` is an OpenAPI 3.1 Security Scheme Object (section 4.8.27), `name` what an API document calls it.
    """

    name: str
    scheme: Mapping[str, object]
    scopes: tuple[str, ...] = ()


class Guard(msgspec.Struct, frozen=True):
    """Who may call the operations of an include: what its `auth=` was planned to be.

    `check` runs first of all in the generated function, before any argument is bound and any body message received. It
    refuses a request by raising HTTPError, or assigns what it yields to `$target`. It may await. Bound are `$scope`,
    `$query`, `$headers`, `$operation` (the operation's name, str) and `$header0`... (the values of `headers`, bytes or
    None, repeats joined with a comma).
    """

    name: str
    """What people call it, such as the name of an authenticator's class."""
    check: Fragment
    headers: tuple[bytes, ...] = ()
    yields: object = EMPTY
    """The type of what `$target` gets, for the binding that takes it; `EMPTY` if it gets nothing."""
    anonymous: bool = False
    """Whether it also admits a request that proves nothing. An operation must then take what it yields."""
    problems: tuple[int, ...] = (401,)
    """Statuses that a request can get from it."""
    security: tuple[SecurityFact, ...] = ()
    """What a request needs, all of them together; with `anonymous`, or nothing."""


class GuardContext(msgspec.Struct, frozen=True):
    """What a guard may know of the app that it is planned for."""

    codec: Codec


@runtime_checkable
class GuardPlanner(Protocol):
    """Turns what an app gives as `auth=` into a `Guard`; the app's `guards`."""

    def plan(self, auth: object, context: GuardContext, /) -> Guard:
        """Plan the guard of every include that has this object. Raises `Refusal` if it cannot guard anything."""
        ...


class Binding(msgspec.Struct, frozen=True):
    """How one argument gets its value.

    `admit` runs before the first body message is received, and may refuse the request by its head.

    `extract` assigns the argument's value to `$target`. It runs inside the generated function, where these are
    bound: `$query` (bytes), `$headers` (pairs of bytes), `$scope`, `$receive`, `$slot0`... (path slots, str),
    `$header0`... (the values of `headers`, bytes or None, repeats joined with a comma), `$body` (bytes, with
    `Reads.BODY`), with `Reads.GUARD` `$admitted` (what the guard has yielded), and with `Reads.STREAM` `$limit`
    (the most bytes to take) and `$length` (the announced length, -1 if there is none). It may await. It refuses a
    request by raising HTTPError.

    `after` runs once the response has been sent or has failed; `$target` is None if extraction never finished.
    """

    reads: Reads
    extract: Fragment
    admit: Fragment | None = None
    headers: tuple[bytes, ...] = ()
    after: Fragment | None = None
    problems: tuple[int, ...] = ()
    """Statuses that a bad request can get from this binding."""
    parameters: tuple[ParameterFact, ...] = ()
    body: BodyFact | None = None
    default_body_size: int | None = None
    """The limit of the body in bytes where neither the handler's class nor the app sets one; None stands for 2 MiB."""


class Reply(msgspec.Struct, frozen=True):
    """How a handler's result becomes a response.

    `render` runs while an error can still become a clean 500. It reads the local `result` and leaves the body in
    `payload` (bytes); with `decides_head` also the locals `status` (int) and `headers` (a fresh list of pairs of bytes,
    content-length included). Without a content type there is no body, and nothing to leave.
    """

    render: tuple[Fragment, ...]
    status: int
    content_type: str | None
    body_type: object
    """The type that the body holds, for documents; None without a body."""
    headers: object = None
    """The Struct of typed response headers, for documents; a generic one with its arguments; None without."""
    decides_head: bool = False
    """Whether status and headers are known only when the handler has returned."""
    send: Fragment | None = None
    """For a response that is not one body: sends it itself, with `$scope`, `$receive` and `$send`.

    As long as it has sent nothing, `await $fail(error, $scope, $send)` answers an exception. Any exception that it
    raises is logged, and aborts the connection.
    """


class Argument(msgspec.Struct, frozen=True):
    """One handler argument and its binding."""

    name: str
    annotation: object
    """The annotation, resolved: with a Struct also its defaults, and whether it forbids unknown fields."""
    positional: bool
    binding: Binding


class OperationPlan(msgspec.Struct, frozen=True):
    """Everything about one operation of the app."""

    method: str
    template: Template
    name: str
    """The dotted name of the handler, such as `WidgetResource.read_one`."""
    place: Place
    handler: Callable[..., object]
    is_async: bool
    may_answer_itself: bool
    """Whether the handler is a plain function around a coroutine function: not all that it gives is to be awaited."""
    arguments: tuple[Argument, ...]
    reply: Reply
    max_body_size: int
    """The limit of the request body, in bytes."""
    meta: OperationMeta = NO_META
    guard: Guard | None = None
    """Who may call it; None if everybody may."""

    @property
    def label(self) -> str:
        """The operation as people name it: `GET /widgets/{widget_id}`."""
        return f"{self.method} {self.template.path}"


class Planned(Protocol):
    """An app; plans know no more of it."""

    _jero_plans: tuple[OperationPlan, ...]


def plans_of(app: Planned) -> tuple[OperationPlan, ...]:
    """What an app was planned to be when it last started: one plan for each operation. Empty before its first start."""
    return app._jero_plans


class Operation(msgspec.Struct, frozen=True):
    """What a source may know of the operation that an argument is planned for."""

    method: str
    template: Template
    max_body_size: int
    codec: Codec
    guard: Guard | None = None
    """Who may call it; None if everybody may."""
    keywords: Mapping[str, object] = {}
    """What the handler's class gives of the keywords that sources understand, checked."""


class ReplyContext(msgspec.Struct, frozen=True):
    """What a reply may know of the operation that it is planned for.

    It is planned once for all operations of an app for which this and the return annotation are the same.
    """

    method: str
    status: int
    """The status of a successful answer, unless the reply knows better."""
    codec: Codec
    links: Links
    stopping: Stopping
    """The stop of the app, for responses that may last: `context.stopping.want()`."""


class Source(Protocol):
    """Turns an argument's annotation into a `Binding`; named by an argument in the app's `sources`.

    A source may have a method `shared_by(operation) -> Hashable`: operations for which it gives the same share one
    binding for each annotation, which makes an app of many operations start sooner. The built-in sources have it.

    A source may have an attribute `class_keywords`: the class keywords that it adds to those of Resource and Endpoint,
    each with a function that raises `Refusal` (JERO-W003) for a wrong value. `bind` finds them in `operation.keywords`.
    """

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if the annotation cannot be bound."""
        ...


@runtime_checkable
class SharingSource(Source, Protocol):
    """A source whose bindings operations share."""

    def shared_by(self, operation: Operation, /) -> Hashable:
        """What of the operation the binding depends on."""
        ...


@runtime_checkable
class KeywordSource(Source, Protocol):
    """A source with class keywords of its own."""

    @property
    def class_keywords(self) -> Mapping[str, Callable[[object], None]]:
        """The keywords, each with the check of its value, which raises `Refusal`."""
        ...


@runtime_checkable
class ReplyPlanner(Protocol):
    """A response class that plans its own reply, with no registration."""

    @classmethod
    def __jero_reply__(cls, returned: Returned, context: ReplyContext, /) -> Reply:
        """Plan the reply. Raises `Refusal` if the return annotation cannot be served."""
        ...
