"""What a gate reads of a request: a credential, found and parsed before the authenticator hears of it.

Theory
------
A `Credential` is the part of a guard's generated code that differs between schemes; guards.py puts it in its frame::

    try:
        <find>
        if <absent>:
            raise $unauthorized()          # or, where anonymous callers are admitted: $target = None
        <parse>
        $target = await $authenticate(<arguments>)
    except Exception as problem:
        raise $refused(problem)

A credential that is there and cannot be parsed is refused by `raise $unauthorized()`, also where anonymous callers are
admitted. The limit on its size bounds the work that a hostile one makes.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

MOST_BYTES: Final = 16 * 1024
"""The largest credential in bytes. (The tokens of today's identity providers have up to 4 KiB or so.)"""


class Credential(msgspec.Struct, frozen=True):
    """How one gate gets its credential."""

    arguments: tuple[str, ...]
    """The expressions that `authenticate` is called with."""
    challenge: str
    """The value of WWW-Authenticate."""
    schemes: tuple[Mapping[str, object], ...]
    """OpenAPI security schemes, all needed together."""
    headers: tuple[bytes, ...] = ()
    find: tuple[str, ...] = ()
    absent: str | None = None
    """The condition for a request that brings none; None if `parse` knows by itself."""
    parse: tuple[str, ...] = ()
    values: Mapping[str, object] = {}
