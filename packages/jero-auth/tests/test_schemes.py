"""BearerAuth, BasicAuth and APIKeyAuth: what is a credential to them, and what is refused before anybody is asked."""

import asyncio
import base64
import binascii
import re
from types import new_class
from typing import Annotated

import pytest
from msgspec import Struct

from jero_auth import APIKeyAuth, Authenticator, BasicAuth, BearerAuth
from jero_auth.api_key import find_key
from jero_auth.basic import read_basic
from jero_auth.bearer import read_token
from jero_core import Endpoint, HTTPError

from .auth_driver import app_of, ask, request, scope_of, serve


class User(Struct):
    name: str


asked = []
"""What authenticators have been asked for."""


class Tokens(BearerAuth[User]):
    async def authenticate(self, token: str) -> User:
        asked.append(token)
        if token == "unknown":
            raise HTTPError(401)
        return User(token)


class Passwords(BasicAuth[User]):
    realm = "staff"

    async def authenticate(self, username: str, password: str) -> User:
        asked.append((username, password))
        return User(f"{username}:{password}")


class Keys(APIKeyAuth[User]):
    async def authenticate(self, key: str) -> User:
        asked.append(key)
        return User(key)


class OtherKeys(Keys, header="X-Shop-Key"): ...


class QueryKeys(Keys, query="api key"): ...


class Me(Endpoint, path="/me"):
    async def get(self, user: User) -> User:
        return user


class Whoever(Endpoint, path="/me"):
    async def get(self, user: User | None) -> str:
        return "nobody" if user is None else user.name


@pytest.fixture(autouse=True)
def nobody_asked():
    asked.clear()


def basic(text):
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def answers(app, requests):
    """The names that requests with these targets and headers are admitted as; 401 for those that are not."""

    async def conversation(ask):
        found = []
        for target, headers in requests:
            response = await ask("GET", target, headers)
            assert response.status in {200, 401}
            found.append(response.json["name"] if response.status == 200 else 401)
        return found

    return serve(app, conversation)


def with_header(name, values):
    return [("/me", [(name, value)]) for value in values]


# Bearer

TOKENS = {
    "Bearer abc": "abc",
    "Bearer mF_9.B5f-4.1JqM~+/==": "mF_9.B5f-4.1JqM~+/==",
    "bearer abc": "abc",
    "BEARER abc": "abc",
    "bEaReR   abc=": "abc=",
    "Bearer  abc": "abc",
    "Bearer " + "x" * 16_384: "x" * 16_384,
    "bearer " + "x" * 16_384: "x" * 16_384,
}
NO_TOKENS = [
    *("", " ", "Bearer", "Bearer ", "Bearer  ", "abc", "Bearerabc", "Bearer\tabc", " Bearer abc", "Bearer abc "),
    *(
        "Bearer a b",
        "Bearer a,b",
        "Bearer a, Bearer b",
        "Bearer =",
        "Bearer =a",
        "Bearer a=b",
        'Bearer "a"',
        "Bearer é",
    ),
    *(
        "Bearer a\x00b",
        "Bearer a\nb",
        "Basic abc",
        "Token abc",
        "Bearer:abc",
        "Bearer a;b",
        "Bearer a%20b",
        "Bearer \xa0",
    ),
    *(
        "Bearer " + "x" * 16_385,
        "bearer " + "x" * 16_385,
        "Bearer " + "x" * 1_000_000,
        "x" * 1_000_000,
        "Bearer" + " " * 1_000_000,
    ),
]


def test_a_bearer_token_is_read():
    assert answers(app_of((Me(), Tokens())), with_header("authorization", TOKENS)) == list(TOKENS.values())


@pytest.mark.parametrize("value", NO_TOKENS, ids=lambda value: repr(value[:20]))
def test_what_is_no_bearer_token_is_401_and_nobody_is_asked(value):
    response = request(app_of((Me(), Tokens())), "GET", "/me", [("authorization", value)])
    assert (response.status, response.header("www-authenticate"), asked) == (401, 'Bearer realm="restricted"', [])


def test_bytes_beyond_ascii_are_no_bearer_token():
    for value in (b"Bearer \xff\xfe", b"\xff" * 100, b"Bearer a\x80"):
        assert request(app_of((Me(), Tokens())), "GET", "/me", [("authorization", value)]).status == 401
    assert asked == []


@pytest.mark.parametrize(
    "headers", [["Bearer a", "Bearer a"], ["Bearer a", ""], ["", "Bearer a"], ["Basic x", "Bearer a"]]
)
def test_several_authorization_headers_are_401(headers):
    response = request(app_of((Me(), Tokens())), "GET", "/me", [("authorization", value) for value in headers])
    assert (response.status, asked) == (401, [])


def test_no_other_header_is_taken_for_it():
    names = ["Proxy-Authorization", "authorization_", "X-Authorization", "http-authorization"]
    requests = [("/me", [(name, "Bearer abc")]) for name in names]
    assert answers(app_of((Me(), Tokens())), requests) == [401] * len(names)
    assert asked == []


# Basic

PASSWORDS = {
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==": "Aladdin:open sesame",  # RFC 7617, section 2
    "Basic dGVzdDoxMjPCow==": "test:123£",  # RFC 7617, section 2.1
    "basic dTpw": "u:p",
    "BASIC   dTpw": "u:p",
    basic("u:"): "u:",
    basic(":p"): ":p",
    basic(":"): ":",
    basic("u:p:q"): "u:p:q",
    basic("ü:\U0001f511"): "ü:\U0001f511",
}
NO_PASSWORDS = [
    *(
        "",
        "Basic",
        "Basic ",
        "Basic dTpw dTpw",
        "Basic dTpw,",
        "Basic dTpw, Basic dTpw",
        "Bearer dTpw",
        "dTpw",
        "Basic ====",
    ),
    *(
        "Basic dTp",
        "Basic dTpw=",
        "Basic d",
        "Basic d*pw",
        "Basic dTpw\n",
        "Basic =dTpw",
        "Basic dT=pw",
        "Basic dTpé",
        "Basic _-_-",
    ),
    *(
        basic("no colon"),
        basic(""),
        basic(b"\xff:\xff"),
        basic("u\x00:p"),
        basic("u:p\n"),
        basic("u:\x7f"),
        basic("u:\x85"),
    ),
    *(basic(b"\xed\xa0\x80:p"), "Basic " + "A" * 1_000_000, basic("u:" + "p" * 1_000_000), basic("u" * 20_000)),
]


def test_a_name_and_a_password_are_read():
    assert answers(app_of((Me(), Passwords())), with_header("authorization", PASSWORDS)) == list(PASSWORDS.values())
    assert asked[0] == ("Aladdin", "open sesame")


@pytest.mark.parametrize("value", NO_PASSWORDS, ids=lambda value: repr(value[:20]))
def test_what_is_no_basic_credential_is_401_and_nobody_is_asked(value):
    response = request(app_of((Me(), Passwords())), "GET", "/me", [("authorization", value)])
    assert (response.status, asked) == (401, [])
    assert response.header("www-authenticate") == 'Basic realm="staff", charset="UTF-8"'


def test_the_realm_has_a_default():
    class Plain(BasicAuth[User]):
        def authenticate(self, username: str, password: str) -> User: ...

    response = request(app_of((Me(), Plain())), "GET", "/me")
    assert response.header("www-authenticate") == 'Basic realm="restricted", charset="UTF-8"'


# API keys

NO_KEYS = ["", " ", "a b", "a\tb", "é", "a\x00", "a\x7f", "x" * 16_385, "x" * 1_000_000]


@pytest.mark.parametrize(("auth", "header"), [(Keys(), "x-api-key"), (OtherKeys(), "x-shop-key")])
def test_a_key_in_a_header_is_read(auth, header):
    keys = ["k", "a,b;c=\"d'", "!~", "x" * 16_384]
    assert answers(app_of((Me(), auth)), with_header(header, keys)) == keys
    asked.clear()
    assert answers(app_of((Me(), auth)), with_header(header, NO_KEYS)) == [401] * len(NO_KEYS)
    assert answers(app_of((Me(), auth)), [("/me", [(header, "k"), (header, "k")]), ("/me?x-api-key=k", [])]) == [
        401,
        401,
    ]
    assert asked == []
    assert request(app_of((Me(), auth)), "GET", "/me").header("www-authenticate") == "ApiKey"


QUERIES = {
    "api+key=k": "k",
    "api%20key=k&other=1": "k",
    "other=%FF1&api+key=k": "k",
    "%FF=1&api+key=k": "k",
    "\xff=\xe9&api+key=k": "k",
    "a=1&api+key=a%2Bb%3D%26": "a+b=&",
    "api%20%6Bey=k": "k",
    "api+key=" + "x" * 16_384: "x" * 16_384,
    **dict.fromkeys(
        [
            "",
            "a=1",
            "apikey=k",
            "api_key=k",
            "API+key=k",
            "api+key",
            "api+key=",
            "api+key=a+b",
            "api+key=%C3%A9",
        ]
    ),
    **dict.fromkeys(
        ["api+key=k&api+key=k", "api+key=k&api%20key=", "api+key=%FF", "api+key=\xe9", "api+key=%00", "api+key=a%0Ab"]
    ),
    **dict.fromkeys(
        ["api+key=" + "x" * 16_385, "a=" + "x" * 70_000 + "&api+key=k", "a&" * 1_000 + "api+key=k", "&" * 60_000]
    ),
}


def test_a_key_in_the_query_is_read():
    requests = [(f"/me?{query}", []) for query in QUERIES]
    assert answers(app_of((Me(), QueryKeys())), requests) == [name or 401 for name in QUERIES.values()]
    assert asked == [name for name in QUERIES.values() if name]


# anonymous callers


def guests_of(scheme, **keywords):
    class Guests(scheme[User | None], **keywords):
        async def authenticate(self, *credential: str) -> User: ...

    async def one(self, credential: str) -> User:
        asked.append(credential)
        return User(credential)

    async def two(self, username: str, password: str) -> User | None:
        asked.append(username)
        return None if username == "guest" else User(username)

    Guests.authenticate = two if scheme is BasicAuth else one
    return Guests()


@pytest.mark.parametrize(
    ("auth", "wrong", "right"),
    [
        (guests_of(BearerAuth), ("/me", [("authorization", "Bearer é")]), ("/me", [("authorization", "Bearer ada")])),
        (guests_of(BasicAuth), ("/me", [("authorization", "Basic é")]), ("/me", [("authorization", basic("ada:p"))])),
        (guests_of(APIKeyAuth), ("/me", [("x-api-key", "a b")]), ("/me", [("x-api-key", "ada")])),
        (guests_of(APIKeyAuth, query="k"), ("/me?k=a+b", []), ("/me?k=ada", [])),
        (guests_of(APIKeyAuth, query="k"), ("/me?k=%FF&a=b", []), ("/me?%FF=%FF&k=ada", [])),
    ],
    ids=["bearer", "basic", "header", "query", "query with junk"],
)
def test_a_scheme_of_users_or_none_admits_who_brings_nothing_and_refuses_who_brings_nonsense(auth, wrong, right):
    async def conversation(ask):
        return [await ask("GET", target, headers) for target, headers in (("/me", []), wrong, right)]

    nobody, refused, ada = serve(app_of((Whoever(), auth)), conversation)
    assert (nobody.body, refused.status, ada.body) == (b"nobody", 401, b"ada")
    assert asked == ["ada"]


def test_a_credential_may_stand_for_an_anonymous_caller_too():
    app = app_of((Whoever(), guests_of(BasicAuth)))
    assert request(app, "GET", "/me", [("authorization", basic("guest:"))]).body == b"nobody"


def test_a_scheme_s_method_may_be_sync_and_a_subclass_of_a_generic_one_gives_the_user():
    class Store[U](BearerAuth[U]):
        def __init__(self, users: dict[str, U]):
            self._users = users

        def authenticate(self, token: str) -> U:
            return self._users[token]

    class Users(Store[User]): ...

    app = app_of((Me(), Users({"t": User("ada")})))
    assert request(app, "GET", "/me", [("authorization", "Bearer t")]).json == {"name": "ada"}
    assert request(app, "GET", "/me", [("authorization", "Bearer u")]).status == 500


type Text = str


@pytest.mark.parametrize("kind", [Text, Annotated[str, "a token"], object])
def test_an_argument_may_be_annotated_with_an_alias(kind):
    class Aliased(BearerAuth[User]):
        async def authenticate(self, token: kind) -> User:
            return User(token)

    assert request(app_of((Me(), Aliased())), "GET", "/me", [("authorization", "Bearer t")]).json == {"name": "t"}


class Bearer(Struct):
    authorization: str


@pytest.mark.parametrize(
    "bases", [(Authenticator[Bearer, User], BearerAuth[User]), (BearerAuth[User], Authenticator[Bearer, User])]
)
def test_a_scheme_may_say_that_it_is_an_authenticator(bases):
    async def authenticate(self, token: str) -> User:
        return User(token)

    both = new_class("Both", bases, exec_body=lambda names: names.update(authenticate=authenticate))
    assert request(app_of((Me(), both())), "GET", "/me", [("authorization", "Bearer t")]).json == {"name": "t"}


def test_a_query_with_names_that_are_no_utf_8_has_no_key_and_is_anonymous():
    app = app_of((Whoever(), guests_of(APIKeyAuth, query="k")))
    assert [request(app, "GET", f"/me?{query}").body for query in ("%FF=1", "q=%FF", "\xe4=1")] == [b"nobody"] * 3


@pytest.mark.parametrize("scheme", [BearerAuth, BasicAuth])
def test_a_challenge_has_the_realm(scheme):
    """RFC 6750, section 3: a Bearer challenge has at least one parameter."""

    class Realm(guests_of(scheme).__class__):
        realm = "the staff's"

    response = request(app_of((Whoever(), Realm())), "GET", "/me", [("authorization", "wrong")])
    name = scheme.__name__.removesuffix("Auth")
    rest = ', charset="UTF-8"' if scheme is BasicAuth else ""
    assert response.header("www-authenticate") == f'{name} realm="the staff\'s"{rest}'


def test_a_scheme_without_type_argument_takes_the_method_s_word():
    class Bare(BearerAuth):
        async def authenticate(self, token: str) -> User:
            return User(token)

    assert request(app_of((Me(), Bare())), "GET", "/me", [("authorization", "Bearer t")]).json == {"name": "t"}


# what schemes are to documents


@pytest.mark.parametrize(
    ("auth", "scheme"),
    [
        (Tokens(), {"type": "http", "scheme": "bearer"}),
        (Passwords(), {"type": "http", "scheme": "basic"}),
        (OtherKeys(), {"type": "apiKey", "in": "header", "name": "x-shop-key"}),
        (QueryKeys(), {"type": "apiKey", "in": "query", "name": "api key"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_scheme_says_what_it_is_to_openapi(auth, scheme):
    app = app_of((Me(), auth))

    async def conversation(ask):
        return app._jero_plans[0].guard

    guard = serve(app, conversation)
    assert [(fact.name, fact.scheme) for fact in guard.security] == [(type(auth).__name__, scheme)]
    assert guard.problems == (401,)
    assert not guard.anonymous


# the parsers, for drawn input

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

_fragments = st.sampled_from(
    [b"Bearer", b"bearer", b"Basic ", b" ", b"=", b"a", b"-._~+/", b"\xff", b"\x00", b",", b":", b"dTpw"]
)
_headers = st.one_of(st.binary(max_size=60), st.lists(_fragments, max_size=8).map(b"".join))


@hypothesis.given(_headers)
def test_a_token_is_what_the_grammar_says(header):
    found = re.fullmatch(rb"(?i:bearer) +(?P<token>[-A-Za-z0-9._~+/]+=*)", header)
    assert read_token(header) == (found and found["token"])


@pytest.fixture(scope="module")
def gate():
    """An app behind `Tokens`, started."""
    app = app_of((Me(), Tokens()))
    asyncio.run(app._jero_start())
    yield app
    asyncio.run(app._jero_stop())


@hypothesis.given(header=_headers)
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_the_gate_reads_what_the_careful_parser_reads(gate, header):
    """The generated code reads the usual spelling inline."""
    asked.clear()
    response = asyncio.run(ask(gate, scope_of("GET", "/me", [("authorization", header)])))
    token = read_token(header)
    assert asked == ([] if token is None else [token.decode()])
    assert response.status == (200 if token is not None and token != b"unknown" else 401)


@hypothesis.given(
    st.text(st.characters(exclude_characters=":", exclude_categories=["Cc", "Cs"])),
    st.text(st.characters(exclude_categories=["Cc", "Cs"])),
)
def test_basic_credentials_read_back(username, password):
    header = basic(f"{username}:{password}").encode()
    assert read_basic(header) == (username, password)


@hypothesis.given(_headers)
def test_no_basic_header_makes_the_parser_fail(header):
    found = read_basic(header)
    if found is not None:
        assert base64.b64decode(header[6:].strip()) == ":".join(found).encode()


def test_strict_base64_is_what_the_standard_library_calls_strict():
    with pytest.raises(binascii.Error):
        binascii.a2b_base64(b"dT=pw", strict_mode=True)


@hypothesis.given(
    st.lists(st.tuples(st.sampled_from(["k", "K", "a b", "ä"]), st.text(max_size=5)), max_size=4),
    st.binary(max_size=30),
)
def test_a_key_in_the_query_is_what_urllib_finds(pairs, junk):
    from urllib.parse import urlencode

    found = find_key(urlencode(pairs).encode(), "k")
    keys = [value for name, value in pairs if name == "k"]
    legal = len(keys) == 1 and keys[0] and all("!" <= character <= "~" for character in keys[0])
    assert found == (None if not keys else keys[0] if legal else "")
    find_key(junk, "k")
