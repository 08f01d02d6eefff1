"""The stop of an app, as replies that may last see it.

Rules
-----
- There is one `Stopping` for each start of an app. It begins once: with SIGTERM or SIGINT (signals.py), with
  `begin_shutdown`, or with the server's lifespan shutdown, whichever comes first.
- From then on nothing that may last is begun, and what watches ends soon. Ordinary requests are served on.
- A reply gets it when it is planned (`ReplyContext.stopping`), and says so with `want`. An app in which none does so
  installs no signal handlers. Requests that do not watch pay nothing.
"""

from collections.abc import Callable

from .failures import logger


class Stopping:
    """Whether an app is being stopped, and who wants to know."""

    __slots__ = ("_watchers", "has_begun", "is_wanted")

    def __init__(self) -> None:
        self.has_begun = False
        """Whether the app is being stopped."""
        self.is_wanted = False
        """Whether any reply of the app watches."""
        self._watchers: dict[Callable[[], None], None] = {}

    def want(self) -> "Stopping":
        """Say, at startup, that responses of this kind watch."""
        self.is_wanted = True
        return self

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called, on the event loop, when the app begins to stop; at once, if it does so already.

        It must not raise, or wait.
        """
        if self.has_begun:
            watcher()
        else:
            self._watchers[watcher] = None

    def unwatch(self, watcher: Callable[[], None]) -> None:
        """Take a watcher back; nothing happens if it is none."""
        self._watchers.pop(watcher, None)

    def begin(self) -> None:
        """Tell everybody who watches. Call it on the app's event loop; a second call has no effect."""
        if self.has_begun:
            return
        self.has_begun = True
        watchers, self._watchers = self._watchers, {}
        for watcher in watchers:
            try:
                watcher()
            except Exception as error:  # noqa: BLE001  # one that fails must not keep the stop from the others
                logger.error("a response failed to notice that the app stops", exc_info=error)
