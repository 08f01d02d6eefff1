"""The queue over taskiq, with taskiq's in-memory broker: the handlers run in this process."""

import asyncio
import contextlib
import datetime
import decimal
import json
import sys
import uuid
from pathlib import Path
from threading import Thread

import pytest
from msgspec import Struct
from taskiq import AckableMessage, AsyncBroker, BrokerMessage, InMemoryBroker, TaskiqMiddleware
from taskiq.exceptions import SendTaskError

from jero_background import AfterResponse, AfterResponseSource, BackgroundClosedError, QueueStats, item_id
from jero_background.taskiq import TaskiqTasks, WorkerError, run_worker
from jero_background.taskiq.__main__ import main
from jero_background.taskiq.receiving import Listener, _Receiver
from jero_core import BaseApp, Endpoint, WiringError

from .background_driver import run, started


class Mail(Struct):
    number: int


class Letter(Struct, tag="letter"):
    number: int


class Rich(Struct):
    at: datetime.datetime
    price: decimal.Decimal
    id: uuid.UUID
    data: bytes
    names: dict[int, str]
    inner: list[Mail]


class Spy(InMemoryBroker):
    """Keeps what is sent."""

    def __init__(self):
        super().__init__()
        self.messages = []

    async def kick(self, message):
        self.messages.append(message)
        await super().kick(message)


def failed(caplog):
    return [record.args[1] for record in caplog.records if " failed in " in record.msg]


def test_items_run_their_handlers_and_leaving_waits_for_them():
    ran = []

    async def handle(item: Mail) -> None:
        await asyncio.sleep(0.01)
        ran.append((item.number, item_id()))

    async def main():
        async with TaskiqTasks(InMemoryBroker()) as tasks:
            tasks.register(handle)
            given = [await tasks.add(Mail(number)) for number in range(5)]
        return given, tasks.stats()

    given, stats = run(main())
    assert sorted(ran) == list(zip(range(5), given, strict=True))
    assert stats == QueueStats(queued=0, running=0, done=5, failed=0, dropped=0)


def test_items_that_handlers_add_run_too():
    ran = []

    async def main():
        async with TaskiqTasks(InMemoryBroker()) as tasks:

            async def handle(item: Mail) -> None:
                await asyncio.sleep(0)
                ran.append(item.number)
                if item.number < 5:
                    await tasks.add(Mail(item.number + 1))

            tasks.register(handle)
            await tasks.add(Mail(0))

    run(main())
    assert ran == [0, 1, 2, 3, 4, 5]


def test_the_message_is_the_item_s_json_under_its_name():
    async def handle(item: Mail) -> None: ...

    async def tagged(item: Letter) -> None: ...

    async def main():
        broker = Spy()
        async with TaskiqTasks(broker) as tasks:
            tasks.register(handle)
            tasks.register(tagged)
            given = [await tasks.add(Mail(7)), await tasks.add(Letter(8))]
        return given, broker.messages

    given, messages = run(main())
    assert [message.task_name for message in messages] == [f"jero:{Mail.__module__}.Mail", "jero:letter"]
    assert [message.task_id for message in messages] == given
    assert [json.loads(message.message)["args"] for message in messages] == [
        ['{"number":7}', given[0]],
        ['{"type":"letter","number":8}', given[1]],
    ]


def test_what_msgspec_can_send_arrives_as_it_was():
    seen = []

    async def handle(item: Rich) -> None:
        seen.append(item)

    now = datetime.datetime.now(datetime.UTC)
    rich = Rich(now, decimal.Decimal("1.10"), uuid.uuid4(), b"\x00\xff", {1: "ä\U0001f600"}, [Mail(1)])

    async def main():
        async with TaskiqTasks(InMemoryBroker()) as tasks:
            tasks.register(handle)
            await tasks.add(rich)

    run(main())
    assert seen == [rich]


def test_types_that_msgspec_does_not_know_need_hooks():
    class Colour:
        def __init__(self, name):
            self.name = name

    class Paint(Struct):
        colour: Colour

    seen = []

    async def handle(item: Paint) -> None:
        seen.append(item.colour.name)

    async def main():
        hooks = {"enc_hook": lambda value: value.name, "dec_hook": lambda kind, value: kind(value)}
        async with TaskiqTasks(InMemoryBroker(), **hooks) as tasks:
            tasks.register(handle)
            await tasks.add(Paint(Colour("red")))
        async with TaskiqTasks(InMemoryBroker()) as tasks:
            tasks.register(handle)
            with pytest.raises(WiringError, match="JERO-W074"):
                await tasks.add(Paint(Colour("red")))

    run(main())
    assert seen == ["red"]


def test_several_handlers_each_get_a_message():
    ran = []

    async def first(item: Mail) -> None:
        ran.append(("first", item_id()))
        raise ValueError

    async def second(item: Mail) -> None:
        ran.append(("second", item_id()))

    async def main():
        async with TaskiqTasks(InMemoryBroker(), allow_one_to_many=True) as tasks:
            tasks.register(first)
            tasks.register(second)
            given = await tasks.add(Mail(1))
        return given, tasks.stats()

    given, stats = run(main())
    assert sorted(ran) == [("first", given), ("second", given)]
    assert stats == QueueStats(queued=0, running=0, done=1, failed=1, dropped=0)


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), asyncio.CancelledError(), ExceptionGroup("g", [ValueError()]), SystemExit(3)]
)
def test_a_handler_that_raises_is_logged_and_told_and_the_next_item_runs(error, caplog):
    ran, told = [], []

    async def handle(item: Mail) -> None:
        if item.number == 0:
            raise error
        ran.append(item.number)

    async def main():
        async with TaskiqTasks(InMemoryBroker(), on_error=told.append) as tasks:
            tasks.register(handle)
            given = [await tasks.add(Mail(number)) for number in range(3)]
        return given, tasks.stats()

    given, stats = run(main())
    assert ran == [1, 2]
    assert stats == QueueStats(queued=0, running=0, done=2, failed=1, dropped=0)
    assert failed(caplog) == [failure.id for failure in told] == given[:1]


def test_taskiq_s_middlewares_see_failures():
    seen = []

    class Middleware(TaskiqMiddleware):
        def on_error(self, message, result, exception):
            seen.append((message.task_name, repr(exception)))

    async def handle(item: Letter) -> None:
        raise ValueError("no")

    async def main():
        async with TaskiqTasks(InMemoryBroker().with_middlewares(Middleware())) as tasks:
            tasks.register(handle)
            await tasks.add(Letter(1))

    run(main())
    assert seen == [("jero:letter", "ValueError('no')")]


def test_a_handler_that_hangs_is_cut_off_after_the_drain_and_named(caplog):
    async def hang(item: Mail) -> None:
        await asyncio.get_running_loop().create_future()

    async def main():
        async with TaskiqTasks(InMemoryBroker(), drain_timeout=0.05) as tasks:
            tasks.register(hang)
            given = await tasks.add(Mail(1))
        return given, tasks.stats()

    given, stats = run(main())
    assert stats == QueueStats(queued=0, running=0, done=0, failed=0, dropped=1)
    assert [record.args[1] for record in caplog.records if "is dropped" in record.msg] == [given]


def test_a_handler_that_takes_too_long_has_failed(caplog):
    told = []

    async def hang(item: Mail) -> None:
        await asyncio.get_running_loop().create_future()

    async def late(item: Letter) -> None:
        raise TimeoutError("its own")

    async def main():
        async with TaskiqTasks(InMemoryBroker(), handler_timeout=0.02, on_error=told.append) as tasks:
            tasks.register(hang)
            tasks.register(late)
            await tasks.add(Letter(1))
            await tasks.add(Mail(1))
        return tasks.stats()

    assert run(main()) == QueueStats(queued=0, running=0, done=0, failed=2, dropped=0)
    assert [str(failure.error) for failure in told] == [
        "its own",
        f"{hang.__qualname__} took longer than handler_timeout, 0.02 s",
    ]


def test_a_worker_runs_the_others_behind_a_handler_that_hangs():
    ran = []

    async def handle(item: Letter) -> None:
        if item.number == 0:
            await asyncio.get_running_loop().create_future()
        ran.append(item.number)

    async def main():
        app = QueueApp(QueueBroker(), handle, handler_timeout=0.02)
        for number in range(3):
            await app.broker.kick(BrokerMessage(**message_of(Letter(number))))
        await work(app, lambda: len(app.broker.acknowledged) == 3)

    run(main())
    assert ran == [1, 2]


def test_a_broker_that_does_not_take_an_item_is_told_to_whoever_adds():
    class Broken(InMemoryBroker):
        async def kick(self, message):
            raise ConnectionError("no broker")

    async def handle(item: Mail) -> None: ...

    async def main():
        async with TaskiqTasks(Broken()) as tasks:
            tasks.register(handle)
            with pytest.raises(SendTaskError):
                await tasks.add(Mail(1))

    run(main())


def test_unregistered_unentered_and_closed_queues_say_so():
    async def handle(item: Mail) -> None: ...

    async def main():
        tasks = TaskiqTasks(InMemoryBroker())
        tasks.register(handle)
        with pytest.raises(RuntimeError, match="_aenter"):
            await tasks.add(Mail(1))
        async with tasks:
            with pytest.raises(TypeError, match="Letter"):
                await tasks.add(Letter(1))
            with pytest.raises(RuntimeError, match="entered already"):
                await tasks.__aenter__()
        with pytest.raises(BackgroundClosedError):
            await tasks.add(Mail(1))

    run(main())


@pytest.mark.parametrize("value", [None, "redis://localhost", InMemoryBroker])
def test_what_is_no_broker_is_refused(value):
    with pytest.raises(TypeError, match="broker"):
        TaskiqTasks(value)


def test_an_app_adds_after_its_response_and_starts_twice():
    ran = []

    async def handle(item: Mail) -> None:
        ran.append(item.number)

    class Orders(Endpoint, path="/orders"):
        def __init__(self, tasks):
            self._tasks = tasks

        async def post(self, after_response: AfterResponse) -> None:
            self._tasks.add_after_response(Mail(1), after_response)

    broker = InMemoryBroker()

    class App(BaseApp):
        sources = {**BaseApp.sources, "after_response": AfterResponseSource()}

        async def _wire(self):
            tasks = await self._aenter(TaskiqTasks(broker))
            tasks.register(handle)
            self._include_endpoint(Orders(tasks))

    app = App()

    async def main():
        async with started(app) as client:
            return (await client.request("POST", "/orders")).status

    assert [run(main()) for _ in range(2)] == [204, 204]
    assert ran == [1, 1]


def test_the_in_memory_broker_is_drained_before_a_resource_closes_that_was_entered_after_the_queue():
    events = []

    async def handle(item: Mail) -> None:
        await asyncio.sleep(0.001)
        events.append(item.number)

    @contextlib.asynccontextmanager
    async def resource():
        yield
        events.append("closed")

    class App(BaseApp):
        async def _wire(self):
            self.tasks = await self._aenter(TaskiqTasks(InMemoryBroker()))
            self.tasks.register(handle)
            await self._aenter(resource())

    async def main():
        app = App()
        async with started(app):
            await app.tasks.add(Mail(1))

    run(main())
    assert events == [1, "closed"]


def test_a_queue_can_be_entered_again_and_keeps_what_was_registered_before():
    ran = []

    async def handle(item: Mail) -> None:
        ran.append(item.number)

    async def other(item: Letter) -> None: ...

    tasks = TaskiqTasks(InMemoryBroker())
    tasks.register(handle)

    async def main():
        async with tasks:
            tasks.register(other)
            await tasks.add(Mail(1))
            await tasks.add(Letter(1))

    run(main())
    run(main())
    assert ran == [1, 1]
    assert tasks.stats().done == 2


@pytest.mark.parametrize("is_registered_before", [False, True])
@pytest.mark.parametrize("drain_timeout", [0, 0.05])
def test_what_the_in_memory_broker_did_not_run_is_named_and_never_runs(drain_timeout, is_registered_before, caplog):
    ran = []

    async def handle(item: Mail) -> None:
        ran.append(item.number)
        if item.number == 0:
            await asyncio.sleep(60)

    async def main():
        tasks = TaskiqTasks(InMemoryBroker(), drain_timeout=drain_timeout)
        if is_registered_before:
            tasks.register(handle)
        async with tasks:
            if not is_registered_before:
                tasks.register(handle)
            given = [await tasks.add(Mail(number)) for number in range(3)]
        for _ in range(20):
            await asyncio.sleep(0)
        return given, tasks.stats()

    given, stats = run(main())
    dropped = [record.args[1] for record in caplog.records if "is dropped" in record.msg]
    assert ran == ([0, 1, 2] if drain_timeout else [])
    assert sorted(dropped) == sorted(given[:1] if drain_timeout else given)
    assert stats == QueueStats(queued=0, running=0, done=3 - len(dropped), failed=0, dropped=len(dropped))
    assert "gives it again" not in caplog.text


# the worker


def test_a_worker_of_an_app_without_a_queue_says_so():
    class App(BaseApp):
        async def _wire(self): ...

    with pytest.raises(WorkerError, match="no TaskiqTasks"):
        run(run_worker(App(), stop=asyncio.Event()))


def test_a_worker_that_is_stopped_while_its_app_starts_closes_what_that_has_opened(caplog):
    journal, stop = [], asyncio.Event()

    class App(BaseApp):
        async def _wire(self):
            self._enter(contextlib.ExitStack()).callback(journal.append, "closed")
            stop.set()  # SIGTERM
            await asyncio.Event().wait()  # a database that is away

    run(run_worker(App(), stop=stop))
    assert journal == ["closed"]
    assert "asyncio.Event().wait()" in caplog.text


def test_a_worker_of_an_app_with_wrong_declarations_tells_them():
    def handle(item: Mail) -> None: ...

    class App(BaseApp):
        async def _wire(self):
            tasks = await self._aenter(TaskiqTasks(InMemoryBroker()))
            tasks.register(handle)

    with pytest.raises(WorkerError, match="JERO-W070"):
        run(run_worker(App(), stop=asyncio.Event()))


def test_a_worker_of_something_that_knows_no_lifespan_says_so():
    async def app(scope, receive, send): ...

    async def broken(scope, receive, send):
        raise RuntimeError("no lifespan")

    with pytest.raises(WorkerError, match="ended at its startup"):
        run(run_worker(app, stop=asyncio.Event()))
    with pytest.raises(RuntimeError, match="no lifespan"):
        run(run_worker(broken, stop=asyncio.Event()))


class QueueBroker(AsyncBroker):
    """A broker in this process that waits for acknowledgements; `failures` are raised by its first listenings."""

    def __init__(self, *failures):
        super().__init__()
        self.failures, self.queue, self.acknowledged = [*failures], asyncio.Queue(), []

    async def kick(self, message):
        await self.queue.put(message)

    async def listen(self):
        if self.failures:
            raise self.failures.pop(0)
        while True:
            message = await self.queue.get()

            async def acknowledge(message=message):
                self.acknowledged.append(message.task_name)

            yield AckableMessage(data=message.message, ack=acknowledge)


class QueueApp(BaseApp):
    def __init__(self, broker, handler, **settings):
        super().__init__()
        self.broker, self.handler, self.settings = broker, handler, settings

    async def _wire(self):
        self.tasks = await self._aenter(TaskiqTasks(self.broker, **self.settings))
        self.tasks.register(self.handler)


async def work(app, until):
    """Run a worker until something has happened."""
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(app, stop=stop))
    while not until() and not worker.done():  # noqa: ASYNC110  # nothing tells when
        await asyncio.sleep(0.005)
    stop.set()
    await worker


def test_a_worker_listens_again_when_its_broker_has_failed(caplog, monkeypatch):
    monkeypatch.setattr("jero_background.taskiq.receiving._PAUSE", 0.01)
    ran = []

    async def handle(item: Letter) -> None:
        ran.append(item.number)

    async def main():
        app = QueueApp(QueueBroker(ConnectionError("away"), OSError("still away")), handle, recheck=None)
        await app.broker.kick(BrokerMessage(**message_of(Letter(1))))
        await work(app, lambda: app.broker.acknowledged)
        return app.broker.acknowledged

    assert run(main()) == ["jero:letter"]
    assert ran == [1]
    assert caplog.text.count("the broker fails; trying again") == 2


def message_of(item):
    """The message of an item, as another process would have sent it."""

    async def handle(item: Letter) -> None: ...

    broker = Spy()

    async def main():
        async with TaskiqTasks(broker) as tasks:
            tasks.register(handle)
            await tasks.add(item)

    thread = Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join()
    return broker.messages[0].model_dump()


def test_an_idle_worker_sends_itself_a_message_and_a_broker_that_refuses_it_stops_nothing():
    class Refusing(QueueBroker):
        kicks = 0

        async def kick(self, message):
            self.kicks += 1
            if self.kicks == 1:
                raise ConnectionError("not now")
            await super().kick(message)

    async def handle(item: Letter) -> None: ...

    async def main():
        app = QueueApp(Refusing(), handle, recheck=0.01)
        await work(app, lambda: len(app.broker.acknowledged) >= 2)
        return app.broker.acknowledged[:2]

    assert run(main()) == ["jero:recheck"] * 2


def test_a_broker_that_ends_is_listened_to_again(caplog, monkeypatch):
    monkeypatch.setattr("jero_background.taskiq.receiving._PAUSE", 0.01)

    class Ending(QueueBroker):
        async def listen(self):
            if self.failures:
                self.failures.pop()
                return
            async for message in super().listen():
                yield message

    async def handle(item: Letter) -> None: ...

    async def main():
        app = QueueApp(Ending(1, 2, 3), handle)
        await app.broker.kick(BrokerMessage(**message_of(Letter(1))))
        await work(app, lambda: app.broker.acknowledged)

    run(main())
    assert caplog.text.count("the broker fails; trying again") == 3


def test_a_worker_whose_listening_is_cancelled_says_so_and_stops_its_app():
    async def handle(item: Letter) -> None: ...

    app = QueueApp(QueueBroker(), handle)

    async def main():
        worker = asyncio.create_task(run_worker(app, stop=asyncio.Event()))
        while not hasattr(app, "tasks") or app.tasks.listening is None:  # noqa: ASYNC110  # nothing tells when
            await asyncio.sleep(0.005)
        app.tasks.listening.cancel()
        with pytest.raises(WorkerError, match="has ended to listen"):
            await worker
        with pytest.raises(BackgroundClosedError):
            await app.tasks.add(Letter(1))

    run(main())


def test_concurrency_bounds_the_handlers_of_a_worker():
    running, most, ended = 0, 0, 0

    async def handle(item: Letter) -> None:
        nonlocal running, most, ended
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        ended += 1

    async def main():
        app = QueueApp(QueueBroker(), handle, concurrency=3)
        message = BrokerMessage(**message_of(Letter(1)))
        for _ in range(20):
            await app.broker.kick(message)
        await work(app, lambda: ended == 20)

    run(main())
    assert most == 3


def test_an_encoding_hook_alone_is_not_enough_for_a_message():
    class Colour: ...

    class Paint(Struct):
        colour: Colour

    async def handle(item: Paint) -> None: ...

    async def main():
        async with TaskiqTasks(InMemoryBroker(), enc_hook=str) as tasks:
            tasks.register(handle)
            with pytest.raises(WiringError, match="JERO-W074"):
                await tasks.add(Paint(Colour()))

    run(main())


def test_a_worker_leaves_an_in_memory_queue_beside_another_one_to_itself():
    ran = []

    async def note(item: Mail) -> None:
        ran.append(item.number)

    class App(QueueApp):
        async def _wire(self):
            self.memory = await self._aenter(TaskiqTasks(InMemoryBroker()))
            self.memory.register(note)
            await super()._wire()

    async def main():
        async def relay(item: Letter) -> None:
            await app.memory.add(Mail(item.number))

        app = App(QueueBroker(), relay)
        await app.broker.kick(BrokerMessage(**message_of(Letter(1))))
        await work(app, lambda: ran)

    run(main())
    assert ran == [1]


def test_a_worker_of_a_broker_that_nobody_else_reaches_says_so():
    async def handle(item: Letter) -> None: ...

    app = QueueApp(InMemoryBroker(), handle)
    with pytest.raises(WorkerError, match="InMemoryBroker"):
        run(run_worker(app, stop=asyncio.Event()))


@pytest.fixture
def command(monkeypatch):
    """`python -m jero_background.taskiq`, for the apps in worker_apps."""

    def call(target):
        folder = Path(__file__).parent / "worker_apps"
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.setattr(sys, "argv", ["", target, "--app-dir", str(folder)])
        monkeypatch.setattr("logging.basicConfig", lambda **_: None)
        return main()

    yield call
    for name in ("worker_app", "broken_app", "small_apps"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("small_apps:application", "small_apps has no 'application'"),
        ("small_apps:app.nothing", "small_apps has no 'app.nothing'"),
        ("nope:app", "there is no module 'nope'"),
        ("small_apps.nope:app", "there is no module 'small_apps.nope'"),
        ("small_apps:App", "App is a class: name an app that was made of it"),
        ("small_apps:APP_NAME", "'APP_NAME' is no app"),
        ("small_apps", "'small_apps' is no MODULE:APP"),
    ],
)
def test_the_command_says_in_one_line_what_it_cannot_find(command, target, why, capsys):
    with pytest.raises(SystemExit) as caught:
        command(target)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m jero_background.taskiq: error: {why}"


def test_the_command_of_an_app_that_does_not_start_says_why(command, capsys):
    assert command("small_apps:app") == 1
    assert "the app enters no TaskiqTasks in `_wire`" in capsys.readouterr().err


def test_the_command_ends_well_when_its_worker_does(command, monkeypatch):
    async def run_nothing(app):
        assert app is sys.modules["small_apps"].app

    monkeypatch.setattr("jero_background.taskiq.__main__.run_worker", run_nothing)
    assert command("small_apps:app") == 0


def test_a_broker_that_takes_no_acknowledgements_is_listened_to_as_well():
    ran = []

    class Bare(QueueBroker):
        async def listen(self):
            async for message in super().listen():
                yield message.data

    async def handle(item: Letter) -> None:
        ran.append(item.number)

    async def main():
        app = QueueApp(Bare(), handle)
        await app.broker.kick(BrokerMessage(**message_of(Letter(1))))
        await work(app, lambda: ran)

    run(main())
    assert ran == [1]


def test_a_worker_that_is_cutting_off_begins_nothing_that_it_has_received():
    async def main():
        listener = Listener(QueueBroker(), 1, None, lambda task: False)
        listener.is_cutting_off = True
        await _Receiver(listener, 1).callback(b"not even read")
        return listener.received

    assert run(main()) == 1


def test_ctrl_c_in_a_handler_leaves_the_item_to_the_broker():
    """taskiq catches it; a real one is a signal, which stops the worker."""

    async def handle(item: Letter) -> None:
        if item.number == 0:
            raise KeyboardInterrupt

    async def main():
        app = QueueApp(QueueBroker(), handle)
        for number in range(2):
            await app.broker.kick(BrokerMessage(**message_of(Letter(number))))
        await work(app, lambda: app.broker.acknowledged)
        return app.broker.acknowledged, app.tasks.stats()

    acknowledged, stats = run(main())
    assert acknowledged == ["jero:letter"]
    assert (stats.done, stats.failed) == (1, 0)


def test_a_queue_that_closes_while_it_listens_ends_to_listen():
    async def main():
        async with TaskiqTasks(QueueBroker()) as tasks:
            tasks.listen()
            listening = tasks.listening
            await asyncio.sleep(0)
        return listening.done(), tasks.listening

    assert run(main()) == (True, None)


def test_an_item_whose_response_ends_after_the_queue_has_closed_is_named(caplog):
    async def handle(item: Mail) -> None: ...

    async def send(message): ...

    async def main():
        after = AfterResponse(send)
        async with TaskiqTasks(InMemoryBroker()) as tasks:
            tasks.register(handle)
            given = tasks.add_after_response(Mail(1), after)
        await after({"type": "http.response.start", "status": 200, "headers": []})
        await after({"type": "http.response.body", "body": b""})
        await after.end()
        return given

    assert [run(main())] == [record.args[1] for record in caplog.records if "is dropped" in record.msg]


def test_an_app_whose_import_fails_shows_where(command):
    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        command("broken_app:app")
