"""Items that wait for the response: `add_after_response`, and the argument `after_response` that it needs.

Rules
-----
- Only an operation that names the argument pays for it: the source (after_response_source.py) puts a `send` of its own
  in the place of the server's, which looks at what leaves.
- The items enter their queues once the response has left whole, with a status below 400. If it has not (an error, a
  client for whom `send` raises, a cancellation, a stream that broke off), they never do. Most servers do not tell when
  a client is gone: "sent" means that the server has taken it.
- A full queue makes the items wait, as in `add`, and with them the operation, whose client has its answer already.
- What then still cannot enter (the queue is closed, the server cancels) is logged by type and id, as dropped.
"""

from contextvars import Context
from typing import TYPE_CHECKING

import msgspec

from jero_core.extend import Message, Send

if TYPE_CHECKING:
    from .item_queue import ItemQueue


class _Waiting(msgspec.Struct, gc=False):
    queue: "ItemQueue"
    item: msgspec.Struct
    item_id: str
    context: Context


class AfterResponse:
    """The response of one request, for `add_after_response`: a handler's argument `after_response`.

    It is the `send` of that request, and looks at what it sends.
    """

    __slots__ = ("_is_over", "_is_sent", "_send", "_status", "_waiting")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: list[_Waiting] = []
        self._status: object = 500
        self._is_sent = False
        self._is_over = False

    async def __call__(self, message: Message) -> None:
        """Send a message of the response."""
        await self._send(message)
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif not message.get("more_body"):
            self._is_sent = isinstance(self._status, int) and self._status < 400

    def append(self, queue: "ItemQueue", item: msgspec.Struct, item_id: str, context: Context) -> None:
        """Have an item wait. Raises RuntimeError if the response is over."""
        if self._is_over:
            raise RuntimeError("this response is over; `after_response` is of use while its own request is handled")
        self._waiting.append(_Waiting(queue, item, item_id, context))

    async def end(self) -> None:
        """Let the items enter their queues if the response has been sent."""
        self._is_over = True
        waiting, self._waiting = self._waiting, []
        if not self._is_sent:
            return
        for index, each in enumerate(waiting):
            try:
                await each.queue._take(each.item, each.item_id, each.context)
            except Exception as error:  # noqa: BLE001  # a broker's own: the answer has left, and tells nobody
                each.queue._drop(each.item, each.item_id, f"after its response it could not enter the queue: {error!r}")
            except BaseException:
                for late in waiting[index:]:
                    late.queue._drop(late.item, late.item_id, "its request was cancelled before it entered the queue")
                raise
