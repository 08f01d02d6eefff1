"""Responses that answer only some methods; jero-streaming's SSEResponse is one."""

from jero_core import BaseApp, Endpoint
from jero_core.extend import Refusal, Reply, ReplyContext, Returned


class Feed:
    @classmethod
    def __jero_reply__(cls, returned: Returned, context: ReplyContext, /) -> Reply:
        raise Refusal(
            code="JERO-W023",
            reason=f"Feed answers a {context.method} request, and its clients send GET alone.",
            remedy="the feed at a GET operation.",
        )


class Feeds(Endpoint, path="/feeds"):
    async def post(self) -> Feed:
        return Feed()


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Feeds())
