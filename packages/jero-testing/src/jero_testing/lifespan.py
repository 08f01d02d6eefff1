"""An app's lifespan, in process: started, kept, and stopped.

Rules
-----
- A start that fails raises what made it fail: the exception that a jero app would have logged (the extension
  jero.faults), the one that the app raised, or the message of its `lifespan.startup.failed`.
- An app that ends before it receives anything speaks no lifespan, and serves without (ASGI lifespan 2.0, "Scope"). One
  that raises later has failed to start: a server would hide that.
- Starting and stopping are bounded; a message says where the app waits.
"""

import asyncio
import contextvars
from collections.abc import MutableMapping

from jero_core.extend import FAULTS, Message

from .errors import AppRaised, AppTimeout, ASGIViolation, ShutdownFailed, StartupFailed, escaped
from .exchange import App
from .rules import LifespanRules, checked_awaitable
from .tasks import CANCEL_GRACE, Bell, cancel
from .waiting import describe_task


class Lifespan:
    """One start and stop of an app; `state` is what the app keeps for its requests."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.state: dict[str, object] = {}
        self._rules = LifespanRules()
        self._bell = Bell()
        self._asked: list[str] = []
        self._delivered = 0
        self._answers: dict[str, str | None] = {}
        """By step: None if it is complete, or the message of its failure."""
        self._has_received = False
        self._faults: list[BaseException] = []
        self._raised: BaseException | None = None
        self._abandoned = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, timeout: float | None) -> None:  # noqa: ASYNC109  # told apart from a cancellation
        """Start the app. Raises AppRaised: what made it fail, or AppTimeout after `timeout` seconds."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="lifespan", context=contextvars.Context())
        self._task.add_done_callback(lambda _: self._bell.ring())
        await self._ask("startup", timeout)
        failure = self._answers.get("startup")
        if "startup" in self._answers and failure is None:
            return
        if not self._task.done():
            await asyncio.wait({self._task}, timeout=CANCEL_GRACE)
            await self._cancel()
        if self._has_received or isinstance(self._raised, ASGIViolation):
            raise self._failure(StartupFailed(failure or "the app ended while it started"))

    async def stop(self, timeout: float | None) -> None:  # noqa: ASYNC109  # told apart from a cancellation
        """Stop the app. Raises AppRaised: what made it fail, or AppTimeout after `timeout` seconds."""
        if self._task is None or not self._has_received:
            return
        if not self._task.done():
            self._faults.clear()
            await self._ask("shutdown", timeout)
            await asyncio.wait({self._task}, timeout=timeout)
        if not self._task.done():
            where = describe_task(self._task)
            await self._cancel()
            raise AppRaised(AppTimeout(f"the app has not returned from its lifespan within {timeout:g} s; {where}"))
        failure = self._answers.get("shutdown")
        if failure is not None or self._raised is not None:
            raise self._failure(ShutdownFailed(failure))

    def _failure(self, told: Exception) -> AppRaised:
        """The exception that says best why the app failed."""
        if isinstance(self._raised, ASGIViolation):
            return AppRaised(self._raised)
        return AppRaised(self._faults[0] if self._faults else self._raised or told)

    async def _ask(self, step: str, timeout: float | None) -> None:  # noqa: ASYNC109
        assert self._task is not None  # noqa: S101  # `start` has made it
        self._asked.append(step)
        self._bell.ring()
        try:
            async with asyncio.timeout(timeout):
                while step not in self._answers and not self._task.done():
                    await self._bell.wait()
        except TimeoutError:
            where = describe_task(self._task)
            await self._cancel()
            verb = "started" if step == "startup" else "stopped"
            late = AppTimeout(f"the app has not {verb} within {timeout:g} s ({step}_timeout); {where}")
            raise AppRaised(late) from None
        except asyncio.CancelledError:
            await self._cancel()
            raise

    async def _cancel(self) -> None:
        if self._task is not None and not self._task.done():
            self._abandoned = True
            await cancel(self._task)

    async def _run(self) -> None:
        scope: MutableMapping[str, object] = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
            "extensions": {FAULTS: {"take": self._take}},
        }
        try:
            await checked_awaitable(self._app(scope, self._receive, self._send))
            self._rules.check_end()
        except asyncio.CancelledError as error:
            if self._task is not None and self._task.cancelling():
                raise
            self._raised = escaped(error)
        except BaseException as error:  # noqa: BLE001  # SystemExit and KeyboardInterrupt are not for the event loop
            self._raised = error

    def _take(self, error: BaseException) -> bool:
        self._faults.append(error)
        return True

    async def _receive(self) -> Message:
        self._has_received = True
        while self._delivered == len(self._asked):
            if self._abandoned:
                raise asyncio.CancelledError  # The app has swallowed the first one.
            await self._bell.wait()
        message: Message = {"type": f"lifespan.{self._asked[self._delivered]}"}
        self._delivered += 1
        self._rules.received(message)
        return message

    async def _send(self, message: Message) -> None:
        try:
            self._rules.check(message)
        except ASGIViolation as violation:
            self._raised = violation
            raise
        step, _, outcome = str(message["type"]).removeprefix("lifespan.").partition(".")
        self._answers[step] = None if outcome == "complete" else str(message.get("message", "")) or "no reason is given"
        self._bell.ring()
