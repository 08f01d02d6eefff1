"""Guards: what `auth=` becomes, made here of `jero_core.extend` alone, as a stranger would make one."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from msgspec import Struct

from jero_core import PUBLIC, REQUIRED, BaseApp, Endpoint, HTTPError, Resource
from jero_core.extend import (
    Binding,
    Fragment,
    Guard,
    GuardContext,
    Operation,
    Parameter,
    Reads,
    Refusal,
    SecurityFact,
)

from .asgi_driver import Client, StartupFailed, lifespan, request, serve

ran = []
trail = ContextVar("trail", default="")


class Tenant(Struct):
    name: str


async def tenant_of(name):
    trail.set(f"guard of {name}")
    await asyncio.sleep(0)
    if name == "broken":
        raise RuntimeError("the tenants are away")
    if name == "late":
        raise HTTPError(402, "pay first")
    return Tenant(name)


class TenantGuards:
    """`auth="header name"`: admits whoever names a tenant in this header."""

    def plan(self, auth: object, context: GuardContext, /) -> Guard:
        if not isinstance(auth, str):
            raise Refusal(code="SHOP-W001", reason="auth= is no header name.", remedy='`auth="x-tenant"`.')
        check = Fragment.of(
            """
            if $header0 is None:
                raise $HTTPError(401)
            $target = await $tenant_of($header0.decode())
            """,
            HTTPError=HTTPError,
            tenant_of=tenant_of,
        )
        return Guard(
            name="Tenants",
            check=check,
            headers=(auth.encode(),),
            yields=Tenant,
            problems=(401, 402),
            security=(SecurityFact("tenant", {"type": "apiKey", "in": "header", "name": auth}),),
        )


class TenantSource:
    """`tenant: Tenant`: what the guard yields."""

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        # Any: of a guard that could not be planned, which is reported.
        if operation.guard is None or operation.guard.yields not in (Tenant, Any):
            raise Refusal(code="SHOP-W002", reason="no tenant here.", remedy='`auth="x-tenant"`.')
        return Binding(reads=Reads.GUARD, extract=Fragment.of("$target = $admitted"))


class ItemPath(Struct):
    item: int


class Query(Struct):
    limit: int


class Wanted(Struct):
    x_tenant: str
    x_depth: int


class Items(Resource, path="/items", max_body_size=10):
    async def read_one(self, path: ItemPath, params: Query, headers: Wanted, tenant: Tenant) -> str:
        ran.append("read_one")
        return f"{tenant.name} {headers.x_tenant} {trail.get()}"

    async def create(self, json: Tenant) -> Tenant:
        ran.append("create")
        return json


class Open(Endpoint, path="/open"):
    async def get(self) -> str:
        return "open"


class App(BaseApp):
    sources = {**BaseApp.sources, "tenant": TenantSource()}
    guards = TenantGuards()

    async def _wire(self):
        self._include_resource(Items(), auth="x-tenant")
        self._include_endpoint(Open())


TENANT = [("x-tenant", "acme"), ("x-depth", "1")]


def test_a_stranger_s_guard_admits_and_yields_what_a_stranger_s_source_takes():
    response = request(App(), "GET", "/items/1?limit=1", headers=TENANT)
    assert (response.status, response.body) == (200, b"acme acme guard of acme")


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/items/1?limit=1", None),
        ("GET", "/items/no-number", None),
        ("GET", "/items/1?limit=x", None),
        ("POST", "/items", b"{"),
        ("POST", "/items", b"x" * 1000),
        ("HEAD", "/items/1", None),
    ],
)
def test_a_guard_refuses_before_anything_else_is_looked_at(method, target, body):
    async def conversation(client):
        ran.clear()
        response = await client.request(method, target, body=body)
        return response, client.received

    response, received = serve(App(), conversation)
    assert (response.status, received, ran) == (401, 0, [])


@pytest.mark.parametrize(
    ("target", "status"), [("/items/no-number", 404), ("/items/1?limit=x", 400), ("/items/1?limit=1", 200)]
)
def test_behind_its_guard_an_operation_answers_as_ever(target, status):
    assert request(App(), "GET", target, headers=TENANT).status == status


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("OPTIONS", "/items", 204), ("DELETE", "/items", 405), ("GET", "/nowhere", 404), ("GET", "/open", 200)],
)
def test_what_is_no_guarded_operation_has_no_guard(method, target, status):
    assert request(App(), method, target).status == status


@pytest.mark.parametrize(("tenant", "status"), [("late", 402), ("broken", 500)])
def test_what_a_guard_raises_is_answered_like_a_handler_s(tenant, status, caplog):
    response = request(App(), "GET", "/items/1", headers=[("x-tenant", tenant)])
    assert response.status == status
    assert ("the tenants are away" in caplog.text) == (status == 500)


def test_the_plan_says_what_the_guard_is_to_documents():
    app = App()

    async def conversation(client):
        return {plan.name: plan.guard for plan in app._jero_plans}

    guards = serve(app, conversation)
    assert guards["Open.get"] is None
    assert guards["Items.create"] is guards["Items.read_one"]
    assert guards["Items.create"].problems == (401, 402)
    assert guards["Items.create"].security[0].scheme == {"type": "apiKey", "in": "header", "name": "x-tenant"}


# who decides


def app_with(default, *auths, base=App):
    """An app that includes an endpoint for each `auth=`, at /0, /1, ..."""

    class Policy(base):
        default_auth = default

        async def _wire(self):
            for number, auth in enumerate(auths):

                class Spot(Endpoint, path=f"/{number}"):
                    async def get(self) -> str:
                        return "in"

                self._include_endpoint(Spot(), auth=auth)

    return Policy()


@pytest.mark.parametrize(
    ("default", "auth", "status"),
    [
        (None, None, 200),
        (PUBLIC, None, 200),
        ("x-tenant", None, 401),
        (None, "x-tenant", 401),
        (PUBLIC, "x-tenant", 401),
        ("x-other", "x-tenant", 401),
        (REQUIRED, "x-tenant", 401),
        (None, PUBLIC, 200),
        ("x-tenant", PUBLIC, 200),
        (REQUIRED, PUBLIC, 200),
    ],
)
def test_auth_decides_and_without_it_default_auth_does(default, auth, status):
    async def conversation(client):
        return [await client.request("GET", "/0", headers=headers) for headers in ([], [("x-tenant", "acme")])]

    without, with_credential = serve(app_with(default, auth), conversation)
    assert (without.status, with_credential.status) == (status, 200)


def report_of(app):
    async def main():
        async with lifespan(app):
            pass

    with pytest.raises(StartupFailed) as caught:
        asyncio.run(main())
    return str(caught.value)


def codes_of(app):
    import re

    return re.findall(r"^([A-Z]+-W\d+) at ", report_of(app), re.MULTILINE)


@pytest.mark.parametrize("auth", [None, REQUIRED])
def test_with_required_an_include_that_does_not_decide_is_a_wiring_error(auth):
    assert codes_of(app_with(REQUIRED, PUBLIC, auth, "x-tenant")) == ["JERO-W041"]


def test_every_undecided_include_is_reported():
    assert codes_of(app_with(REQUIRED, None, None)) == ["JERO-W041"]  # One line: both are included by it.


def test_required_is_no_decision_of_an_include():
    assert codes_of(app_with(None, REQUIRED)) == ["JERO-W041"]


def test_default_auth_may_be_assigned_before_the_first_include():
    class Assigned(App):
        async def _wire(self):
            self.default_auth = "x-tenant"
            self._include_endpoint(Open())

    app = Assigned()
    assert request(app, "GET", "/open").status == 401
    assert request(app, "GET", "/open", headers=TENANT).status == 200  # Started again.


@pytest.mark.parametrize("between", [True, False])
def test_default_auth_that_changes_after_an_include_is_a_wiring_error(between):
    class Late(App):
        async def _wire(self):
            self._include_endpoint(Open())
            self.default_auth = "x-tenant"
            if between:
                self._include_resource(Items(), auth="x-tenant")

    assert set(codes_of(Late())) == {"JERO-W051"}


@pytest.mark.parametrize("auth", ["x-tenant", object(), False])
def test_an_app_without_guards_says_which_package_brings_them(auth):
    for default, given in ((None, auth), (auth, None)):
        report = report_of(app_with(default, given, base=BaseApp))
        assert "JERO-W040" in report
        assert "guards = jero_auth.AuthGuards()" in report


def test_public_needs_no_guards():
    assert request(app_with(REQUIRED, PUBLIC, base=BaseApp), "GET", "/0").body == b"in"


# what is wrong with guards


def test_a_refused_guard_does_not_hide_what_else_is_wrong():
    class Wrong(Endpoint, path="/wrong"):
        async def get(self, tenant: Tenant, nobody: int) -> str:
            return ""

    class Both(App):
        async def _wire(self):
            self._include_endpoint(Wrong(), auth=3)

    codes = codes_of(Both())
    assert codes[0] == "SHOP-W001"
    assert "JERO-W012" in codes


@pytest.mark.parametrize("guards", [TenantGuards, object(), "guards"])
def test_guards_that_make_no_guards_are_reported_once(guards):
    class Faulty(App):
        pass

    Faulty.guards = guards
    assert codes_of(Faulty())[0] == "JERO-W051"
    assert "JERO-W019" not in codes_of(Faulty())


class FaultyGuards:
    """Fails in the way that it is told."""

    def plan(self, auth, context):
        if auth == "raise":
            raise KeyError("plan")
        return {
            "none": None,
            "unbound": Guard("G", Fragment.of("$nobody()")),
            "receive": Guard("G", Fragment.of("await $receive()")),
            "send": Guard("G", Fragment.of("await $send({})")),
            "target": Guard("G", Fragment.of("$target = 1")),
            "syntax": Guard("G", Fragment.of("if if")),
        }[auth]


@pytest.mark.parametrize("auth", ["raise", "none", "unbound", "receive", "send", "target", "syntax"])
def test_a_faulty_guard_is_a_wiring_error(auth):
    class Faulty(App):
        guards = FaultyGuards()

        async def _wire(self):
            self._include_endpoint(Open(), auth=auth)

    assert codes_of(Faulty()) == ["JERO-W019"]


class AnonymousGuards:
    def plan(self, auth, context):
        return Guard("Guests", Fragment.of("$target = None"), yields=Tenant | None, anonymous=True)


class GuestSource:
    def bind(self, parameter, operation):
        return Binding(reads=Reads.GUARD, extract=Fragment.of("$target = $admitted"))


def test_an_operation_must_take_what_a_guard_of_anonymous_callers_yields():
    class Guests(Endpoint, path="/guests"):
        async def get(self, guest: Tenant | None) -> str:
            return repr(guest)

        async def post(self) -> str:
            return ""

    class Anonymous(BaseApp):
        guards = AnonymousGuards()
        sources = {**BaseApp.sources, "guest": GuestSource()}

        async def _wire(self):
            self._include_endpoint(Guests(), auth="any")

    report = report_of(Anonymous())
    assert "JERO-W042" in report
    assert "Guests.post" in report
    assert "Guests.get" not in report
    del Guests.post
    assert request(Anonymous(), "GET", "/guests").body == b"None"


# generated code


def test_operations_of_one_guard_and_shape_share_their_text():
    from jero_core.compile import Compiler
    from jero_core.emit import emit

    app = App()

    async def conversation(client):
        return [plan for plan in app._jero_plans if plan.guard is not None]

    one, two = (emit(plan) for plan in serve(app, conversation) if plan.method == "POST" for _ in range(2))
    compiler = Compiler()
    assert compiler.compile(one) is not compiler.compile(two)
    assert len(compiler._codes) == 1


def test_operations_that_differ_in_their_guard_alone_keep_their_own():
    class Both(App):
        async def _wire(self):
            for path, auth in (("/a", "x-a"), ("/b", "x-b"), ("/c", None)):
                self._include_endpoint(type("Spot", (Open,), {}, path=path)(), auth=auth)

    async def conversation(client):
        return [
            [(await client.request("GET", path, headers=[(name, "acme")])).status for name in ("x-a", "x-b")]
            for path in ("/a", "/b", "/c")
        ]

    assert serve(Both(), conversation) == [[200, 401], [401, 200], [200, 200]]


def test_a_guard_that_yields_nothing_has_no_target():
    class Closed:
        def plan(self, auth: Any, context: GuardContext, /) -> Guard:
            check = Fragment.of("if $scope['method'] == $operation:\n    raise $HTTPError(403)", HTTPError=HTTPError)
            return Guard("Closed", check, problems=(403,))

    class Shut(BaseApp):
        guards = Closed()
        default_auth = "any"

        async def _wire(self):
            self._include_endpoint(Open())

    async def conversation(client: Client):
        return await client.request("GET", "/open"), await client.request("Open.get", "/open")

    assert [response.status for response in serve(Shut(), conversation)] == [200, 405]


def test_explain_shows_the_guard():
    from jero_core.explain import describe

    app = App()

    async def conversation(client):
        return app._jero_explained()

    described = {plan.name: "\n".join(describe(plan, function)) for plan, function in serve(app, conversation)}
    assert "    guard       Tenants, which gives Tenant, else 401, 402\n" in described["Items.read_one"]
    assert "    tenant      Tenant, as the guard admitted it\n" in described["Items.read_one"]
    assert "    guard  " not in described["Open.get"]


def test_explain_shows_a_guard_that_yields_nothing():
    from jero_core.explain import describe

    class Nobody:
        def plan(self, auth, context):
            return Guard("Nobody", Fragment.of("raise $HTTPError(403)", HTTPError=HTTPError), problems=(403,))

    class Shut(BaseApp):
        guards = Nobody()

        async def _wire(self):
            self._include_endpoint(Open(), auth="any")

    app = Shut()

    async def conversation(client):
        return app._jero_explained()

    ((plan, function),) = serve(app, conversation)
    assert "    guard       Nobody, else 403" in list(describe(plan, function))


def test_includes_with_one_object_share_a_guard():
    planned = []

    class Counting(TenantGuards):
        def plan(self, auth, context):
            planned.append(auth)
            return super().plan(auth, context)

    class Two(App):
        guards = Counting()

        async def _wire(self):
            self._include_resource(Items(), auth="x-tenant")
            self._include_endpoint(Open(), auth="x-tenant")

    assert request(Two(), "GET", "/open").status == 401
    assert planned == ["x-tenant"]


def test_decisions_are_shown_by_their_names():
    assert f"{PUBLIC} {REQUIRED!r}".endswith("REQUIRED")
    assert repr(PUBLIC) == "PUBLIC"
