"""Generated code against the oracle (DESIGN, law 5): whatever app and request are drawn, both do the same.

In the suite 150 apps get twenty requests each. For more, and to have a disagreement shrunk to its smallest form:

    JERO_ORACLE_APPS=2000 uv run pytest packages/jero-core/tests/test_oracle.py
"""

import asyncio
import logging
import os
from decimal import Decimal

import msgspec
import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from jero_core import RawHeaders

from .drawn_apps import apps
from .drawn_requests import Request, requests
from .oracle import ANY, Answer, Oracle

LONG = "JERO_ORACLE_APPS" in os.environ
REQUESTS = 20
# A disagreement names one operation and one request: the suite does not spend minutes to make them smaller.
PROFILE = settings(
    max_examples=int(os.environ.get("JERO_ORACLE_APPS", "150")),
    phases=[*Phase] if LONG else [Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    # Hypothesis's own engine spends most of its examples on variations of the last one: here, the same app again.
    backend="hypothesis-urandom",
    suppress_health_check=[*HealthCheck],
)


class Errors(logging.Handler):
    """Counts what is logged as an error."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record):
        self.count += 1


@pytest.fixture(scope="module")
def errors():
    logger, handler = logging.getLogger("jero"), Errors()
    logger.addHandler(handler)
    logger.propagate = False
    yield handler
    logger.propagate = True
    logger.removeHandler(handler)


@given(data=st.data())
@PROFILE
def test_generated_code_does_what_the_oracle_says(errors, data):
    drawn = data.draw(apps())

    async def main():
        # Not stopped: it has opened nothing, and a stop looks through the whole heap for requests under way.
        await drawn.app._jero_start()
        oracle = Oracle(drawn.app)
        for _ in range(REQUESTS):
            request = data.draw(requests(drawn.operations))
            wanted = await asked(oracle, drawn.script, request)
            seen = await served(drawn.app, drawn.script, request, errors)
            try:
                compare(wanted, seen, request)
            except AssertionError:
                note(f"wanted: {wanted}\n\nseen: {seen}")
                raise

    asyncio.run(main())


class Channel:
    """The two ends of a connection, for one request."""

    def __init__(self, request):
        self.scope = {**request.scope, "headers": [*request.scope["headers"]]}
        self.messages = [dict(message) for message in request.messages]
        self.error = request.send_error
        self.sent = []
        self.received = 0

    async def receive(self):
        self.received += 1
        return self.messages.pop(0) if self.messages else {"type": "http.disconnect"}

    async def send(self, message):
        if self.error is not None:
            raise self.error
        self.sent.append(message)


def outcome(channel, script, *, is_logged, raised):
    """What can be seen of a request from outside, besides its answer."""
    return {
        "calls": exact(script.calls),
        "route": channel.scope.get("route"),
        "received": channel.received,
        "is_logged": is_logged,
        "raised": raised,
    }


async def asked(oracle, script, request):
    """The oracle's answer, and what must be seen besides."""
    script.result, script.error, script.calls = request.result, request.error, []
    channel, error = Channel(request), request.send_error
    answer = await oracle.answer(channel.scope, channel.receive)
    # A client that is gone is no fault. What else stops an answer is the server's to handle; an operation logs it.
    is_broken = answer is not None and error is not None and not isinstance(error, OSError)
    is_logged = answer is not None and (answer.is_fault or (is_broken and "route" in channel.scope))
    return answer, outcome(channel, script, is_logged=is_logged, raised=error if is_broken else None)


async def served(app, script, request, errors):
    """What the app sent, and what was seen besides."""
    script.result, script.error, script.calls = request.result, request.error, []
    channel, before, raised = Channel(request), errors.count, None
    try:
        await app(channel.scope, channel.receive, channel.send)
    except Exception as error:
        raised = error
    return channel.sent, outcome(channel, script, is_logged=errors.count > before, raised=raised)


def exact(value):
    """A value with the classes of all that is in it, so that 1 is not True."""
    if isinstance(value, msgspec.Struct):
        return type(value), *(exact(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, RawHeaders):
        return type(value), *value.multi_items()
    if isinstance(value, dict):
        return type(value), *((name, exact(item)) for name, item in value.items())
    if isinstance(value, set | frozenset):
        return type(value), frozenset(map(exact, value))
    if isinstance(value, list | tuple):
        return type(value), *map(exact, value)
    # As text, NaN is the same as NaN, and -0.0 not the same as 0.0.
    return type(value), str(value) if isinstance(value, float | Decimal) else value


def compare(wanted, seen, request):
    (answer, wanted_outcome), (sent, seen_outcome) = wanted, seen
    assert seen_outcome == wanted_outcome
    if answer is None or request.send_error is not None:
        assert not sent
        return
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    (start, end), is_head = sent, request.scope["method"] == "HEAD"
    assert not end.get("more_body", False)
    assert start["status"] == answer.status
    content, others = parted(start["headers"])
    wanted_content, wanted_others = parted(answer.headers)
    assert others == wanted_others
    if answer.problem is None:
        assert (end["body"], content) == (answer.body, wanted_content)
        return
    length = dict(content).get(b"content-length", b"")
    assert content == sorted([*wanted_content, (b"content-length", length)])
    if is_head:
        assert (end["body"], length.isdigit()) == (b"", True)
    else:
        assert length == b"%d" % len(end["body"])
        assert comparable(msgspec.json.decode(end["body"]), answer.problem) == answer.problem


def parted(headers):
    """The content headers, which may stand anywhere, and the others, whose order counts."""
    content = {b"content-type", b"content-length"}
    return sorted(p for p in headers if p[0] in content), [p for p in headers if p[0] not in content]


def comparable(problem, wanted):
    """A problem with its errors as a set of places, and without the text that no rule fixes."""
    problem |= {name: ANY for name, value in wanted.items() if value == ANY and isinstance(problem.get(name, ""), str)}
    if "errors" in problem:
        places = [(each["source"], each["pointer"]) for each in problem["errors"]]
        assert len(places) == len(set(places)), "a place is told twice"
        assert all(isinstance(each["detail"], str) and each["detail"] for each in problem["errors"])
        problem["errors"] = set(places)
    return problem


# The comparison itself.


def an_exchange():
    """What is wanted and what is seen of a request whose answer is a validation problem."""
    problem = {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": ANY,
        "errors": {("params", "/a")},
    }
    answer = Answer(
        400, [(b"content-type", b"application/problem+json"), (b"x-a", b"1"), (b"x-b", b"2")], problem=problem
    )
    body = msgspec.json.encode(problem | {"errors": [{"source": "params", "pointer": "/a", "detail": "no"}]})
    start = {"type": "http.response.start", "status": 400, "headers": [*answer.headers]}
    start["headers"].append((b"content-length", b"%d" % len(body)))
    seen = {"calls": (), "route": None, "received": 0, "is_logged": False, "raised": None}
    return (answer, dict(seen)), ([start, {"type": "http.response.body", "body": body}], dict(seen))


def changed(**changes):
    """The exchange with one thing changed of what is seen."""
    wanted, (sent, seen) = an_exchange()
    start, end = sent
    problem = msgspec.json.decode(end["body"])
    for name, value in changes.items():
        if name in seen:
            seen[name] = value
        elif name in start:
            start[name] = value
        elif name in end:
            end[name] = value
        elif name in problem or name == "more":
            problem[name] = value
            end["body"] = msgspec.json.encode(problem)
            start["headers"][-1] = (b"content-length", b"%d" % len(end["body"]))
    return wanted, (sent, seen)


REQUEST = Request({"method": "GET"}, [], None, None, None)
PLACE = {"source": "params", "pointer": "/a", "detail": "no"}


def test_what_is_as_it_must_be_is_no_disagreement():
    compare(*an_exchange(), REQUEST)
    compare(*changed(detail="in other words"), REQUEST)
    compare(*changed(errors=[PLACE | {"detail": "other"}]), REQUEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"calls": ("handler",)},
        {"route": "/"},
        {"received": 1},
        {"is_logged": True},
        {"raised": OSError()},
        {"status": 404},
        {"title": "Other"},
        {"type": "/other"},
        {"more": 1},
        {"errors": []},
        {"errors": [PLACE, PLACE]},
        {"errors": [PLACE | {"pointer": "/b"}]},
        {"errors": [PLACE | {"source": "headers"}]},
        {"errors": [PLACE | {"detail": ""}]},
        {"headers": [(b"content-type", b"application/problem+json"), (b"x-b", b"2"), (b"x-a", b"1")]},
        {"headers": [(b"x-a", b"1"), (b"x-b", b"2"), (b"content-length", b"1")]},
        {"headers": []},
        {"body": b"{}"},
    ],
    ids=str,
)
def test_the_comparison_sees_what_must_not_be(changes):
    with pytest.raises(AssertionError):
        compare(*changed(**changes), REQUEST)
