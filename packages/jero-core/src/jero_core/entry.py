"""The entry: what a server calls, once for each connection.

Theory
------
An app is an object, and to call one whose class defines `__call__` Python looks that up and copies the arguments, each
time: 80 ns, against 55 for an instance of `functools.partial`, which the interpreter calls directly. So an app is the
partial of a function that is made for it alone, with the router's first two tables among its own variables. Of a small
request that is 2 to 3 % in process. What else a partial is, an app is not: `Entry` takes that back.
"""

import functools
import inspect
from collections.abc import Callable
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Final, NoReturn, Self

from .asgi import Answer, Receive, Respond, Scope, Send, mark_asgi3
from .router import Methods, Router, not_found

_NO_ROUTES: Final[dict[object, Methods]] = {}

type Connect = Callable[[Router | None, Respond], None]
"""Makes an entry answer by a router's tables (None: by none) and leave the rest to a responder."""


def new_entry() -> tuple[Respond, Connect]:
    """An ASGI 3 application, of no use until it is connected, and what connects it."""
    static = _NO_ROUTES
    find_trailing = _NO_ROUTES.get
    respond: Respond = not_found
    respond_unlisted: Respond = not_found

    @mark_asgi3
    def enter(scope: Scope, receive: Receive, send: Send) -> Answer:
        """Serve one ASGI connection.

        A plain function that returns the operation's own coroutine: one more would cost 60 ns. What the router's first
        two tables answer is looked up here, since a call costs 50 ns (router.py has the theory). All else is left to
        `respond`: an escape in the path, another method, a root_path, a missing key, the lifespan. Only an http scope
        has a method, so what is found is for http.
        """
        try:
            raw = scope["raw_path"]
            if not scope["root_path"]:
                if raw in static:
                    return static[raw][scope["method"]](scope, receive, send)
                path: str = scope["path"]  # type: ignore[assignment]  # ASGI: a str
                # As long as its raw form: then it has no escape.
                if len(path) == len(raw):  # type: ignore[arg-type]  # ASGI: bytes, or None and a TypeError
                    parts = path.rpartition("/")  # Not unpacked: that costs 40 ns more.
                    methods = find_trailing(parts[0])
                    if methods is not None:
                        last = parts[2]
                        if last and last.isascii():
                            return methods[scope["method"]](scope, receive, send, last)
                    elif scope["method"] != "HEAD":
                        return respond_unlisted(scope, receive, send)
        except (KeyError, TypeError):
            pass
        return respond(scope, receive, send)

    def connect(router: Router | None, rest: Respond) -> None:
        nonlocal static, find_trailing, respond, respond_unlisted
        static = _NO_ROUTES if router is None else router.static
        find_trailing = (_NO_ROUTES if router is None else router.trailing).get
        respond = rest
        respond_unlisted = not_found if router is not None and router.tables_are_all else rest

    return enter, connect


if TYPE_CHECKING:

    class Entry:
        """An object that a server calls, ASGI 3."""

        _jero_connect: Connect

        def __new__(cls) -> Self:
            """Make an object that `_jero_connect` makes an application."""
            ...

        def __call__(self, scope: Scope, receive: Receive, send: Send) -> Answer:
            """Serve one ASGI connection."""
            ...

else:

    class _Member:
        """What a partial has under a name that a subclass may assign to all the same."""

        def __init__(self, member: MemberDescriptorType) -> None:
            self._member = member

        def __get__(self, entry: object, owner: type | None = None) -> object:
            return self if entry is None else self._member.__get__(entry, owner)

    class Entry(functools.partial):
        """An object that a server calls, ASGI 3."""

        def __new__(cls) -> Self:
            """Make it. Raises TypeError for a class that lacks a method."""
            if inspect.isabstract(cls):
                # As `object` does; a partial does not look.
                missing = ", ".join(map(repr, sorted(cls.__abstractmethods__)))
                raise TypeError(f"{cls.__name__} is abstract: it has no {missing}")
            enter, connect = new_entry()
            entry = super().__new__(cls, enter)
            entry._jero_connect = connect
            if cls.__call__ is functools.partial.__call__:
                entry.__call__ = enter  # Where servers look for the mark of ASGI 3.
            return entry

        # `inspect` reads them. What an app assigns to such a name is an attribute like any other.
        func = _Member(functools.partial.func)
        args = _Member(functools.partial.args)
        keywords = _Member(functools.partial.keywords)

        def __get__(self, instance: object, owner: type | None = None) -> Self:
            """Itself: an app that is an attribute of a class is no method."""
            return self

        def __class_getitem__(cls, arguments: object) -> object:
            """What a generic class gives."""
            return super(functools.partial, cls).__class_getitem__(arguments)

        def __reduce__(self) -> NoReturn:
            """Refuse a copy, which would answer by the router of this one."""
            raise TypeError("an app is neither copied nor pickled; make another one")

        __repr__ = object.__repr__
