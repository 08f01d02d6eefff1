"""The wiring-error codes of this package, each with a page in docs/errors; jero-core has a table of its own."""

from types import MappingProxyType
from typing import Final

CODES: Final = MappingProxyType(
    {
        "JERO-W043": "auth= is no authenticator",
        "JERO-W044": "an authenticator is malformed",
        "JERO-W045": "a handler takes a user, and nobody authenticates one",
        "JERO-W046": "a user is not what the authenticator gives",
    }
)
"""Every wiring-error code of jero-auth and its title."""
