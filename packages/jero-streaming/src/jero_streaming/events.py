"""Server-Sent Events as text (WHATWG HTML, section 9.2).

Rules
-----
- Only CR LF, LF and CR end a line (9.2.5). U+2028, U+0085 and the others that Python's `splitlines` knows do not.
- A field's value is sent behind one space, which the client takes off (9.2.6).
- `event` and `id` are one line and have no NUL, or they would be taken for something else, and nothing that UTF-8
  cannot say: checked when an event is built.
- An event without data is never dispatched (9.2.6): without `data` there may be an `id` or a `retry`, no `event`.
"""

from typing import Final

import msgspec

COMMENT: Final = b": keep-alive\n\n"
"""A comment: clients ignore it, and everything between them and the server sees that the connection lives."""


class ServerSentEvent[T = str](msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """One event of an `SSEResponse`.

    `data` is what the client gets: a str as it is, anything else as JSON. `event` is its type (`message` for the
    client if there is none), `id` what a reconnecting client sends as `Last-Event-ID`, `retry` the time in milliseconds
    after which it reconnects.

    Raises ValueError if `event` or `id` has a line break, a NUL or a lone surrogate, if `retry` is negative, and if
    there is an event without `data`, which no client would see; TypeError for values of other types.
    """

    data: T | None = None
    event: str | None = None
    id: str | None = None
    retry: int | None = None

    def __post_init__(self) -> None:
        # What a str may not have is not printable; to ask that first is the cheapest test.
        if self.id is not None and (self.id.__class__ is not str or not self.id.isprintable()):
            _check_line("id", self.id)
        if self.event is not None and (self.event.__class__ is not str or not self.event.isprintable()):
            _check_line("event", self.event)
        if self.retry is not None:
            _check_retry(self.retry)
        if self.data is None and (self.event is not None or (self.id is None and self.retry is None)):
            raise ValueError('an event without data is never dispatched (WHATWG HTML, section 9.2.6); data="" is')


def _check_line(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"the {name} of an event is a str, not {value!r}")
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError(f"the {name} of an event has no line break and no NUL: {value!r}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"the {name} of an event is sent as UTF-8, which has no lone surrogates: {value!r}")


def _check_retry(value: object) -> None:
    if type(value) is not int:
        raise TypeError(f"the retry of an event is an int, not {value!r}")
    if value < 0:
        raise ValueError(f"the retry of an event is not negative: {value}")


def text_data(text: str) -> str:
    """The value of `data` fields, of several for several lines, without the first field's name."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\ndata: ") if "\n" in text else text


def fields_before_data(event: ServerSentEvent[object]) -> str:
    """The lines of an event that stand before its data."""
    head = "" if event.id is None else f"id: {event.id}\n"
    if event.event is not None:
        head += f"event: {event.event}\n"
    if event.retry is not None:
        head += f"retry: {event.retry}\n"
    return head


def retry_hint(milliseconds: int | None) -> bytes:
    """An event that says nothing but when to reconnect; None for after one to two seconds, not everybody at once."""
    if milliseconds is None:
        import random  # 1 ms of an import, for the end of an app.

        milliseconds = random.randint(1000, 2000)  # noqa: S311  # no secret
    return b"retry: %d\n\n" % milliseconds
