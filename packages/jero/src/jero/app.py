"""The app of an application: jero-core's, with the sources and guards of every package.

Another package's source is one more line of `_SOURCES`.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import jero_core
from jero_auth import AuthGuards, UserSource
from jero_background import AfterResponseSource
from jero_core.extend import GuardPlanner, Source
from jero_multipart import FormSource
from jero_streaming import LastEventIDSource

_SOURCES: Final[Mapping[str, Source]] = {
    **jero_core.BaseApp.sources,
    "form": FormSource(),
    "last_event_id": LastEventIDSource(),
    "user": UserSource(),
    "after_response": AfterResponseSource(),
}


class BaseApp[FactoryT = None](jero_core.BaseApp[FactoryT]):
    """An ASGI 3 application. Subclasses say in `_wire` what it is made of.

    `BaseApp[Factory]` makes a `Factory` at startup and offers it as `self._factory`; `App(factory=f)` takes one that is
    made already, for tests. It is the `BaseApp` of jero-core with what jero's other packages bring.
    """

    sources: ClassVar[Mapping[str, Source]] = _SOURCES
    """The sources that handler arguments may name. Add one with `{**BaseApp.sources, "name": source}`."""

    guards: ClassVar[GuardPlanner | None] = AuthGuards()
    """What makes a guard of the object that is given as `auth=`."""
