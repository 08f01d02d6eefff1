"""What the docs show is what happens: snippets run, and what stands beside them is compared with the real thing.

The pages are docs/guide/*.md, README.md and packages/*/README.md. A page's fenced blocks run from its top to its end:

- `python`: executed; all of a page share one namespace. After a block that binds `app`, or else defines `App`, that app
  is started, and it stays up until the next one or the page's end. `python shop.py` names the file that the block is
  called in reports and tracebacks (else `snippet.py`); lines count from the block's first.
- `http` with a request (`GET /widgets/7`, headers, an empty line, the body), then `http` with the answer or `json` with
  the body of a 200: sent to the page's app, a multipart body with CRLF at its lines' ends. Of the answer the status
  line, the headers that are shown and the body are compared; JSON as values in their order.
- `text output`: what was printed since the last `python` block began.
- `text log`: what was logged since the last `python` block began. An error in the log must be shown right behind it,
  or have been answered by a 500.
- `text report`: what the app of the `python` block before it told the server when it refused to start.
- `text lifespan`: what the app prints while it starts and stops; it is started anew for this.
- `python generated GET /widgets/{widget_id}`: the code that was generated for this operation of the page's app.

In `text` and `generated` blocks a line `...` stands for any lines. Blocks of other languages, and what stands below a
`sh` block, are not run; any other `http`, `json` or `text` block is an error, so that nothing unproven stands in the
docs.
"""

import asyncio
import contextlib
import gc
import http.client
import io
import json
import linecache
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import traceback
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = sorted([ROOT / "README.md", *ROOT.glob("docs/guide/*.md"), *ROOT.glob("packages/*/README.md")])
DEADLINE: Final = 10.0

_BLOCK: Final = re.compile(r"^```(\w+)(?: +([^\n]*?))? *\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REQUEST: Final = re.compile(r"([A-Z]+) (\S+)(?: HTTP/1\.1)?")
_STATUS_LINE: Final = re.compile(r"HTTP/1\.1 (\d{3}) (.+)")
_JSON_TYPE: Final = re.compile(r"application/([\w.]+\+)?json")
_MARKERS: Final = re.compile(r"^ +[~^]+ *\n", re.MULTILINE)
"""The lines of a traceback that underline an expression; their form differs between versions of Python."""

type Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `line` is the line of its first line of content."""

    language: str
    note: str
    text: str
    line: int

    @property
    def kind(self) -> str:
        """What is to be done with it."""
        first = self.note.partition(" ")[0]
        if self.language == "python":
            return "generated" if first == "generated" else "python"
        if self.language == "http":
            return "answer" if self.text.startswith("HTTP/") else "request"
        return first if self.language == "text" and first else self.language


def blocks_of(markdown: str) -> list[Block]:
    return [
        Block(found[1], found[2] or "", found[3], markdown.count("\n", 0, found.start(3)) + 1)
        for found in _BLOCK.finditer(markdown)
    ]


# an ASGI driver, in process


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]


async def exchange(app: Any, method: str, target: str, headers: Headers, body: bytes) -> Answer:
    """Send one request, and check that what comes back is one complete response."""
    raw_path, _, query = target.partition("?")
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if body:
        pairs.append((b"content-length", b"%d" % len(body)))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": pairs,
    }
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []
    is_complete = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        await is_complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            is_complete.set()

    await asyncio.wait_for(app(scope, receive, send), DEADLINE)
    assert sent, "nothing was answered"
    start, *rest = sent
    assert start["type"] == "http.response.start"
    assert [message.get("more_body", False) for message in rest] == [True] * (len(rest) - 1) + [False]
    answer = Answer(
        start["status"],
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]],
        b"".join(message["body"] for message in rest),
    )
    if method != "HEAD":
        assert answer.values("content-length") in ([], [str(len(answer.body))])
    return answer


class Lifespan:
    """One start and stop of an app, its task kept between."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def start(self) -> str | None:
        """None, or what the app told the server when it refused."""
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        self._task = asyncio.create_task(self._app(scope, self._incoming.get, self._sent.put))
        message = await self._tell("startup")
        if message["type"] == "lifespan.startup.complete":
            return None
        assert message["type"] == "lifespan.startup.failed"
        await self._task
        return message["message"]

    async def stop(self) -> None:
        message = await self._tell("shutdown")
        await self._task
        assert message == {"type": "lifespan.shutdown.complete"}

    async def _tell(self, event: str) -> dict[str, Any]:
        await self._incoming.put({"type": f"lifespan.{event}"})
        return await asyncio.wait_for(self._sent.get(), DEADLINE)


# the pages


class Wrong(Exception):
    """The docs and the code differ."""


class Log(logging.Handler):
    """The log of the pages, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.text = ""
        self.unseen_errors = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"
        self.unseen_errors += record.levelno >= logging.ERROR


@dataclass
class Page:
    """One page while it runs."""

    path: Path
    name: str
    runner: asyncio.Runner
    module: types.ModuleType
    blocks: list[Block]
    printed: io.StringIO = field(default_factory=io.StringIO)
    log: Log = field(default_factory=Log)
    app: Any = None
    lifespan: Lifespan | None = None
    new_listings: Mapping[str, str] = field(default_factory=dict)
    pending: tuple[int, Answer] | None = None
    updates: bool = False
    """Whether what differs is written anew instead of being wrong."""
    _rewritten: list[tuple[Block, str]] = field(default_factory=list)

    def run(self) -> list[str]:
        """Run every block. Gives back what is wrong, each with its line."""
        wrong: list[str] = []
        before = "start"
        for block, following in zip_longest(self.blocks, self.blocks[1:]):
            try:
                self._run_block(block, before, "end" if following is None else following.kind)
            except Wrong as problem:
                wrong.append(f"{self.name}:{block.line}: {problem}")
            except Exception as error:  # whatever it is belongs to a line of the page
                line = self._line_of(error, block.line)
                wrong.append(f"{self.name}:{line}: {''.join(traceback.format_exception(error))}")
                if block.kind == "python":
                    # What follows builds on it.
                    return wrong
            before = block.kind
        try:
            self._stop()
        except Exception as error:
            wrong.append(f"{self.name}: the last app does not stop: {error!r}")
        return wrong

    def update(self) -> None:
        """Write the listings and outputs that differ into the page."""
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        for block, real in reversed(self._rewritten):
            start = block.line - 1
            lines[start : start + block.text.count("\n")] = [real]
        if self._rewritten:
            self.path.write_text("".join(lines), encoding="utf-8")

    def _run_block(self, block: Block, before: str, following: str) -> None:
        if self.pending is not None and block.kind not in {"answer", "json"}:
            line, self.pending = self.pending[0], None
            raise Wrong(f"no answer stands between the request in line {line} and this")
        match block.kind:
            case "python":
                self._execute(block, following)
            case "request":
                self._request(block, following)
            case "answer" | "json" if self.pending is not None:
                self._compare_answer(block, self.pending[1])
            case "output":
                self._compare(block, self.printed.getvalue())
                self.printed.truncate(self.printed.seek(0))
            case "log":
                self._compare(block, self._as_shown(self.log.text))
                self._forget_log()
            case "report":
                pass  # compared where the app was started
            case "lifespan":
                self._compare_lifespan(block)
            case "generated":
                self._compare_generated(block)
            case "answer" | "json" | "text" if before != "sh":
                raise Wrong("nothing proves this block (the rules stand at the head of this test)")
            case _:
                pass

    def _execute(self, block: Block, following: str) -> None:
        report_follows = following == "report"
        old_app, old_class = self.module.__dict__.get("app"), self.module.__dict__.get("App")
        self.printed.truncate(self.printed.seek(0))
        self._forget_log()
        code = compile("\n" * (block.line - 1) + block.text, str(self.path), "exec", dont_inherit=True)
        with contextlib.redirect_stdout(self.printed):
            exec(code, self.module.__dict__)
        app, cls = self.module.__dict__.get("app"), self.module.__dict__.get("App")
        if app is not None and app is not old_app:
            self._replace_app(app, block, report_follows=report_follows)
        elif cls is not None and cls is not old_class:
            self._replace_app(cls(), block, report_follows=report_follows)
        elif report_follows:
            raise Wrong("a report follows, and this defines no app")
        if self.log.unseen_errors and following != "log":
            raise Wrong(f"this was logged:\n{self.log.text}")

    def _replace_app(self, app: Any, block: Block, *, report_follows: bool) -> None:
        self._stop(io.StringIO())
        self.app = None
        gc.collect()  # so that the code of apps that are gone frees its names
        listed = set(linecache.cache)
        report = self._start(app)
        self.new_listings = {
            name: "".join(linecache.getlines(name)) for name in linecache.cache.keys() - listed if name[0] == "<"
        }
        if not report_follows:
            if report is not None:
                raise Wrong(f"the app does not start:\n{report}")
            self.app = app
            return
        if report is None:
            raise Wrong("the app starts, and a report follows")
        self.log.unseen_errors = 0
        expected = next(other for other in self.blocks if other.line > block.line and other.kind == "report")
        try:
            self._compare(expected, self._as_shown(report))
        except Wrong as problem:
            raise Wrong(f"(the report in line {expected.line}) {problem}") from None

    def _start(self, app: Any) -> str | None:
        lifespan = Lifespan(app)
        with contextlib.redirect_stdout(self.printed):
            report = self.runner.run(lifespan.start())
        if report is None:
            self.lifespan = lifespan
        return report

    def _stop(self, printed: io.StringIO | None = None) -> None:
        if self.lifespan is not None:
            lifespan, self.lifespan = self.lifespan, None
            with contextlib.redirect_stdout(self.printed if printed is None else printed):
                self.runner.run(lifespan.stop())

    def _request(self, block: Block, following: str) -> None:
        head, _, body = block.text.partition("\n\n")
        first, *lines = head.splitlines()
        request_line = _REQUEST.fullmatch(first)
        if request_line is None:
            raise Wrong(f"{first!r} is no request line")
        if following not in {"answer", "json"}:
            raise Wrong("no answer follows this request")
        if self.app is None:
            raise Wrong("there is no app to send this to")
        headers = parse_headers(lines)
        body = body.removesuffix("\n")
        if any(value.startswith("multipart/") for _, value in headers):
            body = body.replace("\n", "\r\n")
        with contextlib.redirect_stdout(self.printed):
            answer = self.runner.run(exchange(self.app, request_line[1], request_line[2], headers, body.encode()))
        self.pending = block.line, answer

    def _compare_answer(self, block: Block, answer: Answer) -> None:
        self.pending = None
        if answer.status == 500:
            self.log.unseen_errors = 0
        if block.kind == "json":
            expected = f"HTTP/1.1 200 OK\ncontent-type: application/json\n\n{block.text}"
        else:
            expected = block.text
        head, _, body = expected.partition("\n\n")
        first, *lines = head.splitlines()
        status_line = _STATUS_LINE.fullmatch(first)
        shown = parse_headers(lines)
        same = (
            status_line is not None
            and int(status_line[1]) == answer.status
            and status_line[2] == HTTPStatus(answer.status).phrase
            and all(values_of(shown, name) == answer.values(name) for name, _ in shown)
            and same_body(body.removesuffix("\n"), answer)
        )
        if not same:
            raise Wrong(f"the answer is:\n{as_http(answer)}")
        if self.log.unseen_errors:
            raise Wrong(f"this was logged:\n{self.log.text}")

    def _compare_lifespan(self, block: Block) -> None:
        if self.app is None:
            raise Wrong("there is no app to start")
        self._stop()
        self.printed.truncate(self.printed.seek(0))
        self._start(self.app)
        self._stop()
        printed = self.printed.getvalue()
        self._start(self.app)
        self._compare(block, printed)

    def _compare_generated(self, block: Block) -> None:
        label = block.note.partition(" ")[2]
        listings = [
            text for name, text in self.new_listings.items() if re.sub(r" #\d+>$", ">", name) == f"<jero {label}>"
        ]
        if len(listings) != 1:
            raise Wrong(f"the app has {len(listings)} operations {label!r}, of {sorted(self.new_listings)}")
        self._compare(block, listings[0])

    def _compare(self, block: Block, real: str) -> None:
        """Compare a block with what is really so; a shown line `...` stands for any lines."""
        shown, real = (_MARKERS.sub("", text.rstrip("\n") + "\n") for text in (block.text, real))
        parts = re.split(r"^ *\.\.\.\n", shown, flags=re.MULTILINE)
        if re.fullmatch(r"(?:.*\n)*?".join(map(re.escape, parts)), real):
            return
        if not self.updates or len(parts) > 1:
            raise Wrong(f"it is really:\n{real}")
        self._rewritten.append((block, real))

    def _forget_log(self) -> None:
        self.log.text = ""
        self.log.unseen_errors = 0

    def _as_shown(self, text: str) -> str:
        """A report or traceback with each snippet as a file of its own."""

        def place(found: re.Match[str]) -> str:
            line = int(found[2])
            block = [block for block in self.blocks if block.kind == "python" and block.line <= line][-1]
            return f"{block.note or 'snippet.py'}{found[1]}{line - block.line + 1}"

        return re.sub(re.escape(str(self.path)) + r"(:|\", line )(\d+)", place, text)

    def _line_of(self, error: Exception, default: int) -> int:
        if isinstance(error, SyntaxError) and error.filename == str(self.path) and error.lineno is not None:
            return error.lineno
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(self.path)]
        return frames[-1].lineno or default if frames else default


def parse_headers(lines: list[str]) -> Headers:
    pairs = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise Wrong(f"{line!r} is no header line")
        pairs.append((name, value.strip()))
    return pairs


def values_of(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name.lower()]


def same_body(shown: str, answer: Answer) -> bool:
    if (
        any(
            re.fullmatch(r"application/([\w.]+\+)?json", content_type) for content_type in answer.values("content-type")
        )
        and answer.body
    ):
        try:
            return ordered(shown) == ordered(answer.body)
        except ValueError:
            return False
    return shown.encode() == answer.body


def ordered(text: str | bytes) -> Any:
    """JSON as values in which the order of members counts."""
    return json.loads(text, object_pairs_hook=tuple)


def as_http(answer: Answer) -> str:
    """An answer as the docs would show it."""
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return "\n".join(lines) + "\n\n" + answer.body.decode("utf-8", "backslashreplace")


@contextlib.contextmanager
def opened(path: Path, name: str) -> Iterator[Page]:
    module = types.ModuleType(re.sub(r"\W", "_", f"docs_{name}"))
    module.__file__ = str(path)
    with asyncio.Runner() as runner:
        page = Page(path, name, runner, module, blocks_of(path.read_text(encoding="utf-8")))
        logger = logging.getLogger("jero")
        logger.addHandler(page.log)
        # Annotations, places and sources are looked up in the module by its name.
        sys.modules[module.__name__] = module
        try:
            yield page
        finally:
            del sys.modules[module.__name__]
            logger.removeHandler(page.log)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_shows_what_happens(path: Path) -> None:
    """JERO_UPDATE_GOLDEN=1 writes `text` and `generated` blocks without a `...` anew; read the diff."""
    with opened(path, str(path.relative_to(ROOT))) as page:
        page.updates = bool(os.environ.get("JERO_UPDATE_GOLDEN"))
        wrong = page.run()
        page.update()
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)


def test_the_index_of_the_guide_names_every_page() -> None:
    guide = ROOT / "docs" / "guide"
    index = (guide / "README.md").read_text(encoding="utf-8")
    assert {page.name for page in guide.glob("*.md")} == {"README.md", *re.findall(r"\]\((\w[\w-]*\.md)\)", index)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(path: Path) -> None:
    text = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        if not linked.exists() or (anchor and anchor not in anchors_of(linked)):
            broken.append(target)
    assert broken == []


def anchors_of(page: Path) -> list[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


SERVING_COMMANDS: Final = [
    block.text.strip()
    for block in blocks_of((ROOT / "docs" / "guide" / "servers.md").read_text(encoding="utf-8"))
    if block.language == "sh"
]


@pytest.mark.parametrize("command", SERVING_COMMANDS, ids=lambda command: re.findall(r"[a-z]+corn|granian", command)[0])
def test_a_command_of_the_page_about_servers_serves(command: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert "8000" in command
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command.replace("8000", str(port))],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 2 * DEADLINE
        while (answer := get(port, "/widgets")) is None and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        assert answer == b"[]", (tmp_path / "log").read_text(encoding="utf-8")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE)


def get(port: int, target: str) -> bytes | None:
    """The body of the answer to a GET; None if nobody answers."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        client.request("GET", target)
        return client.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        client.close()


# the test tested

APP = """\
# A page

```python shop.py
from jero import BaseApp, Endpoint


class Spot(Endpoint, path="/spot"):
    async def get(self) -> str:
        print("got")
        return "here"


class App(BaseApp):
    async def _wire(self) -> None:
        print("wired")
        self._include_endpoint(Spot())


app = App()
```

"""
"""A page of 21 lines that is right as it stands."""


def block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n\n"


GET: Final = block("http", "GET /spot")
OK: Final = block("http", "HTTP/1.1 200 OK\nContent-Length: 4\n\nhere")


def problems_of(tmp_path: Path, markdown: str) -> list[str]:
    path = tmp_path / "page.md"
    path.write_text(markdown, encoding="utf-8")
    with opened(path, "page.md") as page:
        return page.run()


@pytest.mark.parametrize(
    "rest",
    [
        "",
        GET + OK,
        block("text output", "wired") + GET + OK + block("text output", "got"),
        block("text lifespan", "wired"),
        block("python", "import asyncio\nprint(asyncio.run(asyncio.sleep(0, 7)))") + block("text output", "7"),
        block("sh", "curl -s localhost") + block("json", "{}"),
        block("python generated GET /spot", "async def operation(scope, receive, send):\n..."),
    ],
)
def test_a_right_page_is_right(tmp_path: Path, rest: str) -> None:
    assert problems_of(tmp_path, APP + rest) == []


@pytest.mark.parametrize(
    ("rest", "line", "said"),
    [
        (block("python", "x = 1\n\nraise RuntimeError('boom')"), 25, "RuntimeError: boom"),
        (block("python", "x = 1\ndef"), 24, "SyntaxError"),
        (block("python", "class App(App):\n    async def _wire(self):\n        1 / 0"), 23, "does not start"),
        (block("python", "class App(App):\n    async def _wire(self):\n        self._include_endpoint(3)"), 23, "W004"),
        (GET + block("http", "HTTP/1.1 201 Created\n\nhere"), 27, "HTTP/1.1 200 OK"),
        (GET + block("http", "HTTP/1.1 200 Fine\n\nhere"), 27, "HTTP/1.1 200 OK"),
        (GET + block("http", "HTTP/1.1 200 OK\n\nthere"), 27, "here"),
        (GET + block("http", "HTTP/1.1 200 OK"), 27, "here"),
        (GET + block("http", "HTTP/1.1 200 OK\nx-other: 1\n\nhere"), 27, "content-length: 4"),
        (GET + block("json", '{"a": 1}'), 27, "text/plain"),
        (block("http", "GET /else") + OK, 27, '{"type":"about:blank","title":"Not Found","status":404}'),
        (block("http", "get /spot") + OK, 23, "no request line"),
        (GET, 23, "no answer follows"),
        (GET + block("text output", "wired"), 23, "no answer follows"),
        (OK, 23, "nothing proves"),
        (block("json", "{}"), 23, "nothing proves"),
        (block("text", "wired"), 23, "nothing proves"),
        (block("text output", "wire"), 23, "wired"),
        (block("text lifespan", "wired\nunwired"), 23, "wired"),
        (block("text log", "ERROR jero: x"), 23, "really"),
        (block("text report", "1 declaration is wrong"), 4, "the app starts, and a report follows"),
        (block("python generated GET /spot", "async def operation():\n..."), 23, "async def operation(scope"),
        (block("python generated GET /nowhere", "..."), 23, "has 0 operations"),
    ],
)
def test_a_wrong_page_is_told_with_its_line(tmp_path: Path, rest: str, line: int, said: str) -> None:
    wrong = problems_of(tmp_path, APP + rest)
    assert wrong[0].startswith(f"page.md:{line}: ")
    assert said in wrong[0]


def test_a_report_names_the_snippet_as_a_file(tmp_path: Path) -> None:
    wiring = "class App(App):\n    async def _wire(self) -> None:\n        self._include_endpoint(3)"
    page = APP + block("python bad.py", wiring)
    report = "1 declaration is wrong; no request was served.\n\nJERO-W004 at bad.py:3, App._wire\n..."
    assert problems_of(tmp_path, page + block("text report", report)) == []
    (wrong,) = problems_of(tmp_path, page + block("text report", report.replace("3", "4")))
    assert "JERO-W004 at bad.py:3, App._wire" in wrong


def test_an_error_in_the_log_must_be_shown_or_answered_by_a_500(tmp_path: Path) -> None:
    failing = block("python", "def boom(self) -> str:\n    raise RuntimeError('x')\n\n\nSpot.get = boom\napp = App()")
    answer = '{"type": "about:blank", "title": "Internal Server Error", "status": 500}'
    shown = block("http", f"HTTP/1.1 500 Internal Server Error\n\n{answer}")
    log = "ERROR jero: GET '/spot' failed\nTraceback (most recent call last):\n...\nRuntimeError: x"
    assert problems_of(tmp_path, APP + failing + GET + shown) == []
    assert problems_of(tmp_path, APP + failing + GET + shown + block("text log", log)) == []
    assert problems_of(tmp_path, APP + failing + GET + shown + block("text log", log + "y")) != []
    quiet = block("python", "import logging\nlogging.getLogger('jero').error('x')")
    assert "this was logged" in problems_of(tmp_path, APP + quiet)[0]
