"""The ASGI specification as a checker of every message that an app sends.

Rules
-----
- A broken rule is an `ASGIViolation`, raised from the app's `send`: the app's own traceback shows the line that sent
  the message. An app that swallows it gets the same one again from its next `send`, and the client raises it anyway.
- What servers forgive is not forgiven: a header that uvicorn takes and granian refuses is wrong on both.
- Text of the rules: ASGI specification, "HTTP & WebSocket ASGI Message Format" 2.5 and "Lifespan Protocol" 2.0; what a
  message means in HTTP: RFC 9110.
"""

import re
from collections.abc import Awaitable, Iterable, Mapping
from typing import Final, cast

from .errors import ASGIViolation

_EVENTS: Final = 'ASGI, "Specification Details", Events'
_APPLICATIONS: Final = 'ASGI, "Specification Details", Applications'
_START: Final = 'ASGI HTTP, "Response Start - send event"'
_BODY: Final = 'ASGI HTTP, "Response Body - send event"'
_LIFESPAN: Final = 'ASGI lifespan, "{} - send event"'
_LIFESPAN_SCOPE: Final = 'ASGI lifespan, "Scope"'
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
"""A field name in lower case (RFC 9110, section 5.6.2)."""
_MOST_DIGITS: Final = 19
"""The digits of the largest content-length that servers take: one of 64 bits."""
_BODILESS: Final[Mapping[int, str]] = {204: "15.3.5", 205: "15.3.6", 304: "15.4.5"}
"""The statuses without content, with their sections of RFC 9110."""

type Headers = list[tuple[bytes, bytes]]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _event_type(message: object) -> str:
    """The type of a message. Raises ASGIViolation if it is no event."""
    if not isinstance(message, dict):
        raise ASGIViolation(f"a message is {_shown(message)}", "events are dicts.", _EVENTS)
    kind = cast("dict[object, object]", message).get("type")
    if not isinstance(kind, str):
        raise ASGIViolation(f"a message has the type {_shown(kind)}", "an event has a `type`, a str.", _EVENTS)
    return kind


class HTTPRules:
    """What one http connection's messages have to be, in which order."""

    def __init__(self, method: str) -> None:
        self._is_head = method == "HEAD"
        self.status = 0
        """The status of the response; 0 before it has started."""
        self.headers: Headers = []
        self._length: int | None = None
        self._sent = 0
        self._ended = False
        self._broken: ASGIViolation | None = None

    def check(self, message: object) -> None:
        """Check the next message that the app sends. Raises ASGIViolation, again and again once a rule is broken."""
        if self._broken is None:
            try:
                self._check(message)
            except ASGIViolation as violation:
                self._broken = violation
        if self._broken is not None:
            raise self._broken.with_traceback(None)

    def check_end(self, *, is_cut_off: bool = False) -> None:
        """Check that the response is complete when the app has returned; not for a client that has left.

        A response that the app has cut off on purpose, and has said so, needs no end.
        """
        if self._broken is not None:
            raise self._broken.with_traceback(None)
        if not self.status:
            raise ASGIViolation("the app returned and sent no response", "http.response.start begins one.", _START)
        if not self._ended and not is_cut_off:
            raise ASGIViolation(
                "the app returned, and its response has no end",
                "the last http.response.body has a `more_body` of False, or none.",
                _BODY,
            )

    def _check(self, message: object) -> None:
        kind = _event_type(message)
        fields = cast("Mapping[str, object]", message)
        if self._ended:
            raise ASGIViolation(
                f"{kind} comes after the response's end",
                "nothing follows the http.response.body without `more_body`.",
                _BODY,
            )
        if kind == "http.response.start":
            self._check_start(fields)
        elif kind == "http.response.body":
            self._check_body(fields)
        else:
            raise ASGIViolation(
                f"the app sent {_shown(kind)}",
                "an http connection takes http.response.start and http.response.body; extensions are not offered.",
                _EVENTS,
            )

    def _check_start(self, message: Mapping[str, object]) -> None:
        if self.status:
            raise ASGIViolation("http.response.start is sent twice", "a response starts once.", _START)
        status = message.get("status")
        if not isinstance(status, int) or isinstance(status, bool):
            raise ASGIViolation(f"the status is {_shown(status)}", "`status` is an int.", _START)
        if not 200 <= status <= 599:
            raise ASGIViolation(
                f"the status is {status}", "a final response has a status of 200 to 599.", "RFC 9110, section 15"
            )
        if message.get("trailers", False) is not False:
            raise ASGIViolation(
                "the response announces trailers",
                "`trailers` needs the extension http.response.trailers, which is not offered.",
                'ASGI extensions, "HTTP Trailers"',
            )
        # http.HTTPStatus is an int too.
        self.status, self.headers = int(status), _checked_headers(message.get("headers", ()))
        self._check_length()

    def _check_length(self) -> None:
        lengths = [value for name, value in self.headers if name == b"content-length"]
        if not lengths:
            return
        if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > _MOST_DIGITS:
            raise ASGIViolation(
                f"content-length is {_shown(lengths)}", "content-length is one number.", "RFC 9110, section 8.6"
            )
        if self.status == 204:
            raise ASGIViolation(
                "a 204 has a content-length", "a 204 is sent without content-length.", "RFC 9110, section 8.6"
            )
        if not self._is_head and self.status != 304:
            self._length = int(lengths[0])

    def _check_body(self, message: Mapping[str, object]) -> None:
        if not self.status:
            raise ASGIViolation(
                "http.response.body comes before http.response.start", "http.response.start comes first.", _START
            )
        body, more = message.get("body", b""), message.get("more_body", False)
        if not isinstance(body, bytes):
            raise ASGIViolation(f"a body is {_shown(body)}", "`body` is a byte string.", _BODY)
        if not isinstance(more, bool):
            raise ASGIViolation(f"`more_body` is {_shown(more)}", "`more_body` is a bool.", _BODY)
        if body:
            self._check_allowed(body)
        self._sent += len(body)
        if self._length is not None and (self._sent > self._length or (not more and self._sent < self._length)):
            raise ASGIViolation(
                f"content-length is {self._length}, and {self._sent} bytes are sent",
                "the body is as long as its content-length says.",
                "RFC 9110, section 8.6",
            )
        self._ended = not more

    def _check_allowed(self, body: bytes) -> None:
        if self._is_head:
            raise ASGIViolation(
                f"the answer to HEAD has the body {_shown(body)}",
                "the answer to HEAD has no content.",
                "RFC 9110, section 9.3.2",
            )
        if self.status in _BODILESS:
            raise ASGIViolation(
                f"a {self.status} has the body {_shown(body)}",
                f"a {self.status} has no content.",
                f"RFC 9110, section {_BODILESS[self.status]}",
            )


def _checked_headers(headers: object) -> Headers:
    if not isinstance(headers, Iterable) or isinstance(headers, str | bytes | dict):
        raise ASGIViolation(
            f"`headers` is {_shown(headers)}", "`headers` is an iterable of [name, value] pairs.", _START
        )
    checked: Headers = []
    for pair in cast("Iterable[object]", headers):
        if not isinstance(pair, list | tuple) or len(cast("list[object]", pair)) != 2:
            raise ASGIViolation(f"a header is {_shown(pair)}", "a header is a [name, value] pair.", _START)
        name, value = cast("tuple[object, object]", pair)
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            raise ASGIViolation(f"a header is {_shown(pair)}", "header names and values are byte strings.", _START)
        _check_field(name, value)
        checked.append((name, value))
    return checked


def _check_field(name: bytes, value: bytes) -> None:
    if name != name.lower():
        raise ASGIViolation(f"a header is named {_shown(name)}", "header names are in lower case.", _START)
    if not _TOKEN.fullmatch(name):
        raise ASGIViolation(
            f"a header is named {_shown(name)}", "a header name is a token.", "RFC 9110, sections 5.1 and 5.6.2"
        )
    if value != value.strip(b" \t") or any(byte in value for byte in (b"\r", b"\n", b"\0")):
        raise ASGIViolation(
            f"the header {name.decode()} is {_shown(value)}",
            "a header value has no CR, LF or NUL, and no space around it.",
            "RFC 9110, section 5.5",
        )


class LifespanRules:
    """What the messages of the lifespan have to be, in which order."""

    def __init__(self) -> None:
        self._received: list[str] = []
        self._answered: list[str] = []
        self._broken: ASGIViolation | None = None

    def received(self, message: Mapping[str, object]) -> None:
        """Note what the app has received."""
        self._received.append(str(message["type"]).rpartition(".")[2])

    def check(self, message: object) -> None:
        """Check the next message that the app sends. Raises ASGIViolation."""
        if self._broken is None:
            try:
                self._check(message)
            except ASGIViolation as violation:
                self._broken = violation
        if self._broken is not None:
            raise self._broken.with_traceback(None)

    def check_end(self) -> None:
        """Check that everything that was received is answered when the app has returned."""
        if self._broken is not None:
            raise self._broken.with_traceback(None)
        for step in self._received[len(self._answered) :]:
            raise ASGIViolation(
                f"the app received lifespan.{step} and returned without an answer",
                f"lifespan.{step}.complete or lifespan.{step}.failed answers it.",
                _LIFESPAN.format(f"{step.title()} Complete"),
            )

    def _check(self, message: object) -> None:
        kind = _event_type(message)
        step, _, outcome = kind.removeprefix("lifespan.").partition(".")
        if step not in {"startup", "shutdown"} or outcome not in {"complete", "failed"}:
            raise ASGIViolation(
                f"the app sent {_shown(kind)}",
                "the lifespan takes lifespan.startup.complete, .failed, lifespan.shutdown.complete and .failed.",
                _LIFESPAN_SCOPE,
            )
        section = _LIFESPAN.format(f"{step.title()} {outcome.title()}")
        if step in self._answered:
            raise ASGIViolation(f"{kind} answers lifespan.{step} again", "a step is answered once.", section)
        if step not in self._received:
            raise ASGIViolation(
                f"{kind} comes before lifespan.{step} was received", "an answer follows its event.", section
            )
        text = cast("Mapping[str, object]", message).get("message", "")
        if not isinstance(text, str):
            raise ASGIViolation(f"the message of {kind} is {_shown(text)}", "`message` is a str.", section)
        self._answered.append(step)


def checked_awaitable(answer: object) -> Awaitable[object]:
    """What calling the app gave. Raises ASGIViolation if it cannot be awaited."""
    if not isinstance(answer, Awaitable):
        raise ASGIViolation(
            f"calling the app gave {_shown(answer)}",
            "an app is one callable, `async def app(scope, receive, send)`.",
            _APPLICATIONS,
        )
    return cast("Awaitable[object]", answer)
