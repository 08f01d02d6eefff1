"""A conformance kit for people who write sources and replies on `jero_core.extend`.

`check_source` and `check_reply` put the part into real apps, one for each annotation, and look at it from outside. All
that is wrong is told at once, in one AssertionError.

Rules
-----
- A source binds every good annotation, and refuses every bad one by a `Refusal` that names the argument.
- Any request, hostile ones too, gets the handler's answer or a status that the Binding declares: never an exception.
- What it reads is documented: a body, each header, the query, the path's slots.
- A reply sends every good result as it documents, to HEAD too, and makes a clean 500 of every other result.
- Both are planned at startup. While a request is served, nothing takes types apart.
"""

import inspect
import logging
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, cast

import httpx

from jero_core import BaseApp, Endpoint, WiringError
from jero_core.extend import (
    BODILESS,
    Binding,
    Fragment,
    Operation,
    OperationPlan,
    Parameter,
    Source,
    plans_of,
    type_name,
)

from .client import TestClient
from .introspection import watch_introspection
from .junk import LIMIT, Gone, SampleRequest, junk_for

_PATH: Final = "/conformance"
_HANDLED: Final = "handled"
_FRAMEWORK_STATUSES: Final[Mapping[bool, frozenset[int]]] = {
    False: frozenset({404, 431}),
    True: frozenset({400, 404, 413, 431}),
}
"""By whether a body is read: how jero itself may refuse a request before its binding, or in the middle."""
_FAULTY: Final = "JERO-W019"
_ELSEWHERE: Final = frozenset({b"accept", b"authorization", b"content-type", b"content-length"})
"""Headers that OpenAPI documents elsewhere than among the parameters (3.1, "Parameter Object")."""
_LOCATIONS: Final = frozenset({"path", "query", "header", "cookie"})
_OTHER_RESULTS: Final[tuple[object, ...]] = (object(), "text", b"bytes", 3, None, {}, [])


def check_source(
    source: Source,
    name: str,
    *,
    accepts: Iterable[object],
    refuses: Iterable[object] = (),
    requests: Sequence[SampleRequest] = (),
    method: str = "POST",
    path: str = _PATH,
    is_documented: bool = True,
) -> None:
    """Check a source that binds the argument `name`. Raises AssertionError with everything that is wrong.

    `accepts` and `refuses` are annotations that it has to bind, and to refuse; ValueError if there is none to bind.
    `requests` are such as the source serves, options of `httpx.Client.request`; hostile ones are sent in any case.
    `method` and `path` (a template) are the operation's. `is_documented=False` is for a source whose reads no document
    can describe.
    """
    __tracebackhide__ = True
    report = _Report()
    handled = 0
    accepted = [*accepts]
    if not accepted:
        raise ValueError("accepts= is empty, and a source is checked with the annotations that it binds")
    for annotation in accepted:
        recorder = _Recorder(source)
        app = _app_of(_endpoint(method, path, _taking(name, annotation)), {name: recorder})
        with report.about(f"{name}: {type_name(annotation)}"):
            refusal = _refusal_of(app)
            if refusal is not None:
                for problem in refusal.problems:
                    report.add(f"it is refused at startup ({problem.code}): {problem.reason}")
                continue
            (binding,) = recorder.bindings
            if is_documented:
                report.extend(_undocumented(binding))
            with TestClient(app) as client:
                recorder.bindings.clear()
                report.extend(_failures_on_junk(client, method, path, binding, requests))
                good = [sample for sample in requests if _is_handled(client, method, path, sample)]
                handled += len(good)
                with watch_introspection() as called:
                    for sample in good:
                        client.request(method, **_with_url(sample, path))
                report.extend(f"{function} is called while a request is served" for function in sorted(called))
                if recorder.bindings:
                    report.add("bind is called while a request is served")
    if requests and not handled:
        report.add("none of the requests reached the handler: are they what the source reads?")
    for annotation in refuses:
        app = _app_of(_endpoint(method, path, _taking(name, annotation)), {name: source})
        with report.about(f"{name}: {type_name(annotation)}"):
            report.extend(_bad_refusals(_refusal_of(app), name))
    report.raise_if_any()


def check_reply(
    annotation: object,
    *,
    results: Sequence[object],
    wrong_results: Sequence[object] = (),
    refuses: Iterable[object] = (),
    method: str = "GET",
) -> None:
    """Check the reply of a return annotation. Raises AssertionError with everything that is wrong.

    `results` are what a handler with this annotation may return, or functions that make it, for what can be sent once;
    ValueError if there are none. `wrong_results` are what it may not return, beside values of other types, which are
    tried in any case. `refuses` are annotations that startup has to refuse.
    """
    __tracebackhide__ = True
    if not results:
        raise ValueError("results= is empty, and a reply is checked with what it sends")
    report = _Report()
    current: list[object] = []

    def result() -> object:
        made = current[0]
        return cast("Callable[[], object]", made)() if callable(made) else made

    app = _app_of(_endpoint(method, _PATH, _returning(annotation, result)), {})
    with report.about(f"-> {type_name(annotation)}"):
        refusal = _refusal_of(app)
        if refusal is not None:
            for problem in refusal.problems:
                report.add(f"it is refused at startup ({problem.code}): {problem.reason}")
        else:
            (plan,) = plans_of(app)
            report.extend(_undocumented_reply(plan))
            for good in results:
                current[:] = [good]
                report.extend(_failures_of_result(app, plan))
            kinds = {type(cast("Callable[[], object]", good)() if callable(good) else good) for good in results}
            others = [other for other in _OTHER_RESULTS if type(other) not in kinds]
            for wrong in [*wrong_results, *others]:
                current[:] = [wrong]
                report.extend(_failures_of_wrong_result(app, plan, wrong))
    for refused in refuses:
        app = _app_of(_endpoint(method, _PATH, _returning(refused, result)), {})
        with report.about(f"-> {type_name(refused)}"):
            report.extend(_bad_refusals(_refusal_of(app), None))
    report.raise_if_any()


class _Report:
    """What does not conform, each line with what it is about."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._about = ""

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """Say of what the problems in the block are."""
        self._about = f"{what}: "
        yield
        self._about = ""

    def add(self, problem: str) -> None:
        line = f"{self._about}{problem}"
        if line not in self._lines:
            self._lines.append(line)

    def extend(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self.add(problem)

    def raise_if_any(self) -> None:
        __tracebackhide__ = True
        if self._lines:
            count = len(self._lines)
            head = "1 thing does not conform:" if count == 1 else f"{count} things do not conform:"
            raise AssertionError("\n".join([head, *(f"- {line}" for line in self._lines)]))


# apps around one part


class _Recorder:
    """A source that hands on to another one, and keeps what that gives."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.bindings: list[Binding] = []

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        binding = self._source.bind(parameter, operation)
        self.bindings.append(binding)
        return binding


def _taking(name: str, annotation: object) -> Callable[..., object]:
    """A handler with one argument."""

    async def handle(_: Endpoint, *_values: object, **_named: object) -> str:
        return _HANDLED

    receiver, argument = (inspect.Parameter(each, inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in ("self", name))
    setattr(handle, "__signature__", inspect.Signature([receiver, argument]))  # noqa: B010  # functions may have one
    handle.__annotations__ = {name: annotation, "return": str}
    return handle


def _returning(annotation: object, result: Callable[[], object]) -> Callable[..., object]:
    """A handler with one return annotation."""

    async def handle(_: Endpoint) -> object:
        return result()

    handle.__annotations__ = {"return": annotation}
    return handle


def _endpoint(method: str, path: str, handler: Callable[..., object]) -> Endpoint:
    keywords = {"path": path, "max_body_size": LIMIT}
    namespace = {method.lower(): handler}
    made: type = types.new_class("Conformance", (Endpoint,), keywords, lambda body: body.update(namespace))
    return cast("type[Endpoint]", made)()


def _app_of(endpoint: Endpoint, sources: Mapping[str, Source]) -> BaseApp:
    class ConformanceApp(BaseApp):
        async def _wire(self) -> None:
            self._include_endpoint(endpoint)

    ConformanceApp.sources = {**BaseApp.sources, **sources}
    return ConformanceApp()


# startup


def _refusal_of(app: BaseApp) -> WiringError | None:
    try:
        with TestClient(app):
            return None
    except WiringError as error:
        return error


def _bad_refusals(refusal: WiringError | None, name: str | None) -> Iterator[str]:
    if refusal is None:
        yield "it is accepted, and is to be refused"
        return
    for problem in refusal.problems:
        if problem.code == _FAULTY:
            yield f"it is not refused, it fails: {problem.reason}"
        elif name is not None and name not in problem.reason:
            yield f"the refusal does not name the argument {name!r}: {problem.reason!r}"
        if not problem.reason.strip() or not problem.remedy.strip():
            yield f"the refusal has no {'reason' if problem.remedy.strip() else 'remedy'}"


def _undocumented(binding: Binding) -> Iterator[str]:
    """What a binding reads and does not document, or documents and nobody can read."""
    documented = {(fact.location, fact.name.lower()) for fact in binding.parameters}
    locations = {location for location, _ in documented}
    if binding.reads.is_body and binding.body is None:
        yield "it reads the body and documents none: `body=BodyFact((content types), type)`"
    for header in binding.headers:
        if header not in _ELSEWHERE and ("header", header.decode()) not in documented:
            yield f"it reads the header {header.decode()} and does not document it: `parameters=(ParameterFact(...),)`"
    for mark, location in (("$query", "query"), ("$slot", "path")):
        if location not in locations and any(mark in line for line in _lines_of(binding)):
            yield f"it reads the {location} and documents no {location} parameter: `parameters=(ParameterFact(...),)`"
    for location in locations - _LOCATIONS:
        yield f"{location!r} is no place of a parameter: one of {', '.join(sorted(_LOCATIONS))}"
    if len(documented) < len(binding.parameters):
        yield "a parameter is documented twice"
    if binding.body is not None and not all("/" in each for each in binding.body.content_types):
        yield f"{binding.body.content_types} are no content types"
    for status in binding.problems:
        if status not in range(400, 600):
            yield f"problems: {status} is no status of an error"


def _lines_of(binding: Binding) -> Iterator[str]:
    fragments: tuple[Fragment | None, ...] = binding.admit, binding.extract, binding.after
    for fragment in fragments:
        yield from () if fragment is None else fragment.lines


def _undocumented_reply(plan: OperationPlan) -> Iterator[str]:
    reply = plan.reply
    if reply.content_type is not None and reply.body_type is None:
        yield "it sends a body and documents no type of it: `body_type=`"
    if reply.content_type is None and reply.body_type is not None:
        yield "it documents the type of a body and no content type: `content_type=`"
    if reply.status not in range(200, 600):
        yield f"{reply.status} is no status of a response"


# requests


def _with_url(sample: SampleRequest, path: str) -> SampleRequest:
    return {"url": path, **sample}


def _shown(sample: SampleRequest) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in sample.items())
    return text if len(text) < 160 else f"{text[:157]}..."


def _failures_on_junk(
    client: TestClient, method: str, path: str, binding: Binding, good: Sequence[SampleRequest]
) -> Iterator[str]:
    declared = {200, *binding.problems, *_FRAMEWORK_STATUSES[binding.reads.is_body]}
    url = path.replace("{", "").replace("}", "")
    slots = (
        [{"url": url.replace(_last(url), value)} for value in ("", "%FF", "%00", "x", "9" * 5000)]
        if "{" in path
        else []
    )
    for sample in (*good, *cast("list[SampleRequest]", slots), *junk_for(binding, url, good)):
        try:
            status = client.request(method, **_with_url(sample, url)).status_code
        except Gone as gone:
            for note in getattr(gone, "__notes__", ()):
                yield f"a client that leaves in the middle of its body makes it fail. {note}"
        except Exception as error:  # noqa: BLE001  # whatever the source does
            yield f"a request makes it raise {type(error).__name__}: {error} ({_shown(sample)})"
        else:
            if status not in declared:
                yield f"a request gets {status}, which `problems=` does not declare ({_shown(sample)})"


def _last(url: str) -> str:
    return url.rpartition("/")[2]


def _is_handled(client: TestClient, method: str, path: str, sample: SampleRequest) -> bool:
    try:
        response = client.request(method, **_with_url(sample, path))
    except Exception:  # noqa: BLE001  # told already
        return False
    return response.text == _HANDLED


# results


def _failures_of_result(app: BaseApp, plan: OperationPlan) -> Iterator[str]:
    reply = plan.reply
    with TestClient(app) as client:
        try:
            response = client.request(plan.method, _PATH)
            with watch_introspection() as called:
                client.request(plan.method, _PATH)
            head = client.head(_PATH) if plan.method == "GET" else None
        except Exception as error:  # noqa: BLE001  # whatever the reply does
            yield f"a good result makes it raise {type(error).__name__}: {error}"
            return
    yield from (f"{function} is called while a request is served" for function in sorted(called))
    if not reply.decides_head and response.status_code != reply.status:
        yield f"the status is {response.status_code}, and it documents {reply.status}"
    yield from _wrong_content(response, plan)
    if head is not None and _comparable(head) != _comparable(response):
        yield f"HEAD is answered with {_comparable(head)}, and GET with {_comparable(response)}"


def _wrong_content(response: httpx.Response, plan: OperationPlan) -> Iterator[str]:
    reply = plan.reply
    sent, wanted = (_media_type(each or "") for each in (response.headers.get("content-type"), reply.content_type))
    if response.status_code in BODILESS:
        return
    if wanted and not sent:
        yield f"the answer has no content type, and it documents {wanted}"
    elif sent != wanted and not reply.decides_head:
        yield f"the content type is {sent or 'missing'}, and it documents {wanted or 'none'}"
    if reply.send is None and "content-length" not in response.headers:
        yield "a whole answer is sent without content-length"


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _comparable(response: httpx.Response) -> tuple[int, list[tuple[str, str]]]:
    return response.status_code, sorted(response.headers.multi_items())


def _failures_of_wrong_result(app: BaseApp, plan: OperationPlan, wrong: object) -> Iterator[str]:
    with _quiet(), TestClient(app, raise_server_exceptions=False) as client:
        try:
            response = client.request(plan.method, _PATH)
        except Exception as error:  # noqa: BLE001  # whatever the reply does
            yield f"the wrong result {wrong!r} tears the response: {type(error).__name__}: {error}"
            return
    if (response.status_code, response.headers.get("content-type")) != (500, "application/problem+json"):
        yield f"the wrong result {wrong!r} is answered with {response.status_code}, and is to be a 500"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the faults that are provoked out of the test's log."""
    loggers = [logging.getLogger(name) for name in ("jero", "jero.testing")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
