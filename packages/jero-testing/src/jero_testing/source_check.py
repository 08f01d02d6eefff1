"""The conformance of a source: `check_source`.

Rules
-----
- A source binds every good annotation, and refuses every bad one by a `Refusal` that names the argument.
- Any request, hostile ones too, gets the handler's answer or a status that the Binding declares: never an exception.
- What it reads is documented: a body, each header, the query, the path's slots.
- It is planned at startup. While a request is served, nothing binds, and nothing takes types apart.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

from jero_core import Endpoint
from jero_core.extend import Binding, Fragment, Operation, Parameter, Source, type_name

from .client import TestClient
from .conformance import PATH, Report, app_of, bad_refusals
from .introspection import watch_introspection
from .junk import Gone, SampleRequest, junk_for

_HANDLED: Final = "handled"
_FRAMEWORK_STATUSES: Final[Mapping[bool, frozenset[int]]] = {
    False: frozenset({404, 431}),
    True: frozenset({400, 404, 413, 431}),
}
"""By whether a body is read: how jero itself may refuse a request before its binding, or in the middle."""
_ELSEWHERE: Final = frozenset({b"accept", b"authorization", b"content-type", b"content-length"})
"""Headers that OpenAPI documents elsewhere than among the parameters (3.1, "Parameter Object")."""
_LOCATIONS: Final = frozenset({"path", "query", "header", "cookie"})


def check_source(
    source: Source,
    name: str,
    *,
    accepts: Iterable[object],
    refuses: Iterable[object] = (),
    requests: Sequence[SampleRequest] = (),
    method: str = "POST",
    path: str = PATH,
    is_documented: bool = True,
) -> None:
    """Check a source that binds the argument `name`. Raises AssertionError with everything that is wrong.

    `accepts` and `refuses` are annotations that it has to bind, and to refuse; ValueError if there is none to bind.
    `requests` are such as the source serves, options of `httpx.Client.request`; hostile ones are sent in any case.
    `method` and `path` (a template) are the operation's. `is_documented=False` is for a source whose reads no document
    can describe.
    """
    __tracebackhide__ = True
    report = Report()
    handled = 0
    accepted = [*accepts]
    if not accepted:
        raise ValueError("accepts= is empty, and a source is checked with the annotations that it binds")
    for annotation in accepted:
        recorder = _Recorder(source)
        app = app_of(method, path, _taking(name, annotation), {name: recorder})
        with report.about(f"{name}: {type_name(annotation)}"):
            if not report.starts(app):
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
        app = app_of(method, path, _taking(name, annotation), {name: source})
        with report.about(f"{name}: {type_name(annotation)}"):
            report.extend(bad_refusals(app, name))
    report.raise_if_any()


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


# startup


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
