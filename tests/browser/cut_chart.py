"""The chart example, with a server that ends the first visit, and breaks the second one off."""

import asyncio
from collections.abc import AsyncGenerator

import chart
from chart import App, Reading, Readings

from jero import ServerSentEvent, SSEResponse

chart.PERIOD = 0.02

EVENTS = 15
"""The events of a visit that does not last."""


class CutReadings(Readings, path="/readings"):
    visits = 0

    async def get(self, last_event_id: str | None) -> SSEResponse[Reading]:
        CutReadings.visits += 1
        return SSEResponse(stream=self._events(CutReadings.visits, last_event_id))

    async def _events(self, visit: int, last_event_id: str | None) -> AsyncGenerator[ServerSentEvent[Reading]]:
        print(f"visit {visit} from {last_event_id}", flush=True)
        yield ServerSentEvent(retry=300)
        sent = 0
        async for event in self._readings.follow(last_event_id):
            yield event
            sent += 1
            if visit <= 2 and sent == EVENTS:
                if visit == 1:
                    return
                await asyncio.sleep(0.01)  # What was ready has left: it is no error answer any more.
                raise ConnectionAbortedError("the second visit is broken off")


class CutApp(App):
    def _include_endpoint(self, endpoint: object, **options: object) -> None:
        if isinstance(endpoint, Readings):
            endpoint = CutReadings(endpoint._readings)
        super()._include_endpoint(endpoint, **options)


app = CutApp()
