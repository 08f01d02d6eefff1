"""What becomes of an exception: an answer before the response has started, and a log line if the server is at fault.

Rules
-----
- An HTTPError is an answer, no fault: nothing is logged. Any other exception is logged on `jero` with its traceback and
  answered by a bare 500.
- A group of HTTPErrors alone (a TaskGroup's) is its first one. A group with anything else in it is a fault.
- An answer that cannot be made (a member that msgspec cannot encode, a header with a line break) is a fault too.
- A scope may have somebody who takes faults in place of the log (faults.py).
- Once the response has started there is no other answer: the exception is logged and goes on to the server, which
  aborts the connection; to end the response would pass half of it off as the whole.
- A CancelledError is an exception like any other, unless somebody cancels the request's task: then it goes on.
- An OSError of `send` says that the client is gone (ASGI HTTP, version 2.4): whatever the answer was, that is no fault.
"""

import asyncio
import logging
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from .asgi import Header, Scope, Send, content_length
from .errors import PROBLEM_TYPE, ClientDisconnected, HTTPError, problem_of
from .faults import is_taken
from .header_fields import raw_pairs

logger: Final = logging.getLogger("jero")

_CONTENT_TYPE: Final = (b"content-type", PROBLEM_TYPE)
_OWN_HEADERS: Final = frozenset({b"content-length", b"content-type", b"transfer-encoding", b"connection"})


class Failures:
    """Answers the exceptions of one app; `encode` is its JSON encoder."""

    def __init__(self, encode: Callable[[object], bytes] = msgspec.json.encode) -> None:
        self._encode = encode

    async def fail(self, error: Exception | CancelledError, scope: Scope, send: Send) -> None:
        """Answer an exception with Problem Details (RFC 9457)."""
        if isinstance(error, CancelledError) and is_cancelled():
            raise error
        answer = answer_to(error)
        if isinstance(answer, ClientDisconnected):
            return
        if answer is None:
            log_failure(error, scope)
            answer = HTTPError(500)
        try:
            body, headers, status = self._render(answer)
        except Exception as fault:  # noqa: BLE001  # whatever an error's members do when they are encoded
            log_failure(fault, scope)
            body, headers, status = self._render(HTTPError(500))
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        except OSError:
            return
        except Exception as fault:
            log_abort(fault, scope)
            raise

    def _render(self, error: HTTPError) -> tuple[bytes, list[Header], int]:
        status = error.status
        if type(status) is not int or status not in range(400, 600):
            raise ValueError(f"an HTTPError has a status of 400 to 599, not {status!r}")
        body = self._encode(problem_of(error))
        headers = [_CONTENT_TYPE, content_length(len(body))]
        if error.headers is not None:
            given = raw_pairs(error.headers)
            if own := _OWN_HEADERS.intersection(name for name, _ in given):
                raise ValueError(f"{sorted(own)} are the framework's in an error answer")
            headers += given
        return body, headers, status


def is_cancelled() -> bool:
    """Whether somebody cancels the task that runs; if not, a CancelledError comes from what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def answer_to(error: BaseException) -> HTTPError | ClientDisconnected | None:
    """The error that answers for an exception: itself, or in its group; None if it is a fault of the server."""
    if isinstance(error, HTTPError) or isinstance(error, ClientDisconnected):  # noqa: SIM101  # a union costs 200 ns
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    answers = [answer_to(leaf) for leaf in _leaves(error)]
    if None in answers:
        return None
    return next((answer for answer in answers if isinstance(answer, HTTPError)), answers[0])


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def log_failure(error: BaseException, scope: Scope) -> None:
    """Log an exception that has been, or will be, answered by a 500."""
    _log("%s %r failed", error, scope)


def log_abort(error: Exception, scope: Scope) -> None:
    """Log an exception that comes when the response has started; the connection will be aborted."""
    _log("%s %r failed after its response had started", error, scope)


def log_cleanup(error: Exception, scope: Scope) -> None:
    """Log an exception of a cleanup; the response has been sent, or has failed already."""
    _log("%s %r: a cleanup after the response failed", error, scope)


def _log(message: str, error: BaseException, scope: Scope) -> None:
    if not is_taken(error, scope):
        # %r: a path may hold line breaks and terminal escapes.
        logger.error(message, scope["method"], scope["path"], exc_info=error)
