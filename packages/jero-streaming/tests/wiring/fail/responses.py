"""Streaming responses that cannot be served."""

from collections.abc import AsyncIterator

from msgspec import Struct

from jero_core import BaseApp, Endpoint
from jero_streaming import NDJSONStreamingResponse, ServerSentEvent, SSEResponse, StreamingResponse


class Tick(Struct):
    n: int


class Money:
    pass


class Priced(Struct):
    price: Money


class Framing(Struct):
    content_length: int


class Headers(Struct):
    x_trace_id: str


def endpoint(number: int, method: str, annotation: object) -> Endpoint:
    async def handler(self): ...

    handler.__annotations__["return"] = annotation
    return type("Answer", (Endpoint,), {method: handler}, path=f"/{number}")()


ANNOTATIONS = [
    *(("post", SSEResponse), ("put", SSEResponse[Tick]), ("delete", SSEResponse)),
    *(("get", NDJSONStreamingResponse), ("get", NDJSONStreamingResponse[dict]), ("get", NDJSONStreamingResponse[str])),
    *(("get", NDJSONStreamingResponse[Priced]), ("get", NDJSONStreamingResponse[Tick | None])),
    *(("get", SSEResponse[bytes]), ("get", SSEResponse[int]), ("get", SSEResponse[Priced])),
    *(("get", SSEResponse[ServerSentEvent[Tick]]), ("get", SSEResponse[Tick | str])),
    *(("get", StreamingResponse[Framing]), ("get", SSEResponse[str, dict]), ("get", SSEResponse | None)),
    *(("get", AsyncIterator[bytes]), ("get", list[SSEResponse])),
    *(("get", SSEResponse[list[ServerSentEvent]]), ("get", SSEResponse[str | None]), ("get", StreamingResponse[bytes])),
]


class App(BaseApp):
    async def _wire(self) -> None:
        for number, (method, annotation) in enumerate(ANNOTATIONS):
            self._include_endpoint(endpoint(number, method, annotation))
