"""The conformance of a reply: `check_reply`.

Rules
-----
- A reply sends every good result as it documents, to HEAD too, and makes a clean 500 of every other result.
- It is planned at startup. While a request is served, nothing takes types apart.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, cast

import httpx

from jero_core import BaseApp, Endpoint
from jero_core.extend import BODILESS, OperationPlan, plans_of, type_name

from .client import TestClient
from .conformance import PATH, Report, app_of, bad_refusals
from .introspection import watch_introspection

_OTHER_RESULTS: Final[tuple[object, ...]] = (object(), "text", b"bytes", 3, None, {}, [])


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
    report = Report()
    current: list[object] = []

    def result() -> object:
        made = current[0]
        return cast("Callable[[], object]", made)() if callable(made) else made

    app = app_of(method, PATH, _returning(annotation, result), {})
    with report.about(f"-> {type_name(annotation)}"):
        if report.starts(app):
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
        app = app_of(method, PATH, _returning(refused, result), {})
        with report.about(f"-> {type_name(refused)}"):
            report.extend(bad_refusals(app, None))
    report.raise_if_any()


def _returning(annotation: object, result: Callable[[], object]) -> Callable[..., object]:
    """A handler with one return annotation."""

    async def handle(_: Endpoint) -> object:
        return result()

    handle.__annotations__ = {"return": annotation}
    return handle


def _undocumented_reply(plan: OperationPlan) -> Iterator[str]:
    reply = plan.reply
    if reply.content_type is not None and reply.body_type is None:
        yield "it sends a body and documents no type of it: `body_type=`"
    if reply.content_type is None and reply.body_type is not None:
        yield "it documents the type of a body and no content type: `content_type=`"
    if reply.status not in range(200, 600):
        yield f"{reply.status} is no status of a response"


def _failures_of_result(app: BaseApp, plan: OperationPlan) -> Iterator[str]:
    reply = plan.reply
    with TestClient(app) as client:
        try:
            response = client.request(plan.method, PATH)
            with watch_introspection() as called:
                client.request(plan.method, PATH)
            head = client.head(PATH) if plan.method == "GET" else None
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
            response = client.request(plan.method, PATH)
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
