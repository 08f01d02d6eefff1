"""`Authorization: Bearer`: tokens (RFC 6750)."""

import re
from abc import abstractmethod
from collections.abc import Awaitable
from typing import ClassVar, Final

from jero_core.extend import Codec, Literal, Parameter

from .credential import MOST_BYTES, Credential
from .scheme import DEFAULT_REALM, Scheme, expect, realm_of

_TOKEN_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
_CREDENTIAL: Final = rb"bearer +([A-Za-z0-9\-._~+/]+=*)"
"""A Bearer credential (RFC 6750, section 2.1); the names of schemes are case-insensitive (RFC 9110, section 11.1)."""


class BearerAuth[UserT](Scheme):
    """Admits whoever brings a token: `Authorization: Bearer mF_9.B5f-4.1JqM`.

    A subclass says who a token stands for::

        class Tokens(BearerAuth[User]):
            async def authenticate(self, token: str) -> User:
                if (user := await self._store.user_of(token)) is None:
                    raise HTTPError(401)
                return user

    `token` is ASCII, of 1 to 16,384 characters. With `BearerAuth[User | None]` a request without the header is admitted
    as None, an anonymous caller, and `authenticate` is not asked. A header that holds no token is 401 in any case.
    """

    realm: ClassVar[str] = DEFAULT_REALM
    """What the challenge says is protected."""

    @abstractmethod
    def authenticate(self, token: str, /) -> UserT | Awaitable[UserT]:
        """The user for whom the token stands. Raises `HTTPError(401)` if there is none."""

    def _jero_credential(self, parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
        expect(parameters, "BearerAuth", token=str)
        return bearer_credential(realm_of(self))


def bearer_challenge(realm: str) -> str:
    """The challenge: RFC 6750, section 3, wants at least one parameter, and its `error` would say why."""
    return f"Bearer {realm}"


def bearer_credential(realm: str) -> Credential:
    """The token of the header `Authorization`."""
    # The usual spelling is read inline, any other with care.
    parse = (
        "$_token = $header0[7:]",
        "if $header0[:7] != b'Bearer ' or not 0 < len($_token) <= $most or $_token.translate(None, $token_bytes):",
        "    $_token = $read_token($header0)",
        "    if $_token is None:",
        "        raise $unauthorized()",
        "$_token = $_token.decode()",
    )
    return Credential(
        arguments=("$_token",),
        challenge=bearer_challenge(realm),
        schemes=({"type": "http", "scheme": "bearer"},),
        headers=(b"authorization",),
        absent="$header0 is None",
        parse=parse,
        values={"most": Literal(MOST_BYTES), "token_bytes": _TOKEN_BYTES, "read_token": read_token},
    )


def read_token(header: bytes) -> bytes | None:
    """The token of an Authorization header; None if it is no Bearer credential or too large."""
    if len(header) > MOST_BYTES + 100:
        return None
    found = re.fullmatch(_CREDENTIAL, header, re.IGNORECASE)
    return None if found is None or len(found[1]) > MOST_BYTES else found[1]
