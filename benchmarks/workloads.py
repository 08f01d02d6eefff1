"""The requests that are measured, and those that only prove that the contenders do the same work."""

from dataclasses import dataclass

from asgi import Headers, Scope

# What a browser or a client library sends along, lower-case as servers hand it over.
COMMON_HEADERS: Headers = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"application/json, text/plain, */*"),
    (b"accept-language", b"en-US,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"x-trace-id", b"4bf92f3577b34da6a3ce929d0e0e4736"),
    (b"cache-control", b"no-cache"),
    (b"connection", b"keep-alive"),
]

JSON_BODY = b'{"name":"Grinder","quantity":3,"price":349.9,"active":true,"tags":["coffee","burr"]}'
BEARER = "Bearer mF_9.B5f-4.1JqM8f1c2d7e0a"
INVALID_BODY = b'{"name":3,"quantity":"x","price":"a","active":"yes","tags":["coffee",1]}'


@dataclass(frozen=True)
class Request:
    """One request, server-independent."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str | None = None
    authorization: str | None = None
    # False leaves content-length out, as chunked transfer does.
    content_length: bool = True
    # The path as it stands on the wire, where that has escapes; and where the app is mounted.
    raw: str | None = None
    root_path: str = ""

    @property
    def target(self) -> str:
        """The request target as it stands in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def headers(self) -> Headers:
        """Give the request's headers as a fresh list."""
        headers = list(COMMON_HEADERS)
        if self.content_type is not None:
            headers.append((b"content-type", self.content_type.encode()))
        if self.authorization is not None:
            headers.append((b"authorization", self.authorization.encode("latin-1")))
        if self.method == "POST" and self.content_length:
            headers.append((b"content-length", b"%d" % len(self.body)))
        return headers

    def scope(self) -> Scope:
        """Give the scope that granian 2.8 builds for this request over HTTP/1.1 (the order of the keys too)."""
        return {
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "extensions": {"http.response.pathsend": {}, "websocket.http.response": {}},
            "type": "http",
            "http_version": "1.1",
            "server": ("127.0.0.1", "8000"),
            "client": ("127.0.0.1", "51234"),
            "scheme": "http",
            "path": self.path,
            "raw_path": (self.raw or self.path).encode(),
            "query_string": self.query.encode(),
            "headers": self.headers(),
            "method": self.method,
            "root_path": self.root_path,
            "state": {},
        }


@dataclass(frozen=True)
class Workload:
    """A measured request and the status every contender has to answer."""

    name: str
    title: str
    request: Request
    status: int = 200
    bar: float = 1.15
    # Who does this work at all; empty: everybody.
    only: tuple[str, ...] = ()


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("item", "GET /item (8 fields, one typed header)", Request("GET", "/item")),
        Workload("by_id", "GET /items/{item_id}", Request("GET", "/items/4217")),
        Workload("query", "GET /items?page=&size=&q=", Request("GET", "/items", "page=3&size=20&q=espresso+cup")),
        Workload(
            "create",
            "POST /items (5 fields, validated)",
            Request("POST", "/items", body=JSON_BODY, content_type="application/json"),
            201,
        ),
        Workload(
            "authed",
            "POST /my/items (a Bearer token, 5 fields, validated)",
            Request("POST", "/my/items", body=JSON_BODY, content_type="application/json", authorization=BEARER),
            201,
        ),
        Workload("missing", "GET /missing (404)", Request("GET", "/missing"), 404),
        Workload(
            "invalid",
            "POST /items, all five fields wrong (422 with every problem)",
            Request("POST", "/items", body=INVALID_BODY, content_type="application/json"),
            422,
            bar=2.5,
            only=("raw", "raw_folded", "jero", "fastapi"),
        ),
    )
}


@dataclass(frozen=True)
class Case:
    """A request that is checked, not measured."""

    name: str
    request: Request
    # What raw and jero answer.
    status: int
    # Raw and jero answer byte for byte alike. False: the text of the error may differ, status and type may not.
    exact: bool = True
    # What a peer may answer; None where peers are not asked.
    peers: range | None = None
    # How the body is cut into messages: its pieces' size, and whether an empty message ends it, as on granian.
    piece: int = 0
    last_message: bool = False


def _post(body: bytes = JSON_BODY, content_type: str | None = "application/json", *, length: bool = True) -> Request:
    return Request("POST", "/items", body=body, content_type=content_type, content_length=length)


def _authed(authorization: str | None, *, body: bytes = JSON_BODY, method: str = "POST") -> Request:
    kind = "application/json" if method == "POST" else None
    return Request(method, "/my/items", body=body, content_type=kind, authorization=authorization)


_ERROR = range(400, 500)
_SAME = range(0)  # the very status of raw
_BIG = b'{"name":"' + b"x" * (2 * 1024 * 1024) + b'","quantity":3,"price":1.5,"active":true,"tags":[]}'

CASES = (
    Case("query defaults", Request("GET", "/items"), 200, peers=_SAME),
    Case("query, one given", Request("GET", "/items", "size=7"), 200, peers=_SAME),
    Case("query, percent escapes", Request("GET", "/items", "q=caf%C3%A9%26more&page=2"), 200, peers=_SAME),
    Case("query, unknown names", Request("GET", "/items", "page=2&colour=red"), 200, peers=_SAME),
    Case("query, negative", Request("GET", "/items", "page=-2"), 200, peers=_SAME),
    Case("query, bad int", Request("GET", "/items", "page=two"), 400, exact=False, peers=_ERROR),
    Case("query, empty int", Request("GET", "/items", "page="), 400, exact=False),
    Case("query, underscore in int", Request("GET", "/items", "page=1_0"), 400, exact=False),
    Case("query, repeated scalar", Request("GET", "/items", "page=1&page=2"), 400, exact=False),
    Case("query, repeated string", Request("GET", "/items", "q=a&q=b"), 400, exact=False),
    Case("query, not UTF-8", Request("GET", "/items", "q=%FF"), 400, exact=False),
    Case("id is no int", Request("GET", "/items/espresso"), 404, exact=False, peers=_SAME),
    Case("id of 5,000 digits", Request("GET", "/items/" + "9" * 5000), 404, exact=False),
    Case("query, int of 5,000 digits", Request("GET", "/items", "page=" + "9" * 5000), 400, exact=False),
    Case("id empty", Request("GET", "/items/"), 404, exact=False),
    Case("id with a tail", Request("GET", "/items/1/2"), 404, exact=False, peers=_SAME),
    Case("negative id", Request("GET", "/items/-4"), 200),
    Case("wrong method, static path", Request("DELETE", "/item"), 405),
    Case("wrong method, collection", Request("DELETE", "/items"), 405),
    Case("wrong method, item path", Request("DELETE", "/items/4"), 405),
    Case("HEAD", Request("HEAD", "/item"), 200),
    Case("HEAD of an item", Request("HEAD", "/items/4"), 200),
    Case("OPTIONS", Request("OPTIONS", "/items"), 204),
    Case("OPTIONS of an unknown path", Request("OPTIONS", "/missing"), 404),
    Case("HEAD of an unknown path", Request("HEAD", "/missing"), 404),
    Case("an escaped slash is no slash", Request("GET", "/items/7", raw="/items%2F7"), 404),
    Case("an escape in the id", Request("GET", "/items/7", raw="/items/%37"), 200),
    Case("an escape in a literal segment", Request("GET", "/item", raw="/it%65m"), 200),
    Case("an escape that is no UTF-8", Request("GET", "/items/\ufffd", raw="/items/%FF"), 404),
    Case("mounted under a prefix", Request("GET", "/api/items/7", root_path="/api"), 200),
    Case("mounted, the prefix taken off", Request("GET", "/items/7", root_path="/api"), 200),
    Case("mounted, unknown path", Request("GET", "/api/missing", root_path="/api"), 404),
    Case("unknown path, POST", Request("POST", "/missing"), 404),
    Case("body with charset", _post(content_type="application/json; charset=utf-8"), 201, peers=_SAME),
    Case("body as +json", _post(content_type="application/vnd.shop+json"), 201),
    Case("body, upper-case type", _post(content_type="Application/JSON"), 201),
    Case("body ended as on granian", _post(), 201, peers=_SAME, last_message=True),
    Case("body in three messages", _post(), 201, peers=_SAME, piece=30),
    Case("body without content-length", _post(length=False), 201, peers=_SAME, piece=30),
    Case("body without content-length, granian", _post(length=False), 201, piece=30, last_message=True),
    Case("text/plain body", _post(content_type="text/plain"), 415, exact=False, peers=_ERROR),
    Case("form body", _post(content_type="application/x-www-form-urlencoded"), 415, exact=False, peers=_ERROR),
    Case("type jsonp", _post(content_type="application/jsonp"), 415, exact=False),
    Case("no content type", _post(content_type=None), 415, exact=False),
    Case("malformed body", _post(b'{"name":'), 400, exact=False, peers=_ERROR),
    Case("empty body", _post(b""), 400, exact=False, peers=_ERROR),
    Case("body not UTF-8", _post(JSON_BODY.replace(b"Grinder", b"\xff")), 400, exact=False),
    Case("a skipped member is not UTF-8", _post(JSON_BODY[:-1] + b',"more":"\xff"}'), 400, exact=False),
    Case("body too deep", _post(b'{"name":"a","more":' + b"[" * 100_000), 400, exact=False),
    Case("field missing", _post(b'{"name":"Grinder"}'), 422, peers=_ERROR),
    Case("field of a wrong type", _post(JSON_BODY.replace(b"3,", b'"x",')), 422, peers=_ERROR),
    Case("fields wrong and missing", _post(b'{"tags":[1,"a",null],"price":[]}'), 422, exact=False, peers=_ERROR),
    Case("body is a list", _post(b"[]"), 422, peers=_ERROR),
    Case("invalid, then no JSON", _post(b'{"name":1,'), 400, exact=False, peers=_ERROR),
    Case("no credential", _authed(None), 401, peers=_ERROR),
    Case("an unknown token", _authed("Bearer unknown"), 401, peers=_ERROR),
    Case("another scheme", _authed("Basic " + BEARER[7:]), 401, peers=_ERROR),
    Case("a scheme in lower case", _authed("bearer" + BEARER[6:]), 201),
    Case("two spaces before the token", _authed("Bearer  " + BEARER[7:]), 201),
    Case("no token", _authed("Bearer "), 401, peers=_ERROR),
    Case("a token with a space", _authed(BEARER + " x"), 401, peers=_ERROR),
    Case("a token that is not ASCII", _authed("Bearer \xe9"), 401, peers=_ERROR),
    Case("a token of 20,000 characters", _authed("Bearer " + "x" * 20_000), 401, peers=_ERROR),
    Case("no credential, and a malformed body", _authed(None, body=b'{"name":'), 401, peers=_ERROR),
    Case("a token, and a malformed body", _authed(BEARER, body=b'{"name":'), 400, exact=False, peers=_ERROR),
    Case("OPTIONS of a path that is gated", _authed(None, method="OPTIONS"), 204),
    Case("wrong method, gated path", _authed(None, method="DELETE"), 405),
    Case("body too large", _post(_BIG), 413, exact=False, peers=_ERROR),
    Case("too large, no content-length", _post(_BIG, length=False), 413, exact=False, peers=_ERROR, piece=65_536),
)


def pieces(case: Case) -> list[bytes]:
    """Cut the body of a case into the messages that it asks for."""
    body = case.request.body
    if not case.piece:
        return [body]
    return [body[start : start + case.piece] for start in range(0, len(body), case.piece)]
