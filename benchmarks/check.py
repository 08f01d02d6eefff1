"""Proof that the contenders do the same work, before anything is timed."""

from collections.abc import Mapping, Sequence

import msgspec

from asgi import Answer, ASGIApp, record
from contenders import BASE
from workloads import CASES, WORKLOADS, Case, Request, pieces


class CheckError(Exception):
    """The contenders do not answer alike."""


def _decoded(answer: Answer) -> object:
    return msgspec.json.decode(answer.body) if answer.body else None


def _show(answer: Answer) -> str:
    body = answer.body if len(answer.body) < 200 else answer.body[:200] + b"..."
    return f"{answer.status} {sorted(answer.headers)} {body!r}"


def same_bytes(base: Answer, other: Answer) -> bool:
    """Compare status, header set and body byte for byte; the order of headers is free."""
    return (base.status, sorted(base.headers), base.body) == (other.status, sorted(other.headers), other.body)


def same_meaning(base: Answer, other: Answer) -> bool:
    """Compare what any client sees of a success: status, media type, JSON and the typed header."""
    return (
        base.status == other.status
        and base.media_type() == other.media_type()
        and base.header(b"x-request-id") == other.header(b"x-request-id")
        and _decoded(base) == _decoded(other)
    )


def _alike(name: str, base: Answer, other: Answer, case: Case) -> bool:
    if name == "jero":
        if case.exact:
            return same_bytes(base, other)
        return (base.status, base.media_type()) == (other.status, other.media_type())
    if case.peers is None:
        return True
    if case.peers:
        return other.status in case.peers
    # Errors look different in every framework: of those only the status is the same work.
    return same_meaning(base, other) if base.status < 400 else base.status == other.status


async def _ask(app: ASGIApp, case: Case) -> Answer:
    return await record(app, case.request.scope(), pieces(case), last_message=case.last_message)


def all_cases() -> Sequence[Case]:
    """Give the measured requests as cases too, ahead of those that are only checked."""
    measured = [
        Case(w.title, w.request, w.status, peers=range(400, 500) if w.only else range(0)) for w in WORKLOADS.values()
    ]
    return [*measured, *CASES]


async def check(apps: Mapping[str, ASGIApp]) -> int:
    """Ask every contender everything; raise with every difference at once. Gives the number of answers compared."""
    problems: list[str] = []
    compared = 0
    for case in all_cases():
        base = await _ask(apps[BASE], case)
        if base.status != case.status:
            problems.append(f"{case.name}: {BASE} has to answer {case.status}: {_show(base)}")
        for name, app in apps.items():
            if name == BASE or (name != "jero" and case.peers is None):
                continue
            compared += 1
            try:
                answer = await _ask(app, case)
            except Exception as exc:
                problems.append(f"{case.name}: {name} raised {type(exc).__name__}: {exc}")
                continue
            if not _alike(name, base, answer, case):
                problems.append(f"{case.name}:\n    {BASE}: {_show(base)}\n    {name}: {_show(answer)}")
    if problems:
        raise CheckError("the contenders do not answer alike:\n" + "\n".join(f"- {problem}" for problem in problems))
    return compared


def served_alike(base: Answer, other: Answer, name: str, request: Request) -> str | None:
    """Compare two answers that came over a socket; the server's own headers are not the contender's."""
    if same_meaning(base, other) and (name != "jero" or base.body == other.body):
        return None
    return f"{request.method} {request.target}:\n    {BASE}: {_show(base)}\n    {name}: {_show(other)}"
