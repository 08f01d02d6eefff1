"""Header names and values on the wire (RFC 9110, section 5).

Rules
-----
- A name that is no token, or a value with a control character other than a tab (CR, LF and NUL among them), never
  leaves the process: `ValueError`, which answers 500. Servers drop the connection over it, or answer by themselves.
- Names are sent in lower case, values as latin-1.
- A Struct field `x_trace_id` stands for the header `x-trace-id`. A header whose wire name has an underscore stands for
  nothing, because proxies and CGI confuse the two.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast, overload

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

PLAIN_TEXT: Final = bytes(code if code == ord("\t") or ord(" ") <= code < 0x7F else ord("?") for code in range(256))
"""A table for `bytes.translate` that changes all but tabs and printable ASCII: the cheapest test of a common value."""


def wire_name(field_name: str) -> bytes:
    """The header that a Struct field stands for. Raises ValueError if there is none."""
    return header_name(field_name.replace("_", "-"))


def header_name(name: str) -> bytes:
    """A header name as bytes, in lower case. Raises ValueError if it is no token."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name (RFC 9110, section 5.1)")
    return name.lower().encode("ascii")


def header_value(value: str) -> bytes:
    """A header value as bytes. Raises ValueError for control characters and what latin-1 does not have.

    TypeError for what is no str.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # for callers without a checker
        raise TypeError(f"a header value is a str, not {value!r}")
    if _FORBIDDEN.search(value):
        raise ValueError(f"a header value has no CR, LF, NUL or other control (RFC 9110, section 5.5): {value!r}")
    return value.strip(" \t").encode("latin-1")


class RawHeaders(Mapping[str, str]):
    """Immutable, case-insensitive headers that keep every pair in order.

    `headers[name]`, `get`, `in` and iteration see one value a name, repeats joined with `, ` (those of `cookie` with
    `; `: RFC 9113, section 8.2.3); `getlist` and `multi_items` see every pair; `len` counts unique names. Iteration
    gives lower-case names.
    """

    __slots__ = ("_joined", "_pairs")

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        pairs: Iterable[tuple[str, str]]
        if isinstance(headers, RawHeaders):
            pairs = headers.multi_items()
        else:
            pairs = cast("Iterable[tuple[str, str]]", headers.items() if isinstance(headers, Mapping) else headers)
        self._pairs = tuple((name, value) for name, value in pairs)
        self._joined: dict[str, str] | None = None

    @classmethod
    def from_asgi(cls, headers: Iterable[tuple[bytes, bytes]]) -> "RawHeaders":
        """The headers of an ASGI scope."""
        return cls([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])

    def _by_name(self) -> dict[str, str]:
        if self._joined is None:
            grouped: dict[str, list[str]] = {}
            for name, value in self._pairs:
                grouped.setdefault(name.lower(), []).append(value)
            self._joined = {name: ("; " if name == "cookie" else ", ").join(values) for name, values in grouped.items()}
        return self._joined

    def __getitem__(self, name: str) -> str:
        return self._by_name()[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name()

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def getlist(self, name: str) -> list[str]:
        """Every value of a name, in order; empty if it is absent."""
        wanted = name.lower()
        return [value for key, value in self._pairs if key.lower() == wanted]

    def multi_items(self) -> list[tuple[str, str]]:
        """Every pair as it came, in order."""
        return list(self._pairs)

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get[D](self, name: str, /, default: D) -> str | D: ...
    def get(self, name: str, /, default: object = None) -> object:
        """The value of a name, repeats joined, or the default."""
        return self._by_name().get(name.lower(), default)

    def __repr__(self) -> str:
        # Values are left out: headers carry credentials, and reprs end up in logs.
        return f"RawHeaders({', '.join(self)})"


def raw_pairs(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Response headers given by hand, as checked pairs; repeats kept."""
    items = headers.multi_items() if isinstance(headers, RawHeaders) else headers.items()
    return [(header_name(name), header_value(value)) for name, value in items]
