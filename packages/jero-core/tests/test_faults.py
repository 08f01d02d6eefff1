"""The `jero.faults` extension, and what else drives apps from outside: plans, and factories without an app."""

import asyncio
import contextlib

import pytest

from jero_core import BaseApp, BaseFactory, Endpoint, HTTPError, WiringError
from jero_core.extend import FAULTS, Binding, Fragment, Lifecycle, Reads, factory_on, note_cut_off, plans_of

from .asgi_driver import app_of, request


class Spot(Endpoint, path="/spot"):
    def __init__(self, error=None):
        self.error = error

    async def get(self) -> str:
        if self.error is not None:
            raise self.error
        return "fine"


class BadCleanup:
    def bind(self, parameter, operation, /):
        return Binding(Reads.HEAD, Fragment.of("$target = 1"), after=Fragment.of("1 / 0"))


class Cleaned(Endpoint, path="/spot"):
    async def get(self, thing: int) -> str:
        return str(thing)


class CleanedApp(BaseApp):
    sources = {**BaseApp.sources, "thing": BadCleanup()}

    async def _wire(self):
        self._include_endpoint(Cleaned())


def faults_of(app, *, takes=True, path="/spot"):
    """The answer to one GET, and what the extension was offered."""
    offered = []

    def take(error):
        offered.append(error)
        return takes

    return request(app, "GET", path, extensions={FAULTS: {"take": take}}), offered


def test_a_fault_is_offered_and_if_taken_not_logged(caplog):
    error = ValueError("secret")
    response, offered = faults_of(app_of(Spot(error)))
    assert offered == [error]
    assert response.status == 500
    assert "secret" not in response.body.decode()
    assert not caplog.records


@pytest.mark.parametrize("takes", [False, None, 1, "yes"])
def test_a_fault_that_is_not_taken_is_logged(takes, caplog):
    _, offered = faults_of(app_of(Spot(ValueError("secret"))), takes=takes)
    assert len(offered) == 1
    assert "secret" in caplog.text


@pytest.mark.parametrize("error", [None, HTTPError(404), ExceptionGroup("g", [HTTPError(404)])])
def test_an_answer_is_no_fault(error, caplog):
    assert faults_of(app_of(Spot(error)))[1] == []
    assert faults_of(app_of(Spot(error)), path="/nowhere")[1] == []
    assert not caplog.records


def test_a_fault_of_a_cleanup_is_offered_too(caplog):
    response, offered = faults_of(CleanedApp())
    assert response.status == 200
    assert [type(error) for error in offered] == [ZeroDivisionError]
    assert not caplog.records


@pytest.mark.parametrize(
    "extensions", [None, 3, {}, {FAULTS: None}, {FAULTS: {}}, {FAULTS: {"take": 3}}, {"other": {"take": print}}]
)
def test_an_extension_of_another_shape_takes_nothing(extensions, caplog):
    response = request(app_of(Spot(ValueError("secret"))), "GET", "/spot", extensions=extensions)
    assert response.status == 500
    assert "secret" in caplog.text


class Broken(BaseApp):
    def __init__(self, *, opens=False, closes=False):
        super().__init__()
        self.opens, self.closes = opens, closes

    async def _wire(self):
        if self.closes:
            self._enter(contextlib.ExitStack()).callback(lambda: 1 / 0)
        if self.opens:
            raise ConnectionError("away")


def lifespan_of(app):
    """What the app sends while it starts and stops, and what the extension was offered."""
    sent, offered = [], []

    def take(error):
        offered.append(error)
        return True

    async def main():
        incoming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive():
            return next(incoming)

        async def send(message):
            sent.append(message["type"])

        await app(
            {"type": "lifespan", "asgi": {"version": "3.0"}, "extensions": {FAULTS: {"take": take}}}, receive, send
        )

    asyncio.run(main())
    return sent, offered


def test_a_failed_start_is_offered_with_its_own_exception(caplog):
    sent, offered = lifespan_of(Broken(opens=True))
    assert sent == ["lifespan.startup.failed"]
    assert [str(error) for error in offered] == ["away"]
    assert not caplog.records


def test_what_fails_while_a_failed_start_is_closed_is_logged_and_not_offered(caplog):
    _, offered = lifespan_of(Broken(opens=True, closes=True))
    assert [str(error) for error in offered] == ["away"]
    assert [record.message for record in caplog.records] == ["closing after a failed startup failed"]


def test_a_failed_stop_is_offered(caplog):
    sent, offered = lifespan_of(Broken(closes=True))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.failed"]
    assert [type(error) for error in offered] == [ZeroDivisionError]
    assert not caplog.records


def test_plans_are_there_once_the_app_has_started():
    app = app_of(Spot())
    assert plans_of(app) == ()
    request(app, "GET", "/spot")
    assert [plan.label for plan in plans_of(app)] == ["GET /spot"]


class Factory(BaseFactory):
    def __init__(self, journal=None):
        self.journal = [] if journal is None else journal
        if journal is None:
            self.open("init")

    def open(self, name):
        self._enter(contextlib.ExitStack()).callback(self.journal.append, name)


def test_a_factory_is_made_on_a_stack_and_may_open_in_its_constructor():
    lifecycle = Lifecycle()
    factory = factory_on(lifecycle, Factory)
    factory.open("later")
    asyncio.run(lifecycle.close())
    assert factory.journal == ["later", "init"]


def test_a_given_factory_is_put_on_a_stack_as_it_is():
    lifecycle, given = Lifecycle(), Factory([])
    assert factory_on(lifecycle, given) is given
    given.open("one")
    asyncio.run(lifecycle.close())
    assert given.journal == ["one"]


def test_a_wiring_report_that_is_taken_is_not_logged(caplog):
    class Wrong(Endpoint, path="/wrong"):
        async def get(self, nothing_binds_this: int) -> str: ...

    sent, offered = lifespan_of(app_of(Wrong()))
    assert sent == ["lifespan.startup.failed"]
    assert [type(error) for error in offered] == [WiringError]
    assert not caplog.records


def test_a_taker_that_fails_costs_the_client_nothing(caplog):
    def take(error):
        raise LookupError("the tracker is away")

    response = request(app_of(Spot(ValueError("secret"))), "GET", "/spot", extensions={FAULTS: {"take": take}})
    assert response.status == 500
    assert "the tracker is away" in caplog.text
    assert "secret" in caplog.text


def test_a_response_that_is_cut_off_is_told_to_whoever_listens():
    told = []
    note_cut_off({"extensions": {FAULTS: {"cut_off": lambda: told.append(1)}}})
    for scope in ({}, {"extensions": None}, {"extensions": {FAULTS: {"take": print}}}):
        note_cut_off(scope)
    assert told == [1]
