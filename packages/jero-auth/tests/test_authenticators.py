"""Authenticators of an app's own: a Struct of headers in, a user out."""

import asyncio
import functools
from collections.abc import Awaitable, Coroutine
from contextvars import ContextVar
from typing import Annotated, Any, Protocol

import pytest
from msgspec import Meta, Struct

from jero_core import PUBLIC, BaseApp, Endpoint, HTTPError, Resource

from .auth_driver import AuthApp, app_of, report_of, request, serve

UNAUTHORIZED = b'{"type":"about:blank","title":"Unauthorized","status":401}'


class User(Struct):
    name: str


class Admin(User):
    level: int = 1


class Service(Struct):
    key: str


class Bearer(Struct):
    authorization: str


class Typed(Struct):
    x_tenant: int
    x_region: Annotated[str, Meta(max_length=4)] = "eu"


class Me(Endpoint, path="/me"):
    async def get(self, user: User) -> User:
        return user

    async def post(self, json: User, user: User) -> User:
        return json


class Whoever(Endpoint, path="/me"):
    async def get(self, user: User | None) -> str:
        return "nobody" if user is None else user.name


TOKEN = [("authorization", "Bearer ada")]


def user_of(headers):
    scheme, _, name = headers.authorization.partition(" ")
    if scheme != "Bearer" or name == "unknown":
        raise HTTPError(401, "I know why")
    return User(name)


class Sync:
    def authenticate(self, headers: Bearer) -> User:
        return user_of(headers)


class Async:
    async def authenticate(self, headers: Bearer) -> User:
        await asyncio.sleep(0)
        return user_of(headers)


class ReturnsACoroutine:
    def authenticate(self, headers: Bearer) -> Coroutine[Any, Any, User]:
        return Async().authenticate(headers)


class ReturnsATask:
    def authenticate(self, headers: Bearer) -> Awaitable[User]:
        return asyncio.ensure_future(Async().authenticate(headers))


class ReturnsEither:
    def authenticate(self, headers: Bearer) -> User | Awaitable[User]:
        return user_of(headers)


class SaysNothingOfAwaiting:
    def authenticate(self, headers: Bearer) -> User:
        return Async().authenticate(headers)


def logged(method):
    @functools.wraps(method)
    def wrapper(*args, **kwargs):
        return method(*args, **kwargs)

    return wrapper


class Decorated:
    @logged
    async def authenticate(self, headers: Bearer) -> User:
        return user_of(headers)


class ByName:
    async def authenticate(self, *, headers: Bearer) -> User:
        return user_of(headers)


class Static:
    @staticmethod
    async def authenticate(headers: Bearer) -> User:
        return user_of(headers)


class OfTheClass:
    @classmethod
    def authenticate(cls, headers: Bearer) -> User:
        return user_of(headers)


class AsStrings:
    async def authenticate(self, headers: "Bearer") -> "User":
        return user_of(headers)


class Generic[H: Struct, U]:
    def __init__(self, find):
        self._find = find

    async def authenticate(self, headers: H) -> U:
        return self._find(headers)


class Concrete(Generic[Bearer, User]): ...


class Shape(Protocol):
    async def authenticate(self, headers: Bearer) -> User: ...


class OfAProtocol(Shape):
    async def authenticate(self, headers: Bearer) -> User:
        return user_of(headers)


def attribute():
    class Holder: ...

    async def authenticate(headers: Bearer) -> User:
        return user_of(headers)

    holder = Holder()
    holder.authenticate = authenticate
    return holder


LEGAL = [
    *(Sync(), Async(), ReturnsACoroutine(), ReturnsATask(), ReturnsEither(), SaysNothingOfAwaiting(), Decorated()),
    *(ByName(), Static(), OfTheClass(), AsStrings(), Concrete(user_of), OfAProtocol(), attribute()),
]
legal = pytest.mark.parametrize("auth", LEGAL, ids=lambda auth: type(auth).__name__)


@legal
def test_an_authenticator_of_any_shape_admits_and_refuses(auth):
    async def conversation(ask):
        return [
            await ask("GET", "/me", headers)
            for headers in (TOKEN, [], [("authorization", "Bearer unknown")], [("authorization", "")])
        ]

    admitted, *refused = serve(app_of((Me(), auth)), conversation)
    assert (admitted.status, admitted.json) == (200, {"name": "ada"})
    assert {(each.status, each.body) for each in refused} == {(401, UNAUTHORIZED)}


@legal
def test_a_401_never_says_why(auth):
    """One answer for a missing, a malformed and an unknown credential, to the byte."""

    async def conversation(ask):
        return [await ask("GET", "/me", headers) for headers in ([], [("authorization", "Bearer unknown")])]

    missing, unknown = serve(app_of((Me(), auth)), conversation)
    assert missing.messages == unknown.messages
    assert missing.header("www-authenticate") == 'Bearer realm="restricted"'


def test_the_user_reaches_the_handler_together_with_the_body():
    headers = [*TOKEN, ("content-type", "application/json")]
    assert request(app_of((Me(), Async())), "POST", "/me", headers, b'{"name":"x"}').json == {"name": "x"}


def test_the_headers_are_a_struct_of_typed_values():
    class Tenants:
        def authenticate(self, headers: Typed) -> User:
            return User(f"{headers.x_tenant + 1} {headers.x_region}")

    async def conversation(ask):
        return [
            await ask("GET", "/me", headers)
            for headers in (
                [("x-tenant", "7")],
                [("x-tenant", "7"), ("x-region", "us")],
                [("x-tenant", "seven")],
                [("x-tenant", "7"), ("x-region", "antarctica")],
                [("x-tenant", "7"), ("x-tenant", "8")],
                [("x_tenant", "7")],
            )
        ]

    answers = serve(app_of((Me(), Tenants())), conversation)
    assert [answer.status for answer in answers] == [200, 200, 401, 401, 401, 401]
    assert [answer.json["name"] for answer in answers[:2]] == ["8 eu", "8 us"]
    assert answers[2].header("www-authenticate") == "ApiKey"


def test_a_struct_that_refuses_its_values_is_an_unusable_credential():
    class Checked(Struct):
        authorization: str

        def __post_init__(self):
            if not self.authorization.startswith("Bearer "):
                raise ValueError("no Bearer")

    class Strict:
        def authenticate(self, headers: Checked) -> User:
            return user_of(headers)

    app = app_of((Me(), Strict()))
    assert request(app, "GET", "/me", [("authorization", "Basic x")]).status == 401
    assert request(app, "GET", "/me", TOKEN).status == 200


# anonymous callers


class Guests:
    class Optional(Struct):
        authorization: str | None = None

    async def authenticate(self, headers: Optional) -> User | None:
        return None if headers.authorization is None else user_of(headers)


def test_an_authenticator_that_may_give_none_admits_anonymous_callers():
    async def conversation(ask):
        return [await ask("GET", "/me", headers) for headers in ([], TOKEN, [("authorization", "Bearer unknown")])]

    nobody, ada, unknown = serve(app_of((Whoever(), Guests())), conversation)
    assert (nobody.body, ada.body, unknown.status) == (b"nobody", b"ada", 401)


# what an authenticator raises and returns


@pytest.mark.parametrize("status", [400, 402, 403, 404, 429, 503])
def test_an_http_error_keeps_its_status_and_its_detail(status):
    class Refuses:
        async def authenticate(self, headers: Bearer) -> User:
            raise HTTPError(status, "not you", headers={"retry-after": "3"})

    response = request(app_of((Me(), Refuses())), "GET", "/me", TOKEN)
    assert (response.status, response.json["detail"], response.header("retry-after")) == (status, "not you", "3")
    assert response.header("www-authenticate") is None


class Expired(HTTPError, status=401, type="/problems/expired", title="Expired"):
    at: int


@pytest.mark.parametrize(
    "error",
    [
        HTTPError(401),
        HTTPError(401, "the token has expired"),
        Expired(at=7),
        ExceptionGroup("g", [HTTPError(401, "in a task")]),
        ExceptionGroup("g", [ExceptionGroup("h", [Expired(at=1)])]),
    ],
    ids=repr,
)
def test_any_401_of_an_authenticator_is_the_same_401(error):
    class Refuses:
        async def authenticate(self, headers: Bearer) -> User:
            raise error

    response = request(app_of((Me(), Refuses())), "GET", "/me", TOKEN)
    assert (response.status, response.body) == (401, UNAUTHORIZED)
    assert response.header("www-authenticate") == 'Bearer realm="restricted"'


def test_the_headers_of_a_401_stay_and_a_challenge_of_its_own_replaces_the_gate_s():
    class Digests:
        challenge = "Digest"

        async def authenticate(self, headers: Bearer) -> User:
            if headers.authorization == "1":
                raise HTTPError(401, headers={"WWW-Authenticate": 'Digest nonce="7"', "x-step": "1"})
            raise HTTPError(401, headers={"x-step": "2"})

    app = app_of((Me(), Digests()))
    first = request(app, "GET", "/me", [("authorization", "1")])
    assert (first.header("www-authenticate"), first.header("x-step")) == ('Digest nonce="7"', "1")
    second = request(app, "GET", "/me", [("authorization", "2")])
    assert (second.header("www-authenticate"), second.header("x-step")) == ("Digest", "2")


@pytest.mark.parametrize(
    "error",
    [RuntimeError("secret 4711"), ValueError("secret 4711"), KeyError("secret 4711"), LookupError(), TimeoutError()],
    ids=repr,
)
@pytest.mark.parametrize("kind", [Sync, Async])
def test_any_other_exception_is_a_logged_500(error, kind, caplog):
    ran = []

    class Fails(kind):
        pass

    async def fail_async(self, headers: Bearer) -> User:
        raise error

    def fail(self, headers: Bearer) -> User:
        raise error

    Fails.authenticate = fail if kind is Sync else fail_async

    class Spot(Endpoint, path="/me"):
        async def get(self, user: User) -> User:
            ran.append(user)
            return user

    response = request(app_of((Spot(), Fails())), "GET", "/me", TOKEN)
    assert (response.status, ran) == (500, [])
    assert b"4711" not in response.body
    assert type(error).__name__ in caplog.text
    assert "in authenticate" not in response.body.decode()


@pytest.mark.parametrize("value", [None, "ada", {"name": "ada"}, Service("k"), User, 0, False, [User("ada")]], ids=repr)
@pytest.mark.parametrize("is_async", [True, False])
def test_a_user_that_is_not_what_the_annotation_says_never_passes(value, is_async, caplog):
    ran = []

    class Wrong:
        def authenticate(self, headers: Bearer) -> User:
            return value

    async def authenticate(self, headers: Bearer) -> User:
        return value

    if is_async:
        Wrong.authenticate = authenticate

    class Spot(Endpoint, path="/me"):
        async def get(self, user: User) -> str:
            ran.append(user)
            return ""

    response = request(app_of((Spot(), Wrong())), "GET", "/me", TOKEN)
    assert (response.status, ran) == (500, [])
    assert "Wrong.authenticate returned a value of type" in caplog.text


@pytest.mark.parametrize("is_async", [True, False])
def test_a_subclass_of_the_user_passes(is_async):
    class Admins:
        def authenticate(self, headers: Bearer) -> User:
            return Admin("ada")

    async def authenticate(self, headers: Bearer) -> User:
        return Admin("ada")

    if is_async:
        Admins.authenticate = authenticate
    assert request(app_of((Me(), Admins())), "GET", "/me", TOKEN).json == {"name": "ada", "level": 1}


def test_users_may_be_of_several_types():
    class Two:
        async def authenticate(self, headers: Bearer) -> User | Service:
            return User("ada") if headers.authorization == "u" else Service("k")

    class Spot(Endpoint, path="/me"):
        async def get(self, user: User | Service) -> str:
            return type(user).__name__

    app = app_of((Spot(), Two()))
    assert request(app, "GET", "/me", [("authorization", "u")]).body == b"User"
    assert request(app, "GET", "/me", [("authorization", "s")]).body == b"Service"


def test_a_cancelled_authenticator_cancels_the_request():
    ran = []

    class Slow:
        async def authenticate(self, headers: Bearer) -> User:
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
            return User("never")

    class Spot(Endpoint, path="/me"):
        async def get(self, user: User) -> str:
            ran.append(user)
            return ""

    with pytest.raises(asyncio.CancelledError):
        request(app_of((Spot(), Slow())), "GET", "/me", TOKEN)
    assert ran == []


# context variables

who = ContextVar("who", default="nobody")


@pytest.mark.parametrize("is_async", [True, False])
def test_a_context_variable_set_in_an_authenticator_is_seen_in_the_handler_and_in_no_other_request(is_async):
    class Sets:
        def authenticate(self, headers: Bearer) -> User:
            self.before = who.get()
            who.set("ada")
            return user_of(headers)

    class SetsAsync(Sets):
        async def authenticate(self, headers: Bearer) -> User:
            await asyncio.sleep(0)
            return super().authenticate(headers)

    class Spot(Endpoint, path="/me"):
        async def get(self, user: User) -> str:
            return who.get()

    auth = SetsAsync() if is_async else Sets()

    async def conversation(ask):
        # Each request in a task of its own, as servers do it.
        bodies = [(await asyncio.create_task(ask("GET", "/me", TOKEN))).body for _ in range(2)]
        return bodies, auth.before

    assert serve(app_of((Spot(), auth)), conversation) == ([b"ada", b"ada"], "nobody")


# policies


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


def test_default_auth_gates_every_include_that_says_nothing():
    async def conversation(ask):
        return [(await ask("GET", target, headers)).status for target in ("/me", "/health") for headers in ([], TOKEN)]

    assert serve(app_of((Me(), None), (Health(), None), default=Async()), conversation) == [401, 200, 401, 200]
    assert serve(app_of((Me(), None), (Health(), PUBLIC), default=Async()), conversation) == [401, 200, 200, 200]


def test_a_user_in_a_public_operation_is_a_wiring_error():
    report = report_of(app_of((Me(), PUBLIC), default=Async()))
    assert report.count("JERO-W045") == 2


def test_an_app_without_the_source_says_which_line_brings_it():
    class Bare(BaseApp):
        async def _wire(self):
            self._include_endpoint(Me())

    report = report_of(Bare())
    assert "sources = {**BaseApp.sources, 'user': jero_auth.UserSource()}" in report


# what a gate is to documents


def plans_of(app):
    async def conversation(ask):
        return {plan.name: plan for plan in app._jero_plans}

    return serve(app, conversation)


def test_the_plan_says_which_headers_prove_who_calls():
    plan = plans_of(app_of((Me(), Async())))["Me.get"]
    (fact,) = plan.guard.security
    assert (fact.name, fact.scheme) == ("Async", {"type": "apiKey", "in": "header", "name": "authorization"})
    assert (plan.guard.problems, plan.guard.anonymous, plan.guard.yields) == ((401,), False, User)


def test_several_headers_are_needed_together():
    class Two:
        class Headers(Struct):
            x_key: str
            x_signature: str
            x_note: str = ""

        def authenticate(self, headers: Headers) -> User | None:
            return None

    guard = plans_of(app_of((Whoever(), Two())))["Whoever.get"].guard
    assert [(fact.name, fact.scheme["name"]) for fact in guard.security] == [("Two1", "x-key"), ("Two2", "x-signature")]
    assert guard.anonymous


def test_an_authenticator_may_say_itself_what_it_is():
    class Digests(Async):
        challenge = 'Digest realm="shop"'
        security_scheme = {"type": "http", "scheme": "digest"}

    app = app_of((Me(), Digests()))
    assert plans_of(app)["Me.get"].guard.security[0].scheme == {"type": "http", "scheme": "digest"}
    assert request(app, "GET", "/me").header("www-authenticate") == 'Digest realm="shop"'


def test_the_gate_stands_before_every_operation_of_its_include():
    class Things(Resource, path="/things"):
        async def create(self, user: User) -> None: ...
        async def read_many(self) -> None: ...
        async def delete(self, user: User) -> None: ...

    async def conversation(ask):
        return [(await ask(method, "/things")).status for method in ("POST", "GET", "HEAD", "DELETE", "OPTIONS", "PUT")]

    assert serve(app_of((Things(), Async())), conversation) == [401, 401, 401, 401, 204, 405]


def test_auth_app_is_what_the_remedies_say():
    assert AuthApp.sources.keys() == {*BaseApp.sources, "user"}
