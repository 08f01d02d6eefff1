"""HTTP errors: the exceptions that become Problem Details answers (RFC 9457)."""

from http import HTTPStatus
from typing import Final

import msgspec

PROBLEM_TYPE: Final = b"application/problem+json"


class Invalid(msgspec.Struct, frozen=True):
    """One invalid value of a request: its source, a JSON Pointer (RFC 6901) into it, and what is wrong there."""

    source: str
    pointer: str
    detail: str


class HTTPError(Exception):
    """An error answer: `raise HTTPError(404, "widget not found")`.

    `status` is 400 to 599 (ValueError otherwise), `detail` a sentence for the client about this occurrence (TypeError
    unless it is a str or None).
    """

    # For subclasses whose __init__ leaves out to call this one.
    status: int = 500
    detail: str | None = None

    def __init__(self, status: int, detail: str | None = None) -> None:
        if status not in range(400, 600):
            raise ValueError(f"an HTTPError has a status of 400 to 599, not {status!r}")
        if not isinstance(detail, str | None):
            raise TypeError(f"the detail of an HTTPError is a str, not {detail!r}")
        super().__init__(status, detail)
        self.status = int(status)
        self.detail = detail

    @property
    def title(self) -> str:
        """The status's phrase, as `about:blank` problems carry it (RFC 9457, section 4.2.1)."""
        return status_phrase(self.status)


class InvalidRequest(HTTPError):  # noqa: N818  # named for what the client sent
    """A request that a binding refused, with every invalid value that was found."""

    def __init__(self, status: int, detail: str, invalid: tuple[Invalid, ...]) -> None:
        super().__init__(status, detail)
        self.invalid = invalid


class ClientDisconnected(Exception):  # noqa: N818  # an event, nobody's error
    """The client went away before its body was complete; there is nobody to answer."""


def status_phrase(status: int) -> str:
    """The reason phrase of a status (RFC 9110, section 15), or "Unknown status"."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"


class _Problem(msgspec.Struct, omit_defaults=True):
    # `type` is always shown although "about:blank" is its default on the wire too: it makes the answer explain itself.
    type: str
    title: str
    status: int
    detail: str | None = None
    errors: tuple[Invalid, ...] = ()


_encode = msgspec.json.Encoder().encode


def problem_body(error: HTTPError) -> bytes:
    """The Problem Details body of an error (RFC 9457, section 3)."""
    invalid = error.invalid if isinstance(error, InvalidRequest) else ()
    problem = _Problem("about:blank", error.title, error.status, error.detail, invalid)
    try:
        return _encode(problem)
    except UnicodeEncodeError:
        # A lone surrogate in the detail: text that came from outside must not turn this answer into another error.
        problem.detail = (error.detail or "").encode("utf-8", "replace").decode()
        return _encode(problem)
