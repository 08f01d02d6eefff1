"""API keys, in a header or in the query."""

from abc import abstractmethod
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import unquote_plus

from jero_core.extend import Codec, Literal, Parameter, wire_name

from .credential import MOST_BYTES, Credential
from .scheme import Scheme, expect, setting_fault

_VISIBLE: Final = bytes(range(0x21, 0x7F))
_MOST_QUERY: Final = 64 * 1024
_MOST_PARAMETERS: Final = 1_000


class APIKeyAuth[UserT](Scheme):
    """Admits whoever brings a key, in a header (`X-API-Key`, unless told otherwise) or in the query.

    A subclass says who a key stands for::

        class Partners(APIKeyAuth[Partner], header="x-partner-key"):
            async def authenticate(self, key: str) -> Partner:
                ...

    Class keywords: `header`, the header's name; or `query`, the name of the query parameter. (Queries end up in the
    logs of servers and proxies; prefer a header.) `key` is visible ASCII without spaces, of 1 to 16,384 characters.
    With `APIKeyAuth[Partner | None]` a request without a key is admitted as None, an anonymous caller.
    """

    _jero_keywords: ClassVar[Mapping[str, object]] = {}

    if TYPE_CHECKING:

        def __init_subclass__(cls, *, header: str | None = None, query: str | None = None) -> None: ...

    else:

        def __init_subclass__(cls, **keywords: object) -> None:
            # Nothing is refused here: startup reports a wrong keyword together with everything else.
            super().__init_subclass__()
            cls._jero_keywords = keywords or cls._jero_keywords

    @abstractmethod
    def authenticate(self, key: str, /) -> UserT | Awaitable[UserT]:
        """The user for whom the key stands. Raises `HTTPError(401)` if there is none."""

    def _jero_credential(self, parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
        expect(parameters, "APIKeyAuth", key=str)
        keywords = self._jero_keywords or {"header": "x-api-key"}
        place, name = next(iter(keywords.items()))
        if len(keywords) > 1 or place not in {"header", "query"} or not isinstance(name, str) or not name:
            shown = ", ".join(f"{key}={value!r}" for key, value in keywords.items())
            raise setting_fault(
                self, f"its class keywords are {shown}.", 'one of `header="x-api-key"` and `query="api_key"`.'
            )
        if place == "query":
            return _in_query(name)
        try:
            return _in_header(wire_name(name))
        except ValueError as error:
            raise setting_fault(self, f"{error}.", 'a name such as `header="x-api-key"`.') from error


def _in_header(header: bytes) -> Credential:
    parse = (
        "if not 0 < len($header0) <= $most or $header0.translate(None, $visible):",
        "    raise $unauthorized()",
        "$_key = $header0.decode()",
    )
    return Credential(
        arguments=("$_key",),
        challenge="ApiKey",
        schemes=({"type": "apiKey", "in": "header", "name": header.decode()},),
        headers=(header,),
        absent="$header0 is None",
        parse=parse,
        values={"most": Literal(MOST_BYTES), "visible": _VISIBLE},
    )


def _in_query(name: str) -> Credential:
    return Credential(
        arguments=("$_key",),
        challenge="ApiKey",
        schemes=({"type": "apiKey", "in": "query", "name": name},),
        find=("$_key = $find_key($query, $key_name)",),
        absent="$_key is None",
        parse=("if not $_key:", "    raise $unauthorized()"),
        values={"find_key": find_key, "key_name": Literal(name)},
    )


def find_key(query: bytes, name: str) -> str | None:
    """The key in a query string: None if there is none, empty if it is no key (repeated, malformed, too large)."""
    if not query:
        return None
    if len(query) > _MOST_QUERY or query.count(b"&") >= _MOST_PARAMETERS:
        return ""
    found: str | None = None
    try:
        for pair in query.decode("latin-1").split("&"):
            parameter, _, value = pair.partition("=")
            # A name that is no UTF-8 is another name, and nothing to this gate.
            if unquote_plus(parameter, errors="surrogateescape") == name:
                if found is not None:
                    return ""
                found = unquote_plus(value, errors="strict")
    except ValueError:  # A value with an escape that is no UTF-8.
        return ""
    if found is None:
        return None
    is_key = len(found) <= MOST_BYTES and found.isascii() and not found.encode().translate(None, _VISIBLE)
    return found if is_key else ""
