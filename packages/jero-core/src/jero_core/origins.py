"""Where the app stands, for links: what goes before a path of the app.

Rules
-----
- By default nothing but the request's root_path: links are absolute paths, which every client resolves itself.
- `JERO_BASE_URL` says where the app stands. `JERO_TRUST_FORWARDED=1` believes X-Forwarded-Proto, -Host, -Port and
  -Prefix, which is right only behind a proxy that sets all of them itself.
- A forwarded value is believed only if it is given once and is what it must be; otherwise links stay absolute paths. No
  text of a client's reaches a header unchecked. What X-Forwarded-For and the like say is not asked: a proxy that adds
  to them may well send them twice.
"""

import re
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from .asgi import Scope
from .wiring import Refusal

BASE_URL: Final = "JERO_BASE_URL"
TRUST_FORWARDED: Final = "JERO_TRUST_FORWARDED"

# Patterns as text: few apps have links, and compiling these takes longer than much of an import.
_HOST: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?"
_PREFIX: Final = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?"
_NO_TEXT: Final = r"[\x00-\x20\x7f]"
"""What `urlsplit` takes out of a URL without a word."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_BELIEVED: Final = (b"proto", b"host", b"port", b"prefix")


class Origin(Protocol):
    """Says what goes before a path of the app."""

    def prefix(self, scope: Scope, /) -> str:
        """What goes before a path in links of one request's answer, without a slash at its end."""
        ...


class PathOnly:
    """The root_path alone."""

    def prefix(self, scope: Scope, /) -> str:
        """The request's root_path, percent-encoded."""
        return quote(str(scope.get("root_path") or ""), safe="/").rstrip("/")


class BaseURL:
    """A fixed URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def prefix(self, _scope: Scope, /) -> str:
        """The URL."""
        return self._url


class Forwarded:
    """What a trusted proxy says."""

    def prefix(self, scope: Scope, /) -> str:
        """The origin and prefix that the proxy names, or the root_path alone."""
        own = PathOnly().prefix(scope)
        given: dict[bytes, list[str]] = {}
        headers: object = scope["headers"]
        for name, value in headers:  # type: ignore[attr-defined]  # ASGI: pairs of bytes
            if name.lower().startswith(b"x-forwarded-"):
                given.setdefault(name.lower()[12:], []).append(value.decode("latin-1").strip())
        if any(len(given.get(name, ())) > 1 for name in _BELIEVED):
            return own
        proto, host = _one(given, b"proto").lower(), _one(given, b"host")
        parts = re.fullmatch(_HOST, host)
        if proto not in _DEFAULT_PORTS or parts is None:
            return own
        port = _one(given, b"port") or (parts["port"] or ":")[1:]
        if port and not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536):
            return own
        if not parts["port"] and port and int(port) != _DEFAULT_PORTS[proto]:
            host = f"{host}:{int(port)}"
        prefix = _one(given, b"prefix")
        if not re.fullmatch(_PREFIX, prefix) or ".." in prefix.split("/"):
            return own
        return f"{proto}://{host}{prefix.rstrip('/') if b'prefix' in given else own}"


def _one(given: Mapping[bytes, list[str]], name: bytes) -> str:
    return given.get(name, [""])[0]


def read_origin(environment: Mapping[str, str]) -> Origin:
    """The origin that the environment asks for. Raises `Refusal` (JERO-W061) for settings that are wrong."""
    base, trust = environment.get(BASE_URL, ""), environment.get(TRUST_FORWARDED, "")
    if trust not in {"", "0", "1"}:
        raise _wrong(f"{TRUST_FORWARDED}={trust!r} is neither 0 nor 1.", f"`{TRUST_FORWARDED}=1` to trust the proxy.")
    if base and trust == "1":
        raise _wrong(
            f"{BASE_URL} and {TRUST_FORWARDED} are both set, and each says where the app stands.", "one of them."
        )
    if not base:
        return Forwarded() if trust == "1" else PathOnly()
    try:
        parts = urlsplit(base)
        is_url = parts.scheme in _DEFAULT_PORTS and re.fullmatch(_HOST, parts.netloc) and parts.port != 0
    except ValueError:
        raise _wrong(f"{BASE_URL}={base!r} is no URL.", f"`{BASE_URL}=https://api.example.com`.") from None
    if re.search(_NO_TEXT, base) or parts.query or parts.fragment or base[-1] in "?#":
        is_url = False
    if not is_url or not re.fullmatch(_PREFIX, parts.path):
        raise _wrong(
            f"{BASE_URL}={base!r} is no http or https URL of a host and, perhaps, a path.",
            f"`{BASE_URL}=https://api.example.com/shop`.",
        )
    return BaseURL(base)


def _wrong(reason: str, remedy: str) -> Refusal:
    return Refusal(code="JERO-W061", reason=reason, remedy=remedy)
