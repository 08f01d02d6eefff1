"""`Authorization: Basic`: user names and passwords (RFC 7617)."""

import binascii
import re
from abc import abstractmethod
from collections.abc import Awaitable
from typing import ClassVar, Final

from jero_core.extend import Codec, Parameter

from .credential import MOST_BYTES, Credential
from .scheme import DEFAULT_REALM, Scheme, expect, realm_of

_CREDENTIAL: Final = rb"basic +([A-Za-z0-9+/]+={0,2})"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class BasicAuth[UserT](Scheme):
    """Admits whoever brings a name and a password: `Authorization: Basic dGVzdDoxMjPCow==`.

    A subclass says who they stand for::

        class Staff(BasicAuth[User]):
            realm = "staff"

            async def authenticate(self, username: str, password: str) -> User:
                ...

    Both are UTF-8, as the challenge asks for, without control characters; either may be empty. Passwords are to be
    stored as slow hashes and compared by the library that made them; `equal_secrets` is for secrets of high entropy.
    With `BasicAuth[User | None]` a request without the header is admitted as None, an anonymous caller.
    """

    realm: ClassVar[str] = DEFAULT_REALM
    """What browsers show when they ask for a password."""

    @abstractmethod
    def authenticate(self, username: str, password: str, /) -> UserT | Awaitable[UserT]:
        """The user who has this name and password. Raises `HTTPError(401)` if there is none."""

    def _jero_credential(self, parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
        expect(parameters, "BasicAuth", username=str, password=str)
        realm = realm_of(self)
        parse = (
            "$_found = $read_basic($header0)",
            "if $_found is None:",
            "    raise $unauthorized()",
        )
        return Credential(
            arguments=("$_found[0]", "$_found[1]"),
            challenge=f'Basic {realm}, charset="UTF-8"',
            schemes=({"type": "http", "scheme": "basic"},),
            headers=(b"authorization",),
            absent="$header0 is None",
            parse=parse,
            values={"read_basic": read_basic},
        )


def read_basic(header: bytes) -> tuple[str, str] | None:
    """The name and password of an Authorization header; None if it is no Basic credential or too large."""
    if len(header) > MOST_BYTES:
        return None
    found = re.fullmatch(_CREDENTIAL, header, re.IGNORECASE)
    if found is None:
        return None
    try:
        text = binascii.a2b_base64(found[1], strict_mode=True).decode()
    except ValueError:  # Also binascii.Error and UnicodeDecodeError.
        return None
    username, colon, password = text.partition(":")
    return (username, password) if colon and not _CONTROL.search(text) else None
