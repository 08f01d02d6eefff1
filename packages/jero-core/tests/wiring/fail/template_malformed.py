"""Path templates that are none."""

from jero_core import BaseApp, Endpoint


def endpoint(template):
    class Here(Endpoint, path=template):
        async def get(self) -> str:
            return "here"

    return Here()


TEMPLATES = [
    "widgets",
    "",
    "http://example.org/widgets",
    "/widgets/",
    "//",
    "/widgets//parts",
    "/{}",
    "/{widget",
    "/widget}",
    "/{widgetId}",
    "/{widget-id}",
    "/{widget_id:int}",
    "/{1st}",
    "/{class}",
    "/{é}",
    "/{a}{b}",
    "/v{version}",
    "/{name}.json",
    "/:widget_id",
    "/<widget_id>",
    "/<int:widget_id>",
    "/{a}/{a}",
    "/widgets?limit=1",
    "/widgets#top",
    "/wid%67ets",
    "/two words",
    "/line\nbreak",
    "/back\\slash",
    "/\ud800",
    "/.",
    "/widgets/../parts",
    3,
    b"/widgets",
    ("/widgets",),
]


class App(BaseApp):
    async def _wire(self) -> None:
        for template in TEMPLATES:
            self._include_endpoint(endpoint(template))
