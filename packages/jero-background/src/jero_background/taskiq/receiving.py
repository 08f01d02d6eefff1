"""The receiving side: taskiq's own receiver, with two differences that make "at least once" true at a stop.

Rules
-----
- taskiq acknowledges a message when its task has ended, however it has ended: also when the process is stopped and the
  task is cancelled. Here such a message is not acknowledged.
- taskiq acknowledges what it cannot parse and what it has no task for. Here that is logged and left to the broker.
- A connection that breaks is logged, and listened on again after a pause.
"""

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from taskiq import AckableMessage, AsyncBroker
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver
from taskiq.utils import maybe_awaitable

if TYPE_CHECKING:
    from .tasks import TaskiqTasks

logger: Final = logging.getLogger("jero.background")

WORKER: Final[ContextVar["list[TaskiqTasks]"]] = ContextVar("jero_background_worker")
"""Set while a worker starts its app: the queues that the app enters, for the worker to listen on."""

RECHECK: Final = "jero:recheck"
"""The task of the small message that a worker sends itself."""

_PAUSE: Final = 1.0
"""How many seconds a worker waits before it listens again on a connection that broke."""


async def note_recheck() -> None:
    """Do nothing: that the message arrived is all."""


class Listener:
    """Takes the items of one queue from its broker."""

    def __init__(
        self,
        broker: AsyncBroker,
        concurrency: int,
        recheck: float | None,
        is_kept: Callable[[asyncio.Task[object] | None], bool],
    ) -> None:
        self.broker = broker
        self.is_kept = is_kept
        self.received = 0
        self.is_cutting_off = False
        """Whether nothing that has been received may begin any more."""
        self._concurrency = concurrency
        self._recheck = recheck
        self._finish = asyncio.Event()
        self.task: asyncio.Task[None]
        self._rechecking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to listen."""
        self.task = asyncio.create_task(self._listen(), name="jero-background listens")
        if self._recheck is not None:
            self._rechecking = asyncio.create_task(self._send_rechecks(self._recheck), name="jero-background rechecks")

    async def finish(self, longest: float | None) -> None:
        """Take nothing more, and wait for at most so many seconds for what runs."""
        self._finish.set()
        if self._rechecking is not None:
            self._rechecking.cancel()
        await asyncio.wait([self.task], timeout=longest)

    async def _listen(self) -> None:
        while not self._finish.is_set():
            error: Exception | None = None
            try:
                await _Receiver(self, self._concurrency).listen(self._finish)
            except Exception as raised:  # noqa: BLE001  # whatever a broker raises
                error = raised
            if not self._finish.is_set():
                logger.error("the broker fails; trying again in %s s", _PAUSE, exc_info=error)
                finishing = asyncio.create_task(self._finish.wait())
                await asyncio.wait([finishing], timeout=_PAUSE)
                finishing.cancel()

    async def _send_rechecks(self, seconds: float) -> None:
        while True:
            before = self.received
            await asyncio.sleep(seconds)
            if self.received == before:
                try:
                    kicker: AsyncKicker[[], None] = AsyncKicker(RECHECK, self.broker, {})
                    await kicker.kiq()
                except Exception as error:  # noqa: BLE001  # the listening side says it louder
                    logger.debug("no recheck: %r", error)


class _Receiver(Receiver):
    def __init__(self, listener: Listener, concurrency: int) -> None:
        super().__init__(listener.broker, max_async_tasks=concurrency, run_startup=False, validate_params=False)
        self._listener = listener

    async def callback(self, message: bytes | AckableMessage, raise_err: bool = False) -> None:  # noqa: FBT001, FBT002
        """Run one message."""
        listener = self._listener
        listener.received += 1
        if listener.is_cutting_off:
            return
        data = message.data if isinstance(message, AckableMessage) else message
        try:
            parsed = self.broker.formatter.loads(data)
        except Exception as error:  # noqa: BLE001  # whatever a serializer raises
            logger.error("a message cannot be parsed, and is left to the broker: %r", error)
            return
        if self.broker.find_task(parsed.task_name) is None:
            message_ = "%s %s has no handler here, and is left to the broker"
            logger.error(message_, parsed.task_name.removeprefix("jero:"), parsed.task_id)
            return
        if isinstance(message, AckableMessage):
            acknowledge = message.ack

            async def acknowledge_unless_kept() -> None:
                if not listener.is_kept(asyncio.current_task()):
                    await maybe_awaitable(acknowledge())

            message = AckableMessage(data=data, ack=acknowledge_unless_kept)
        await super().callback(message, raise_err)
