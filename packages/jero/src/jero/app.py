"""The app of an application: jero-core's, with the sources and guards of every package."""

import jero_core
from jero_auth import AuthGuards, UserSource
from jero_background import AfterResponseSource


class BaseApp[FactoryT = None](jero_core.BaseApp[FactoryT]):
    """`jero_core.BaseApp` with everything that jero's packages bring.

    An ASGI 3 application. Subclasses say in `_wire` what it is made of. `BaseApp[Factory]` makes a `Factory` at startup
    and offers it as `self._factory`; `App(factory=f)` takes one that is made already, for tests.
    """

    sources = {  # noqa: RUF012  # the base class declares it
        **jero_core.BaseApp.sources,
        "user": UserSource(),
        "after_response": AfterResponseSource(),
    }
    guards = AuthGuards()
