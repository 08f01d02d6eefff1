"""The lifespan of an app, as a server asks for it (ASGI lifespan 2.0).

Rules
-----
- A start or a stop that fails, in whatever way, is logged, and told to the server as `lifespan.startup.failed` or
  `lifespan.shutdown.failed`: to raise instead would let every server serve on.
- A server that gives the lifespan up, as uvicorn does at the second Ctrl-C, waits for nothing: all is closed at once.
"""

import asyncio
import traceback
from collections.abc import Awaitable
from typing import Protocol

from .asgi import Receive, Scope, Send
from .failures import is_cancelled, logger
from .faults import is_taken
from .wiring import WiringError


class Startable(Protocol):
    """What has a lifespan. Its steps raise what they fail with."""

    def _jero_start(self) -> Awaitable[None]: ...
    def _jero_stop(self, *, is_patient: bool = True) -> Awaitable[None]: ...


async def serve_lifespan(app: Startable, scope: Scope, receive: Receive, send: Send) -> None:
    """Start the app when the server asks for it, and stop it likewise."""
    await receive()
    failure = await failure_of("startup", app._jero_start(), scope)
    if failure is not None:
        await send({"type": "lifespan.startup.failed", "message": _message(failure)})
        return
    await send({"type": "lifespan.startup.complete"})
    try:
        await receive()
    except GeneratorExit:
        raise  # The loop is gone: nothing can be waited for.
    except BaseException:
        await failure_of("shutdown", app._jero_stop(is_patient=False), scope)
        raise
    failure = await failure_of("shutdown", app._jero_stop(), scope)
    if failure is not None:
        await send({"type": "lifespan.shutdown.failed", "message": _message(failure)})
        return
    await send({"type": "lifespan.shutdown.complete"})


async def failure_of(what: str, step: Awaitable[None], scope: Scope | None = None) -> BaseException | None:
    """Take a step of the lifespan; if it fails, in whatever way, log that and give the failure.

    It is not logged if the scope has somebody who takes it (faults.py).

    Only the cancellation of this very task, and Ctrl-C, go on: nobody is there to be told.
    """
    try:
        await step
    except BaseException as error:
        if scope is None or not is_taken(error, scope):
            if isinstance(error, WiringError):
                # Its text says all; the traceback would show jero's own frames.
                logger.error("%s failed: %s", what, error)
            else:
                logger.error("%s failed", what, exc_info=error)
        if isinstance(error, KeyboardInterrupt) or (isinstance(error, asyncio.CancelledError) and is_cancelled()):
            raise
        return error
    return None


def _message(failure: BaseException) -> str:
    """What a server is told of a failure."""
    return str(failure) if isinstance(failure, WiringError) else "".join(traceback.format_exception(failure))
