"""An app that imports what is not there."""

import not_installed  # type: ignore[import-not-found]  # the point of it

app = not_installed.app
