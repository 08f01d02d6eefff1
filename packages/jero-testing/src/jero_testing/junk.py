"""Hostile requests: what a source may be sent, whatever it reads."""

from collections.abc import Iterator, Sequence
from typing import Final, cast

from jero_core.extend import Binding

from .options import RequestOptions

LIMIT: Final = 4096
"""The body limit of the operations that are sent junk, in bytes."""


class SampleRequest(RequestOptions, total=False):
    """A request for a source: options of `httpx.Client.request`, and a `url` if the operation's own will not do."""

    url: str


_VALUES: Final = (
    *("", "x", "-1", "0", "nan", "1e400", "9" * 5000, "true", "null", "[]", "{}", "a,b", "\u00fc", "%FF", "%00", "+"),
    *("2026-13-45", "00000000-0000-0000-0000-00000000000g", "a" * 20_000),
)
_QUERIES: Final = (
    "%FF",
    "a=1&a=2",
    "=",
    "&&&",
    "a",
    "a=%",
    "a=%zz",
    "%00=%00",
    ";",
    "a=1;b=2",
    "&" * 2000,
    "a" * 20_000,
)
_TYPES: Final = (
    *(None, "", "application/json", "application/json; charset=utf-16", "application/problem+json", "text/plain"),
    *("application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=b", "/", "a/b/c"),
    "application/json" * 1000,
)
_BODIES: Final = (
    *(b"", b"\0", b"\xff\xfe", b"{", b"}", b"null", b"[]", b"{}", b'{"a": NaN}', b'{"a": 1e999}', b'"\\ud800"', b"1 2"),
    *(b"[" * 4000, b'{"a":' * 600, b"\xef\xbb\xbf{}", b'{"a": ' + b"9" * 4000 + b"}", b" " * (LIMIT + 1)),
    *(
        b"a=1&a=2",
        b"a=%FF",
        b"--b\r\n",
        b"--b--",
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n',
    ),
)


class Gone(Exception):  # noqa: N818  # an event, nobody's error
    """The client goes away in the middle of its body."""


def _leaves() -> Iterator[bytes]:
    yield b"{"
    raise Gone


def junk_for(binding: Binding, path: str, good: Sequence[SampleRequest]) -> Iterator[SampleRequest]:
    """Hostile requests for an operation at `path` with this binding, some made of good ones."""
    yield {}
    for query in _QUERIES:
        yield {"url": f"{path}?{query}"}
    for fact in binding.parameters:
        for value in _VALUES:
            if fact.location == "query":
                yield {"params": {fact.name: value}}
                yield {"params": [(fact.name, value), (fact.name, value)]}
            elif fact.location == "header":
                yield {"headers": [(fact.name.encode(), value.encode())]}
    for name in binding.headers:
        for header in (b"", b"\xff", b"a" * 20_000, b"\x01", b"=?"):
            yield {"headers": [(name, header)]}
        yield {"headers": [(name, b"a"), (name, b"b")]}
        yield {"headers": [(name, b"a" * 10_000), (name, b"b" * 10_000)]}
    for content_type in _TYPES if binding.reads.is_body else ():
        headers = {} if content_type is None else {"content-type": content_type}
        for body in _BODIES:
            yield {"content": body, "headers": headers}
        yield {"content": iter([b"a", b"", b"b" * LIMIT]), "headers": headers}
        yield {"content": _leaves(), "headers": headers}
        yield {"content": b"{}", "headers": {**headers, "content-length": "x"}}
        yield {"content": b"{}", "headers": {**headers, "content-length": "9" * 30}}
        yield {"content": b"{}", "headers": {**headers, "content-length": "7"}}
    for sample in good if binding.reads.is_body else ():
        yield _changed(sample, content=b"")
        yield _changed(sample, content=b" " * (LIMIT + 1))
        yield _changed(sample, content=_leaves())


def _changed(sample: SampleRequest, *, content: bytes | Iterator[bytes]) -> SampleRequest:
    """A sample with another body, under its own headers."""
    kept = {name: value for name, value in sample.items() if name not in {"json", "data", "files"}}
    return cast("SampleRequest", {**kept, "content": content})
