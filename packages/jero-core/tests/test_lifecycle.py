"""App and lifecycle: SPEC section 2."""

import asyncio
import contextlib
import dataclasses
import gc

import pytest
from msgspec import Struct

from jero_core import BaseApp, BaseFactory, Endpoint, Place, WiringError, inflight
from jero_core.extend import Refusal

from .asgi_driver import Client, StartupFailed, lifespan, request, serve


class Word(Struct):
    text: str


class Spot(Endpoint, path="/spot"):
    async def get(self) -> Word:
        return Word("here")


class Journal:
    """Context managers that note when they open and close."""

    def __init__(self):
        self.entries = []

    @contextlib.contextmanager
    def sync(self, name, fail=False):
        self.entries.append(f"open {name}")
        try:
            yield name
        finally:
            self.entries.append(f"close {name}")
            if fail:
                raise RuntimeError(f"{name} does not close")

    @contextlib.asynccontextmanager
    async def asynchronous(self, name, fail=False):
        with self.sync(name, fail):
            yield name


class JournalApp(BaseApp):
    def __init__(self, *, failing=(), **options):
        super().__init__(**options)
        self.journal = Journal()
        self.failing = failing

    async def _wire(self):
        for name in "abcd":
            fail = name in self.failing
            if name in "ac":
                assert self._enter(self.journal.sync(name, fail)) == name
            else:
                assert await self._aenter(self.journal.asynchronous(name, fail)) == name
        self._include_endpoint(Spot())


OPENED = ["open a", "open b", "open c", "open d"]
CLOSED = ["close d", "close c", "close b", "close a"]


async def nothing(client):
    return None


async def get(client):
    return (await client.request("GET", "/spot")).status


def test_sync_and_async_resources_close_in_one_reverse_order():
    app = JournalApp()
    assert serve(app, get) == 200
    assert app.journal.entries == OPENED + CLOSED


def run_failing(app):
    with pytest.raises(StartupFailed) as caught:
        serve(app, nothing)
    return str(caught.value)


def test_what_was_opened_is_closed_when_wiring_fails_half_way(caplog):
    class App(JournalApp):
        async def _wire(self):
            await super()._wire()
            raise RuntimeError("no database")

    app = App()
    report = run_failing(app)
    assert "no database" in report
    assert "Traceback" in report
    assert app.journal.entries == OPENED + CLOSED
    assert "no database" in caplog.text


def test_a_wiring_error_closes_what_was_opened(caplog):
    class App(JournalApp):
        async def _wire(self):
            await super()._wire()
            self._include_endpoint(Spot)

    app = App()
    assert "JERO-W004" in run_failing(app)
    assert app.journal.entries == OPENED + CLOSED


def test_wiring_problems_are_told_together_with_the_exception_that_ended_wiring(caplog):
    class App(BaseApp):
        async def _wire(self):
            self._include_endpoint(Spot)
            raise RuntimeError("no database")

    report = run_failing(App())
    assert "no database" in report
    assert "JERO-W004" in report


def test_a_failing_close_during_a_failed_startup_hides_nothing(caplog):
    class App(JournalApp):
        async def _wire(self):
            await super()._wire()
            raise RuntimeError("no database")

    app = App(failing="c")
    assert "no database" in run_failing(app)
    assert app.journal.entries == OPENED + CLOSED
    assert "c does not close" in caplog.text


@pytest.mark.parametrize(("failing", "said"), [("c", ["c does not"]), ("da", ["d does not", "a does not", "several"])])
def test_a_failing_close_fails_the_shutdown_and_skips_no_other(failing, said, caplog):
    app = JournalApp(failing=failing)

    async def main():
        async with lifespan(app) as outcome:
            pass
        return outcome

    outcome = asyncio.run(main())
    assert outcome["type"] == "lifespan.shutdown.failed"
    assert all(text in outcome["message"] and text in caplog.text for text in said)
    assert app.journal.entries == OPENED + CLOSED


def test_a_resource_that_suppresses_exceptions_cannot_hide_a_failing_close(caplog):
    class App(BaseApp):
        async def _wire(self):
            self._enter(contextlib.suppress(RuntimeError))
            self._enter(Journal().sync("a", fail=True))

    async def main():
        async with lifespan(App()) as outcome:
            pass
        return outcome["type"]

    assert asyncio.run(main()) == "lifespan.shutdown.failed"


def test_the_app_can_be_started_again():
    app = JournalApp()
    assert serve(app, get) == 200
    assert serve(app, get) == 200
    assert app.journal.entries == (OPENED + CLOSED) * 2


def test_a_request_outside_the_lifespan_gets_503():
    app = JournalApp()
    serve(app, nothing)
    response = asyncio.run(Client(app).request("GET", "/spot"))
    assert (response.status, response.header("content-type")) == (503, "application/problem+json")


def test_a_request_while_starting_gets_503():
    statuses = []

    class App(BaseApp):
        async def _wire(self):
            statuses.append((await Client(self).request("GET", "/spot")).status)

    serve(App(), nothing)
    assert statuses == [503]


def test_without_a_lifespan_the_first_request_starts_the_app_once():
    app = JournalApp()

    async def main():
        client = Client(app)
        responses = await asyncio.gather(*(client.request("GET", "/spot") for _ in range(3)))
        return [response.status for response in responses], list(app.journal.entries)

    assert asyncio.run(main()) == ([200, 200, 200], OPENED)


def test_without_a_lifespan_a_failed_start_is_logged_once_and_answers_503(caplog):
    class App(BaseApp):
        async def _wire(self):
            await asyncio.sleep(0)
            self._include_endpoint(Spot)

    async def main():
        client = Client(App())
        responses = await asyncio.gather(*(client.request("GET", "/spot") for _ in range(3)))
        return [response.status for response in responses]

    assert asyncio.run(main()) == [503, 503, 503]
    assert caplog.text.count("JERO-W004") == 1


def test_a_wiring_error_is_logged_without_a_traceback(caplog):
    class App(BaseApp):
        async def _wire(self):
            self._include_endpoint(Spot)

    assert run_failing(App()) in caplog.text
    assert "Traceback" not in caplog.text


def test_a_first_request_that_is_cancelled_does_not_cancel_the_start():
    class App(BaseApp):
        async def _wire(self):
            await asyncio.sleep(0.01)
            self._include_endpoint(Spot())

    async def main():
        client = Client(App())
        first = asyncio.create_task(client.request("GET", "/spot"))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return (await client.request("GET", "/spot")).status

    assert asyncio.run(main()) == 200


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), BaseExceptionGroup("x", [SystemExit()])])
def test_whatever_ends_wiring_is_logged_and_told_and_closes_what_was_opened(error, caplog):
    class App(JournalApp):
        async def _wire(self):
            await super()._wire()
            raise error

    app = App(failing="b")
    assert type(error).__name__ in run_failing(app)
    assert type(error).__name__ in caplog.text
    assert app.journal.entries == OPENED + CLOSED


def test_a_lifespan_task_that_is_cancelled_while_starting_stays_cancelled(caplog):
    class App(BaseApp):
        async def _wire(self):
            await asyncio.sleep(60)

    async def main():
        incoming = asyncio.Queue()
        await incoming.put({"type": "lifespan.startup"})
        task = asyncio.create_task(App()({"type": "lifespan"}, incoming.get, None))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


class Waits(Endpoint, path="/waits"):
    def __init__(self):
        self.waiting = asyncio.Event()

    async def get(self) -> None:
        self.waiting.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("moment", ["serving", "draining"])
def test_a_lifespan_task_that_is_cancelled_closes_what_was_opened_without_waiting(moment, caplog):
    waits = Waits()

    class App(JournalApp):
        async def _wire(self):
            await super()._wire()
            self._include_endpoint(waits)

    app = App()

    async def main():
        incoming, sent = asyncio.Queue(), asyncio.Queue()
        await incoming.put({"type": "lifespan.startup"})
        task = asyncio.create_task(app({"type": "lifespan"}, incoming.get, sent.put))
        await sent.get()
        request = asyncio.create_task(Client(app).request("GET", "/waits"))
        await waits.waiting.wait()
        if moment == "draining":
            await incoming.put({"type": "lifespan.shutdown"})
            for _ in range(5):
                await asyncio.sleep(0)
            assert (await Client(app).request("GET", "/spot")).status == 503
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert app.journal.entries == OPENED + CLOSED
        assert (await Client(app).request("GET", "/spot")).status == 503
        request.cancel()

    asyncio.run(asyncio.wait_for(main(), 5))


def test_a_lifespan_that_is_cancelled_gives_queues_no_time_to_drain():
    seen = []

    class Queue:
        async def __aenter__(self): ...

        async def __aexit__(self, *_):
            seen.append("closed")

        async def __jero_drain__(self):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cut off")
                raise

    class App(BaseApp):
        async def _wire(self):
            await self._aenter(Queue())

    async def main():
        incoming, sent = asyncio.Queue(), asyncio.Queue()
        await incoming.put({"type": "lifespan.startup"})
        task = asyncio.create_task(App()({"type": "lifespan"}, incoming.get, sent.put))
        await sent.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(main(), 5))
    assert seen == ["cut off", "closed"]


def test_a_lifespan_that_is_thrown_away_waits_for_nothing(caplog):
    class App(BaseApp):
        async def _wire(self):
            await self._aenter(self.resource())

        @contextlib.asynccontextmanager
        async def resource(self):
            yield
            await asyncio.sleep(60)

    async def main():
        incoming, sent = asyncio.Queue(), asyncio.Queue()
        await incoming.put({"type": "lifespan.startup"})
        lifespan = App()({"type": "lifespan"}, incoming.get, sent.put)
        lifespan.send(None)
        lifespan.close()

    asyncio.run(main())
    assert not caplog.records


def test_without_a_lifespan_the_next_request_tries_again_after_a_failed_start(caplog):
    class App(JournalApp):
        starts = 0

        async def _wire(self):
            self.starts += 1
            if self.starts == 1:
                raise OSError("not up yet")
            await super()._wire()

    async def main():
        client = Client(App())
        return [(await client.request("GET", "/spot")).status for _ in range(3)]

    assert asyncio.run(main()) == [503, 200, 200]
    assert [str(record.exc_info[1]) for record in caplog.records] == ["not up yet"]


def test_without_a_lifespan_wrong_declarations_are_reported_once(caplog):
    class App(BaseApp):
        async def _wire(self):
            self._include_endpoint(Spot)

    app = App()

    async def main():
        client = Client(app)
        return [(await client.request("GET", "/spot")).status for _ in range(2)]

    assert asyncio.run(main()) == [503, 503]
    assert asyncio.run(main()) == [503, 503]
    assert caplog.text.count("JERO-W004") == 1


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_without_a_lifespan_a_start_that_another_loop_cut_off_is_made_again(is_cancelled):
    class App(BaseApp):
        starts = 0

        async def _wire(self):
            self.starts += 1
            if self.starts == 1:
                self.under_way.set()
                await asyncio.Event().wait()
            self._include_endpoint(Spot())

    app = App()

    async def first():
        app.under_way = asyncio.Event()
        asyncio.create_task(Client(app).request("GET", "/spot"))  # noqa: RUF006  # cut off
        await app.under_way.wait()

    async def second():
        return (await asyncio.wait_for(Client(app).request("GET", "/spot"), 5)).status

    with asyncio.Runner() as runner:
        runner.run(first())
        if not is_cancelled:
            with asyncio.Runner() as other:
                assert other.run(second()) == 200
    if is_cancelled:
        assert asyncio.run(second()) == 200


def test_names_of_an_app_s_own_do_not_meet_jero_s():
    class App(BaseApp):
        _static = _router = _lifecycle = _planner = None

        async def _start(self): ...

        async def _stop(self): ...

        def _route(self): ...

        def _respond(self): ...

        async def _wire(self):
            self._include_endpoint(Spot())

    assert serve(App(), get) == 200


# factories


def test_a_factory_s_own_init_may_open_resources():
    class Eager(BaseFactory):
        def __init__(self):
            self.journal = Journal()
            self._enter(self.journal.sync("a"))

    class App(BaseApp[Eager]):
        async def _wire(self):
            self.eager = self._factory

    app = App()
    with pytest.raises(RuntimeError, match="when the app starts"):
        app._factory  # noqa: B018
    serve(app, nothing)
    assert app.eager.journal.entries == ["open a", "close a"]


@dataclasses.dataclass(frozen=True)
class Frozen(BaseFactory):
    word: str = "default"

    def opens(self, journal):
        self._enter(journal.sync(self.word))


@pytest.mark.parametrize("given", [None, Frozen("given")])
def test_a_factory_may_be_frozen(given):
    journal = Journal()

    class App(BaseApp[Frozen]):
        async def _wire(self):
            self._factory.opens(journal)

    serve(App(factory=given), nothing)
    word = "default" if given is None else "given"
    assert journal.entries == [f"open {word}", f"close {word}"]


def test_a_given_factory_may_be_anything():
    class App(BaseApp[Factory]):
        async def _wire(self):
            self.seen = self._factory

    app = App(factory="a stand-in")
    serve(app, nothing)
    assert app.seen == "a stand-in"


def test_problems_of_the_app_are_told_with_the_failure_of_its_factory(caplog):
    class Failing(BaseFactory):
        def __init__(self):
            raise OSError("no database")

    class App(BaseApp[Failing]):
        shutdown_timeout = "soon"

        async def _wire(self): ...

    report = run_failing(App())
    assert "no database" in report
    assert "JERO-W051" in report


class Factory(BaseFactory):
    def __init__(self):
        self.journal = Journal()

    async def word(self):
        return self._enter(self.journal.sync("a")) + await self._aenter(self.journal.asynchronous("b"))


class FactoryApp(BaseApp[Factory]):
    async def _wire(self):
        self.word = await self._factory.word()
        self.factory = self._factory


def test_the_factory_is_built_at_startup_and_opens_on_the_app_s_stack():
    app = FactoryApp()
    serve(app, nothing)
    assert app.word == "ab"
    assert app.factory.journal.entries == ["open a", "open b", "close b", "close a"]


def test_the_factory_may_be_named_on_an_indirect_base():
    class Base[F](BaseApp[F]):
        async def _wire(self):
            self.factory = self._factory

    class Middle(Base[Factory]): ...

    class App(Middle): ...

    for cls in (App, type("Plain", (FactoryApp,), {})):
        app = cls()
        serve(app, nothing)
        assert isinstance(app.factory, Factory)


def test_a_given_factory_is_used():
    factory = Factory()
    app = FactoryApp(factory=factory)
    serve(app, nothing)
    assert app.factory is factory


def test_an_app_without_a_factory_has_none():
    class App(BaseApp):
        async def _wire(self):
            self.seen = self._factory

    app = App()
    serve(app, nothing)
    assert app.seen is None


def test_an_app_without_wire_cannot_be_made():
    class App(BaseApp): ...

    with pytest.raises(TypeError, match="_wire"):
        App()


def test_an_app_with_its_own_init_needs_no_super():
    class App(BaseApp):
        def __init__(self):
            self.word = "own"

        async def _wire(self):
            self._include_endpoint(Spot())

    assert serve(App(), get) == 200


def test_including_into_an_app_that_serves_is_an_error():
    app = JournalApp()

    async def conversation(client):
        with pytest.raises(WiringError, match="JERO-W052"):
            app._include_endpoint(Spot())
        return (await client.request("GET", "/spot")).status

    assert serve(app, conversation) == 200


def test_after_a_failed_start_nothing_is_being_wired(caplog):
    class Broken(BaseFactory):
        def __init__(self):
            raise OSError("no configuration")

    class App(BaseApp[Broken]):
        async def _wire(self): ...

    app = App()
    run_failing(app)
    app._include_endpoint(Spot())
    assert "JERO-W052" in str(app._jero_strays[0])


def test_a_fault_inside_a_factory_s_constructor_is_its_own(caplog):
    class Broken(BaseFactory):
        def __init__(self):
            len(3)

    class App(BaseApp[Broken]):
        async def _wire(self): ...

    report = run_failing(App())
    assert "has no len()" in report
    assert "JERO" not in report


# Requests under way when the app stops.


class SlowApp(BaseApp):
    """Its one handler waits until it is told to go on, and then uses the app's resource."""

    def __init__(self):
        super().__init__()
        self.journal = Journal()
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def _wire(self):
        self._enter(self.journal.sync("resource"))
        app = self

        class Slow(Endpoint, path="/slow"):
            async def get(self) -> Word:
                app.reached.set()
                await app.go_on.wait()
                app.journal.entries.append("handler ends")
                return Word("done")

        self._include_endpoint(Slow())
        self._include_endpoint(Spot())


def in_a_middleware(app):
    """The app behind a middleware that drives it in a task of its own."""

    async def middleware(scope, receive, send):
        await asyncio.create_task(app(scope, receive, send))

    return middleware


@pytest.mark.parametrize("counts", [True, False], ids=["counted", "looked for"])
@pytest.mark.parametrize("wrap", [lambda app: app, in_a_middleware], ids=["plain", "middleware"])
def test_a_request_under_way_ends_before_the_resources_close(wrap, counts, monkeypatch):
    assert inflight._coroutines_count()
    monkeypatch.setattr(inflight, "_coroutines_count", lambda: counts)

    async def main():
        app = SlowApp()
        async with lifespan(app) as outcome:
            request = asyncio.create_task(Client(wrap(app)).request("GET", "/slow"))
            await app.reached.wait()
            asyncio.get_running_loop().call_later(0.05, app.go_on.set)
        assert outcome["type"] == "lifespan.shutdown.complete"
        assert app.journal.entries == ["open resource", "handler ends", "close resource"]
        return await request

    assert asyncio.run(main()).json == {"text": "done"}


def test_a_new_request_gets_503_while_the_app_waits_for_others():
    async def main():
        app = SlowApp()
        async with lifespan(app):
            request = asyncio.create_task(Client(app).request("GET", "/slow"))
            await app.reached.wait()

            async def later():
                await asyncio.sleep(0.01)
                response = await Client(app).request("GET", "/spot")
                app.go_on.set()
                return response

            second = asyncio.create_task(later())
        await request
        return await second

    assert asyncio.run(main()).status == 503


def test_a_request_that_does_not_end_is_waited_for_no_longer_than_the_timeout(caplog):
    class Impatient(SlowApp):
        shutdown_timeout = 0.02

    async def main():
        app = Impatient()
        async with lifespan(app) as outcome:
            request = asyncio.create_task(Client(app).request("GET", "/slow"))
            await app.reached.wait()
        assert outcome["type"] == "lifespan.shutdown.complete"
        assert app.journal.entries == ["open resource", "close resource"]
        app.go_on.set()
        await request

    asyncio.run(main())
    assert "resources close while 1 requests are under way, after 0.02 s: <jero GET /slow>" in caplog.text


@pytest.mark.parametrize("path", ["/spot", "/missing", "/slow/x"])
def test_nothing_is_looked_for_when_nothing_is_under_way(path, monkeypatch):
    monkeypatch.setattr(gc, "get_objects", None)
    assert request(SlowApp(), "GET", path).status in {200, 404}


def test_the_requests_of_another_app_are_not_waited_for():
    async def main():
        other, app = SlowApp(), SlowApp()
        async with lifespan(other):
            request = asyncio.create_task(Client(other).request("GET", "/slow"))
            await other.reached.wait()
            async with lifespan(app):
                pass
            assert app.journal.entries == ["open resource", "close resource"]
            other.go_on.set()
            await request

    asyncio.run(main())


def test_a_handler_that_stops_its_own_app_is_not_waited_for():
    class Suicidal(BaseApp):
        async def _wire(self):
            app = self

            class Stop(Endpoint, path="/stop"):
                async def post(self) -> None:
                    await app._jero_stop()

            self._include_endpoint(Stop())

    async def main():
        app = Suicidal()
        await app._jero_start()
        return await asyncio.wait_for(Client(app).request("POST", "/stop"), 5)

    assert asyncio.run(main()).status == 204


# what was entered looks at the wiring


class Looker:
    """Something entered that notes the operations, and reports what it is told to."""

    def __init__(self, *refusals, error=None):
        self.refusals, self.error, self.seen = refusals, error, []

    def __enter__(self):
        return self

    def __exit__(self, *_): ...

    def __jero_wire__(self, wiring):
        self.seen.append([plan.label for plan in wiring.plans])
        if self.error is not None:
            raise self.error
        wiring.report(Place("looker.py", 7, "Looker"), *self.refusals)


def looking_app(*lookers, include=Spot):
    class App(BaseApp):
        async def _wire(self):
            for looker in lookers:
                self._enter(looker)
            self._include_endpoint(include if include is None else include())

    return App()


def test_what_was_entered_sees_the_operations_once_for_each_start():
    looker = Looker()
    app = looking_app(looker, looker)
    serve(app, nothing)
    serve(app, nothing)
    assert looker.seen == [["GET /spot"]] * 2


def test_what_was_entered_sees_no_operation_with_a_fault_that_was_told_of_another_class_already(caplog):
    looker = Looker()

    def made(path):
        class Same(Endpoint, path=path):
            async def post(self, json) -> None: ...

        return Same()

    class App(BaseApp):
        async def _wire(self):
            self._enter(looker)
            self._include_endpoint(made("/one"))
            self._include_endpoint(made("/other"))

    report = run_failing(App())
    assert "1 declaration is wrong" in report
    assert looker.seen == [[]]


def test_what_a_manager_gives_sees_them_too():
    looker = Looker()

    @contextlib.contextmanager
    def manager():
        yield looker

    @contextlib.asynccontextmanager
    async def asynchronous():
        yield looker

    class App(BaseApp):
        async def _wire(self):
            self._enter(manager())
            await self._aenter(asynchronous())
            self._enter(contextlib.nullcontext(Looker))

    serve(App(), nothing)
    assert looker.seen == [[]]


def test_what_it_reports_stands_in_the_one_report(caplog):
    first = Looker(Refusal(code="SHOP-W001", reason="the first", remedy="another"))
    refusal = Refusal(code="SHOP-W002", reason="the second", remedy="another")
    refusal.others = (Refusal(code="SHOP-W003", reason="the third", remedy="another"),)
    report = run_failing(looking_app(first, Looker(error=refusal), include=None))
    assert "4 declarations are wrong" in report
    assert "SHOP-W001 at looker.py:7, Looker\n    wrong: the first\n    write: another" in report
    assert all(code in report for code in ("SHOP-W002", "SHOP-W003", "JERO-W004"))


def test_one_that_fails_is_a_fault_of_its_own(caplog):
    report = run_failing(looking_app(Looker(error=ZeroDivisionError("looking"))))
    assert "JERO-W019" in report
    assert "`__jero_wire__` failed: ZeroDivisionError: looking." in report


def test_nothing_looks_at_a_start_that_failed(caplog):
    looker = Looker()

    class App(BaseApp):
        async def _wire(self):
            self._enter(looker)
            raise RuntimeError("no database")

    run_failing(App())
    assert looker.seen == []


def test_a_source_of_the_app_looks_at_the_wiring_too_and_sees_what_was_entered():
    seen = []

    class LookingSource:
        def shared_by(self, operation):
            raise AssertionError("no handler names it")

        bind = shared_by

        def __jero_wire__(self, wiring):
            seen.append(wiring.entered)

    value = Looker()

    class App(BaseApp):
        sources = {**BaseApp.sources, "looking": LookingSource()}

        async def _wire(self):
            self._enter(contextlib.nullcontext(value))
            self._enter(value)

    serve(App(), nothing)
    ((manager, *values),) = seen
    assert isinstance(manager, contextlib.nullcontext)
    assert values == [value] * 2


# what drains does so before anything closes


class Draining:
    """A resource that drains, and writes down what happens."""

    def __init__(self, name, journal, error=None):
        self.name, self.journal, self.error = name, journal, error

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.journal.append(f"close {self.name}")

    async def __jero_drain__(self):
        await asyncio.sleep(0)
        self.journal.append(f"drain {self.name}")
        if self.error is not None:
            raise self.error
        return False


def draining_app(journal, *errors):
    class App(BaseApp):
        async def _wire(self):
            first, second = (Draining(str(number), journal, error) for number, error in enumerate(errors))
            await self._aenter(first)
            await self._aenter(contextlib.nullcontext(second))
            self._enter(contextlib.closing(Closing(journal)))

    return App()


class Closing:
    def __init__(self, journal):
        self.journal = journal

    def close(self):
        self.journal.append("close")


def test_what_drains_does_so_before_anything_closes_the_last_one_first():
    journal = []
    app = draining_app(journal, None, None)
    for _ in range(2):
        serve(app, nothing)
    assert journal == ["drain 1", "drain 0", "close", "close 0"] * 2


def test_one_that_fails_to_drain_skips_neither_the_others_nor_the_closing(caplog):
    journal = []

    async def main():
        app = draining_app(journal, ValueError("first"), asyncio.CancelledError())
        await app._jero_start()
        await app._jero_stop()

    with pytest.raises(BaseExceptionGroup) as caught:
        asyncio.run(main())
    assert journal == ["drain 1", "drain 0", "close", "close 0"]
    assert list(map(type, caught.value.exceptions)) == [asyncio.CancelledError, ValueError]


def test_what_drains_does_so_once_when_its_manager_gives_itself_and_never_if_it_is_a_class():
    journal = []
    draining = Draining("0", journal)

    class App(BaseApp):
        async def _wire(self):
            await self._aenter(draining)
            self._enter(contextlib.nullcontext(Draining))

    serve(App(), nothing)
    assert journal == ["drain 0", "close 0"]


def test_all_are_asked_again_to_drain_until_none_had_work():
    journal = []

    class Feeding(Draining):
        work, other = 0, None

        async def __jero_drain__(self):
            work, self.work = self.work, 0
            if work:
                self.other.work = work - 1
            journal.append(f"{self.name} had {work}")
            return bool(work)

    first, second = Feeding("0", journal), Feeding("1", journal)
    first.other, second.other, first.work = second, first, 2

    class App(BaseApp):
        async def _wire(self):
            await self._aenter(first)
            await self._aenter(second)

    serve(App(), nothing)
    assert journal == [
        *("1 had 0", "0 had 2", "1 had 1", "0 had 0", "1 had 0", "0 had 0"),
        *("close 1", "close 0"),
    ]
