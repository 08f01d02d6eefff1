"""The wiring-error codes of this package, each with a page in docs/errors; jero-core has a table of its own."""

from types import MappingProxyType
from typing import Final

CODES: Final = MappingProxyType(
    {
        "JERO-W070": "a background handler is no coroutine function",
        "JERO-W071": "a background handler does not take one item",
        "JERO-W072": "an item type has two background handlers",
        "JERO-W073": "an item is added that no background handler takes",
        "JERO-W074": "an item type cannot be a message",
        "JERO-W075": "an item is added to a queue that nobody entered",
    }
)
"""Every wiring-error code of jero-background and its title."""
