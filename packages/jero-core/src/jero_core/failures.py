"""What becomes of an exception before the response has started: an answer, and a log line if the server is at fault."""

import logging
from typing import Final

from .asgi import Scope, Send, content_length
from .errors import PROBLEM_TYPE, ClientDisconnected, HTTPError, problem_body

logger: Final = logging.getLogger("jero")

_CONTENT_TYPE: Final = (b"content-type", PROBLEM_TYPE)


async def fail(error: Exception, scope: Scope, send: Send) -> None:
    """Answer an exception with Problem Details (RFC 9457). One that is no HTTPError is logged, and a bare 500."""
    if isinstance(error, ClientDisconnected):
        return
    if not isinstance(error, HTTPError):
        # %r: a path may hold line breaks and terminal escapes.
        logger.error("%s %r failed", scope["method"], scope["path"], exc_info=error)
        error = HTTPError(500)
    body = problem_body(error)
    await send(
        {
            "type": "http.response.start",
            "status": error.status,
            "headers": [_CONTENT_TYPE, content_length(len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})
