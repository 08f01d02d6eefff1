"""More than 300 requests: all methods, encodings, bodies, streams and errors. Each is options of httpx's `request`."""

from collections.abc import Iterator

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
JSON = {"content-type": "application/json"}

SEGMENTS = (
    *("a", "A", "a.b", "a-b_c~d", "a;b=c", "a,b", "a:b@c", "a+b", "a&b", "a=b", "$", "!*'()", "0", "-1"),
    *("%41", "%2F", "%252F", "%20", "%2B", "%3F", "%23", "%25", "%C3%BC", "%E2%82%AC", "%F0%9F%98%80", "%0A", "%0D%0A"),
    *("%00", "%7F", "%FF", "%C3", "%ED%A0%80", "ü", "€", "..", ".", "%2e%2e", "%5C", "a%2fb%2Fc", "x" * 1000),
)
QUERIES = (
    *("", "q=", "q=a", "q=a+b", "q=a%20b", "q=a%2Bb", "q=%C3%BC", "q=ü", "q=%26%3D", "q=a=b", "q=%00", "q=%0A"),
    *("q=%FF", "q=%C3", "q=%", "q=%zz", "q=a&q=b", "n=3", "n=-3", "n=03", "n=1_000", "n=x", "n=", "n=1.0", "n=1e3"),
    *(
        "n=99999999999999999999",
        "tag=a&tag=b",
        "tag=",
        "tag",
        "flag=true",
        "flag=1",
        "flag=yes",
        "flag=maybe",
        "&&q=a&",
    ),
    *("unknown=1", "Q=a", "%71=a", "q", "=", ";", "q=a;n=3", "q=a&n=3&tag=b&flag=0", "q=" + "x" * 2000),
)
JSON_BODIES = (
    *(b"", b"{}", b"null", b"[]", b"3", b'"a"', b"{", b'{"name"', b'{"name": "a"', b'{"name": "a"}', b' {"name":"a"} '),
    *(
        b'{"name": ""}',
        b'{"name": 3}',
        b'{"name": null}',
        b'{"name": "a", "price": -1}',
        b'{"name": "a", "price": "1"}',
    ),
    *(b'{"name": "a", "price": 1e999}', b'{"name": "a", "price": NaN}', b'{"name": "a", "tags": [1, 2, null]}'),
    *(b'{"name": "", "price": -1, "tags": "x"}', b'{"name": "a", "unknown": 1}', b'{"name": "a", "name": "b"}'),
    *(b'{"name": "\\u00fc"}', '{"name": "ü"}'.encode(), '{"name": "ü"}'.encode("latin-1"), b'{"name": "\\ud800"}'),
    *(
        b'\xef\xbb\xbf{"name": "a"}',
        b'{"name": "a"} x',
        b"\0",
        b"\xff",
        b"[" * 2000,
        b'{"name": "' + b"a" * 101 + b'"}',
    ),
    *('{"name": "a"}'.encode("utf-16"), b'{"name": "a"}' + b" " * 60_000, b'{"name": "a"}' + b" " * 70_000),
)
CONTENT_TYPES = (
    *(None, "", "application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json", "text/json"),
    *(
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
        "application/jsonx",
    ),
)
BODIES = (b"", b"a", b"\0\xff", b"a" * 1023, b"a" * 65_536, b"a" * 65_537, bytes(range(256)) * 2000)


def pieces(*parts: bytes) -> Iterator[bytes]:
    """A body that is sent in pieces, without content-length."""
    yield from parts


def alike_requests() -> Iterator[dict]:
    """The requests, made anew: a body in pieces can be sent once."""
    yield from paths()
    yield from bodies()
    yield from answers()
    yield from streams()


def paths() -> Iterator[dict]:
    for path in ("/", "/nowhere", "/items", "/items/1", "/items/x", "/items/", "//items", "/bytes", "/echo/a"):
        for method in METHODS:
            yield {"method": method, "url": path}
    for segment in SEGMENTS:
        yield {"method": "GET", "url": f"/echo/{segment}"}
    for query in QUERIES:
        yield {"method": "GET", "url": f"/echo/a?{query}"}
    for url in ("/raw/scope", "/raw/scope?a=%20b", "/raw/scope?"):
        yield {"method": "GET", "url": url}
    for headers in (
        *({"x-trace": "a"}, {"X-Trace": "A"}, {"x-trace": ""}, {"x-count": "3"}, {"x-count": "x"}, {"x_trace": "a"}),
        *([("x-trace", "a"), ("x-trace", "b")], {"x-trace": "é".encode("latin-1")}),
    ):
        yield {"method": "GET", "url": "/echo/a", "headers": headers}
        yield {"method": "GET", "url": "/raw/headers", "headers": headers}
    yield {"method": "GET", "url": "/raw/headers", "headers": {"cookie": "a=1; b=2"}}


def bodies() -> Iterator[dict]:
    for body in JSON_BODIES:
        yield {"method": "POST", "url": "/items", "content": body, "headers": JSON}
    for method in ("PUT", "PATCH"):
        for body in JSON_BODIES[8:14]:
            yield {"method": method, "url": "/items/1", "content": body, "headers": JSON}
    for content_type in CONTENT_TYPES:
        headers = {} if content_type is None else {"content-type": content_type}
        yield {"method": "POST", "url": "/items", "content": b'{"name": "a"}', "headers": headers}
    for method in ("POST", "PUT", "PATCH"):
        for body in BODIES:
            yield {"method": method, "url": "/bytes", "content": body}
    yield {"method": "POST", "url": "/items", "json": {"name": "a", "tags": ["é"]}}
    yield {"method": "POST", "url": "/bytes", "data": {"a": "é &", "b": ["1", "2"]}}
    for body in ((), (b"",), (b"a",), (b"a", b"", b"b"), (b"a" * 65_536,) * 3, tuple(b"%d" % n for n in range(50))):
        yield {"method": "POST", "url": "/bytes", "content": pieces(*body)}
        yield {"method": "POST", "url": "/raw/upload", "content": pieces(*body)}
        yield {"method": "POST", "url": "/items", "content": pieces(*body), "headers": JSON}
    yield {"method": "POST", "url": "/items", "content": pieces(b'{"na', b'me": "', b'a"}'), "headers": JSON}
    yield {"method": "GET", "url": "/echo/a", "content": b"a body that nobody reads"}
    yield {"method": "DELETE", "url": "/items/1", "content": b"a body that nobody reads"}


def answers() -> Iterator[dict]:
    for status in (200, 201, 203, 204, 205, 206, 299, 301, 304, 400, 404, 418, 451, 500, 503, 599, 100, 199, 600, 0):
        yield {"method": "GET", "url": f"/status/{status}"}
        yield {"method": "HEAD", "url": f"/status/{status}"}
    for status in (400, 401, 404, 409, 418, 429, 500, 503, 599, 200, 600):
        yield {"method": "POST", "url": f"/status/{status}"}
    for method in ("GET", "HEAD", "POST"):
        yield {"method": method, "url": "/broken"}
    yield {"method": "GET", "url": "/items/0"}
    yield {"method": "HEAD", "url": "/items/0"}


def streams() -> Iterator[dict]:
    for shape in ("0x0", "1x0", "1x10", "3x10", "100x10", "10x10000", "3x200000", "1000x1"):
        yield {"method": "GET", "url": f"/raw/stream?{shape}"}
    yield {"method": "HEAD", "url": "/raw/stream?3x10"}
    for name in ("events", "sized", "gzip", "abort", "abort?known", "fail"):
        yield {"method": "GET", "url": f"/raw/{name}"}
    yield {"method": "POST", "url": "/raw/early"}
    yield {"method": "POST", "url": "/raw/early", "content": b"small"}
