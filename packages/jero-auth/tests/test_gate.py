"""The gate, attacked: nothing but a right credential leads to a gated handler, whatever the request looks like."""

import asyncio
import base64
import random
import re
from collections.abc import Mapping
from itertools import product
from urllib.parse import quote_from_bytes

import pytest
from msgspec import Struct

from jero_auth import APIKeyAuth, BasicAuth, BearerAuth, JWTBearerAuth
from jero_core import BytesResponse, Endpoint, HTTPError, Resource

from .auth_driver import AuthApp, app_of, ask, scope_of, serve

jwt = pytest.importorskip("jwt")


class User(Struct):
    name: str


class Text(Struct):
    text: str


ran = []
"""The gated handlers that ran."""


class Tokens(BearerAuth[User]):
    async def authenticate(self, token: str) -> User:
        if token != "right":
            raise HTTPError(401)
        return User("ada")


class Passwords(BasicAuth[User]):
    def authenticate(self, username: str, password: str) -> User:
        if (username, password) != ("ada", "right"):
            raise HTTPError(401)
        return User("ada")


class Keys(APIKeyAuth[User]):
    async def authenticate(self, key: str) -> User:
        if key != "right":
            raise HTTPError(401)
        return User("ada")


class QueryKeys(Keys, query="key"): ...


class Headers(Struct):
    authorization: str


class Plain:
    async def authenticate(self, headers: Headers) -> User:
        if headers.authorization != "Bearer right":
            raise HTTPError(401)
        return User("ada")


class AdminPath(Struct):
    admin_id: str


class ShopPath(Struct):
    shop: str
    admin_id: str


class Admin(Resource, path="/admin"):
    async def read_many(self, user: User) -> str:
        ran.append("admin.read_many")
        return "secret"

    async def create(self, json: Text, user: User) -> str:
        ran.append("admin.create")
        return "secret"

    async def read_one(self, path: AdminPath, user: User) -> str:
        ran.append("admin.read_one")
        return "secret"

    async def delete(self, path: AdminPath) -> None:
        ran.append("admin.delete")


class Root(Endpoint, path="/"):
    async def get(self, user: User) -> str:
        ran.append("root.get")
        return "secret"


class ShopAdmin(Resource, path="/shops/{shop}/admin"):
    async def read_one(self, path: ShopPath) -> str:
        ran.append("shop.read_one")
        return "secret"

    async def update(self, path: ShopPath, content: bytes) -> str:
        ran.append("shop.update")
        return "secret"


class Lobby(Endpoint, path="/lobby/{text}"):
    async def get(self, path: Text) -> str:
        return path.text


class Secured(JWTBearerAuth[User]):
    async def authenticate(self, claims: Mapping[str, object]) -> User:
        return User("ada")


class Guests(BearerAuth[User | None]):
    async def authenticate(self, token: str) -> User:
        if token != "right":
            raise HTTPError(401)
        return User("ada")


class Whoever(Endpoint, path="/whoever"):
    async def get(self, user: User | None) -> str:
        ran.append("nobody" if user is None else "whoever.get")
        return "secret"

    async def post(self, json: Text, user: User | None) -> str:
        ran.append("nobody" if user is None else "whoever.post")
        return "secret"


def app_behind(auth):
    if isinstance(auth, Guests):
        return app_of((Whoever(), auth), (Lobby(), None))
    return app_of((Admin(), auth), (Root(), auth), (ShopAdmin(), auth), (Lobby(), None))


def in_header(name):
    return lambda target, value, count: (target, [(name, value)] * count)


def in_query(target, value, count):
    is_plain = b"&" not in value and len(value) % 2
    pairs = [f"key={value.decode('latin-1') if is_plain else quote_from_bytes(value)}"] * count
    return f"{target}?{'&'.join(pairs)}", []


@pytest.fixture(autouse=True)
def nothing_ran():
    ran.clear()


# 100,000 malformed credentials

ALPHABETS = [b"abcXYZ019-._~+/=", b" \t,;:\"'", bytes(range(256)), "äß€\U0001f511".encode(), b"=+/"]
SCHEMES = [
    b"Bearer",
    b"bearer",
    b"BEARER",
    b"Basic",
    b"basic",
    b"Digest",
    b"Token",
    b"Negotiate",
    b"",
    b"Bearer,",
    b"right",
]


def noise(draw):
    alphabet = draw.choice(ALPHABETS)
    return bytes(draw.choices(alphabet, k=draw.randrange(0, 40)))


def malformed(draw):
    """A value of a credential header that is never the right one of any scheme."""
    kind = draw.randrange(8)
    if kind == 0:
        return noise(draw)
    if kind == 1:
        return draw.choice(SCHEMES) + b" " * draw.randrange(4) + noise(draw)
    if kind == 2:
        return b"Basic " + base64.b64encode(noise(draw))[: draw.randrange(1, 60)]
    if kind == 3:
        return b"Basic " + base64.b64encode(noise(draw) + b":" + noise(draw))
    if kind == 4:
        value = bytearray(draw.choice([b"Bearer right", b"Basic YWRhOnJpZ2h0", b"right"]))
        value[draw.randrange(len(value))] ^= 1 << draw.randrange(8)
        return bytes(value)
    if kind == 5:
        right = draw.choice([b"Bearer right", b"Basic YWRhOnJpZ2h0", b"right"])
        return draw.choice([right + noise(draw) + b"x", noise(draw) + b"x" + right, right + b", " + right, right[:-1]])
    if kind == 6:
        return b"Bearer " + b".".join(base64.urlsafe_b64encode(noise(draw)).rstrip(b"=") for _ in range(3))
    return b"x" * draw.choice([1, 100, 8_000, 17_000]) if draw.random() < 0.02 else b"Bearer " + noise(draw)


RIGHT = re.compile(rb"(?i:bearer) +right|(?i:basic) +YWRhOnJpZ2h0|right")
SECRET = "a secret of 32 bytes, or of more."
TOKEN = jwt.encode({"sub": "ada", "aud": "shop", "exp": 4_102_444_800}, SECRET, "HS256").encode()
GATES = [
    (Tokens(), in_header("authorization"), b"Bearer right"),
    (Passwords(), in_header("authorization"), b"Basic YWRhOnJpZ2h0"),
    (Keys(), in_header("x-api-key"), b"right"),
    (QueryKeys(), in_query, b"right"),
    (Plain(), in_header("authorization"), b"Bearer right"),
    (Secured(keys=SECRET, algorithms=["HS256"], audience="shop"), in_header("authorization"), b"Bearer " + TOKEN),
    (Guests(), in_header("authorization"), b"Bearer right"),
]
"""Each scheme, how a request brings it a credential, and the right one."""
TARGETS = [("GET", "/admin"), ("POST", "/admin"), ("GET", "/admin/7"), ("DELETE", "/admin/7"), ("GET", "/")]
TARGETS += [("HEAD", "/admin"), ("GET", "/shops/a/admin/7"), ("PUT", "/shops/a/admin/7")]


def targets_of(auth):
    return [("GET", "/whoever"), ("POST", "/whoever")] if isinstance(auth, Guests) else TARGETS


def damaged(draw, right):
    """A token that was right, with one bit or one part of it changed."""
    if draw.random() < 0.5:
        value = bytearray(right)
        # The last character of a base64 text has bits that stand for nothing.
        value[draw.randrange(len(value) - 1)] ^= 1 << draw.randrange(8)
        return bytes(value)
    parts = right.split(b".")
    parts[draw.randrange(len(parts))] = base64.urlsafe_b64encode(noise(draw)).rstrip(b"=")
    return b".".join(parts)


def test_100_000_malformed_credentials_open_nothing():
    draw = random.Random(7)
    gates = [(app_behind(auth), bring, right, targets_of(auth)) for auth, bring, right in GATES]
    statuses, asked = {}, dict.fromkeys(range(len(gates)), 0)

    async def main():
        for app, *_ in gates:
            await app._jero_start()
        for number in range(100_000):
            app, bring, right, targets = gates[number % len(gates)]
            value = damaged(draw, right) if b"." in right and draw.random() < 0.5 else malformed(draw)
            if RIGHT.fullmatch(value.strip()) or (b"." in right and value[7:] == right[7:]):
                continue  # Drawn by chance, or another spelling of it.
            method, target = draw.choice(targets)
            target, headers = bring(target, value, draw.choice([1, 1, 1, 1, 2, 3]))
            response = await ask(
                app, scope_of(method, target, [*headers, ("content-type", "application/json")]), b'{"text":""}'
            )
            statuses[response.status] = statuses.get(response.status, 0) + 1
            assert response.received == 0
            asked[number % len(gates)] += 1
        for app, *_ in gates:
            await app._jero_stop()

    asyncio.run(main())
    assert ran == []
    # 431: the values of a repeated header, joined, were larger than 16 KiB.
    assert statuses.keys() <= {401, 431}
    assert statuses[401] > 99_000
    assert min(asked.values()) > 14_000


@pytest.mark.parametrize(("auth", "bring", "right"), GATES, ids=lambda it: type(it).__name__)
def test_the_right_credentials_open(auth, bring, right):
    """Else the test above would prove nothing."""

    async def conversation(ask):
        return [
            (await ask(method, *bring(target, right, 1))).status
            for method, target in targets_of(auth)
            if method == "GET"
        ]

    found = serve(app_behind(auth), conversation)
    assert found == [200] * len(found)
    assert len(ran) == len(found)
    assert "nobody" not in ran


# variants of each gated path

GATED = ["/admin", "/admin/7", "/", "/shops/a/admin/7"]
METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "get",
    "Get",
    "GET ",
    "TRACE",
    "CONNECT",
    "",
    "FOO_BAR",
    "__init__",
]
TRICKS = [
    {"host": "evil.example/admin?x=#"},
    {"host": "evil.example@admin"},
    {"host": ""},
    {"host": "/admin"},
    {"x-forwarded-host": "evil.example"},
    {"x-forwarded-for": "127.0.0.1"},
    {"x-forwarded-proto": "https"},
    {"x-forwarded-prefix": "/lobby"},
    {"x-forwarded-uri": "/lobby/x"},
    {"x-original-url": "/admin"},
    {"x-rewrite-url": "/admin"},
    {"x-http-method-override": "OPTIONS"},
    {"x-http-method": "OPTIONS"},
    {"x-user": "ada", "user": "ada", "x-remote-user": "ada"},
    {"forwarded": "for=127.0.0.1;host=evil.example"},
    {"authorization_": "Bearer right", "authorization-": "Bearer right", "authorisation": "Bearer right"},
    {"cookie": "authorization=Bearer right"},
    {"content-type": "application/json", "expect": "100-continue"},
    {"transfer-encoding": "chunked", "content-length": "5"},
]
ROOTS = ["/admin", "/lobby", "/", "//", "admin", "/admin/", "/shops", "/é", "/../", "/admin/7"]


def spellings(path):
    """A path as written otherwise: what some server, proxy or router might take for the same."""
    segments = path.split("/")
    first = segments[1]
    yield from (path, path.upper(), path.capitalize(), path.swapcase(), "/" + path[1:].title())
    yield from (
        path + "/",
        path + "//",
        "/" + path,
        "//" + path,
        path + "/.",
        path + "/..",
        path + "/./",
        "/." + path,
        "/.." + path,
    )
    yield from (
        path + "?",
        path + "?x=1",
        path + "??",
        path + "#",
        path + "#x",
        path + ";",
        path + ";a=b",
        path + "%3F",
        path + "%23",
    )
    yield from (
        path + "%00",
        path + "%20",
        path + "%09",
        path + "%0a",
        path + "%0d%0a",
        path + ".",
        path + ".json",
        path + "~",
        path + "*",
    )
    yield from (
        path.replace("/", "%2F"),
        path.replace("/", "%2f"),
        path.replace("/", "%252F"),
        path.replace("/", "%5C"),
        path.replace("/", "\\"),
    )
    yield from (
        path.replace("/", "//"),
        path.replace("/", "/./"),
        path.replace("/", "/x/../"),
        path.replace("/", "/%2e/"),
        path.replace("/", "/x/%2e%2e/"),
    )
    yield "".join(f"%{byte:02x}" if byte != 0x2F else "/" for byte in path.encode())
    yield "".join(f"%{byte:02X}" for byte in path.encode())
    yield "".join(f"%25{byte:02x}" if byte != 0x2F else "/" for byte in path.encode())
    yield from (
        path.replace("a", "%61"),
        path.replace("a", "%C1%A1"),
        path.replace("a", "\xc3\xa4"),
        path.replace("i", "%EF%BD%89"),
        path.replace("s", "%C5%BF"),
    )
    yield from (
        path.replace("n", "n%E2%80%8B"),
        path.replace("d", "%ff"),
        path + "%",
        path + "%2",
        path + "%zz",
        "http://host" + path,
    )
    yield from (
        "/lobby/.." + path,
        "/lobby/%2e%2e" + path,
        "/lobby/..%2F" + path[1:],
        "/lobby/x/.." + path,
        "/lobby/..;" + path,
        "@host" + path,
    )
    yield from (
        "/" + first,
        "/" + first + "/",
        "/" + first + "%2F7",
        "/" + first + "/%2F",
        "/" + first + "/..",
        "/" + first + "/%2e%2e/" + first,
        "*",
        "",
    )
    yield from ("/" + first * 200, path + "/7" * 50, path + "/" + "x" * 5_000, path + "/%2e" * 100)


def variants(path):
    """Scopes, with no right credential, that are about this path in some way."""
    for spelling in dict.fromkeys(spellings(path)):
        yield "GET", spelling, {}, {}
        yield "DELETE", spelling, {}, {"raw_path": None}
        yield "GET", spelling, {}, {"path": path}
        yield "GET", path, {}, {"path": spelling}
    for method in METHODS:
        yield method, path, {}, {}
        yield method, path + "/", {}, {}
    for headers, method in product(TRICKS, ("GET", "POST")):
        yield method, path, headers, {}
    for root, target in product(ROOTS, (path, "/lobby/x", "/admin/admin/7")):
        yield "GET", target, {}, {"root_path": root}
        yield "GET", root + target, {}, {"root_path": root}
    for version, scheme in product(("1.0", "2", "0.9"), ("https", "ws", "admin")):
        yield "GET", path, {}, {"http_version": version, "scheme": scheme}


def as_latin_1(target):
    """A target as the bytes of its UTF-8, which is how it stands in a raw path."""
    return target.encode().decode("latin-1")


@pytest.mark.parametrize("path", GATED)
@pytest.mark.parametrize(
    "headers",
    [[], [("authorization", "Bearer wrong")], [("authorization", "Bearer right"), ("authorization", "Bearer right")]],
)
def test_300_variants_of_a_gated_path_open_nothing(path, headers):
    app = app_behind(Tokens())
    tried = list(variants(path))
    assert len(tried) >= 300
    seen = {}

    async def main():
        await app._jero_start()
        for method, target, more, items in tried:
            scope = scope_of(method, as_latin_1(target), [*headers, *more.items()], **items)
            response = await ask(app, scope)
            seen.setdefault(response.status, []).append(target)
            assert b"secret" not in response.body
            assert response.received == 0
        await app._jero_stop()

    asyncio.run(main())
    assert ran == []
    # 200: the lobby is open. 204: OPTIONS.
    assert seen.keys() <= {200, 204, 401, 404, 405}
    assert all("lobby" in target for target in seen.get(200, []))


def test_the_variants_do_reach_the_gated_handlers_with_the_right_credential():
    """Else the test above would prove nothing: many of them are the path itself."""
    app = app_behind(Tokens())

    async def main():
        await app._jero_start()
        for path in GATED:
            for method, target, more, items in variants(path):
                headers = [("authorization", "Bearer right"), *more.items()]
                await ask(app, scope_of(method, as_latin_1(target), headers, **items))
        await app._jero_stop()

    asyncio.run(main())
    assert {"admin.read_many", "admin.read_one", "root.get", "shop.read_one", "admin.delete"} <= set(ran)
    assert len(ran) > 300


# uploads


class Upload(Endpoint, path="/upload", max_body_size=100 * 1024 * 1024):
    async def put(self, content: bytes, user: User) -> BytesResponse:
        ran.append("upload.put")
        return BytesResponse(content=content[:1])

    async def post(self, json: Text, user: User) -> str:
        ran.append("upload.post")
        return "secret"


@pytest.mark.parametrize(
    "auth", [Tokens(), Passwords(), Keys(), QueryKeys(), Plain()], ids=lambda auth: type(auth).__name__
)
@pytest.mark.parametrize("headers", [[], [("authorization", "nonsense"), ("x-api-key", "a b")]])
@pytest.mark.parametrize(
    ("method", "length"), [("PUT", "50000000"), ("PUT", None), ("PUT", "999999999999"), ("POST", "nonsense")]
)
def test_a_gated_upload_is_refused_without_one_body_message(auth, headers, method, length):
    if length is not None:
        headers = [*headers, ("content-length", length)]

    async def conversation(ask):
        return await ask(method, "/upload", headers)

    response = serve(app_of((Upload(), auth)), conversation)
    assert (response.status, response.received, ran) == (401, 0, [])


def test_a_gated_upload_reads_its_body_behind_the_gate():
    async def conversation(ask):
        return await ask("PUT", "/upload", [("authorization", "Bearer right")], b"abc")

    response = serve(app_of((Upload(), Tokens())), conversation)
    assert (response.status, response.body, response.received) == (200, b"a", 1)


@pytest.mark.parametrize(("auth", "bring", "right"), GATES[:-1], ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain", None])
@pytest.mark.parametrize("length", ["50000000", None, "nonsense"])
def test_a_gated_form_is_refused_without_one_body_message(auth, bring, right, content_type, length):
    """A form reads its body as it comes, and not with the operation's head: another place for it to come first."""
    form_source = pytest.importorskip("jero_multipart").FormSource

    class FormApp(AuthApp):
        sources = {**AuthApp.sources, "form": form_source()}

    class Forms(Endpoint, path="/form"):
        async def post(self, form: Text) -> str:
            ran.append("form")
            return "secret"

    names = {"content-type": content_type, "content-length": length}
    more = [(name, value) for name, value in names.items() if value is not None]
    app = app_of((Forms(), auth), base=FormApp)

    async def conversation(ask):
        wrong = [bring("/form", value, 1) for value in (b"wrong", b"Bearer wrong", b"\xff")]
        return [await ask("POST", target, [*headers, *more]) for target, headers in [("/form", []), *wrong]]

    assert [(response.status, response.received) for response in serve(app, conversation)] == [(401, 0)] * 4
    assert ran == []


@pytest.mark.parametrize("first", [True, False])
def test_everything_else_of_the_head_comes_after_the_gate(first):
    """A caller without a credential does not learn what is wrong with a request, nor which items exist."""

    class ItemPath(Struct):
        item: int

    class Query(Struct):
        limit: int

    class Items(Resource, path="/items"):
        async def read_one(self, path: ItemPath, params: Query, user: User) -> str:
            return "item"

    headers = [] if first else [("authorization", "Bearer right")]

    async def conversation(ask):
        return [
            (await ask("GET", target, headers)).status
            for target in ("/items/x?limit=1", "/items/1?limit=x", "/items/1?limit=1")
        ]

    assert serve(app_of((Items(), Tokens())), conversation) == ([401] * 3 if first else [404, 400, 200])
