"""The same requests through TestClient, AsyncTestClient and every server: the same status, headers and body.

What differs, and has to (docs/guide/testing.md lists it):

- `date`, `server`, and the headers of the connection, which servers add.
- `content-length`, where the app sends none and its server knows the length.
- The order of headers of different names, which has no meaning (RFC 9110, section 5.3).
- The body of the 500 for an exception that leaves the app; a jero app lets none out.
"""

import asyncio
import importlib.util
import logging
import sys

import httpx
import pytest

from jero import AsyncTestClient, TestClient

from .alike_requests import alike_requests
from .conftest import APPS
from .server_process import ServerProcess

OF_THE_SERVER = {"date", "server", "connection", "transfer-encoding"}
"""Headers of the connection, or of the server itself."""

ABORTED = "aborted"

type Answer = tuple[object, ...]


@pytest.fixture(scope="module")
def alike_app():
    spec = importlib.util.spec_from_file_location("alike_app", APPS / "alike_app.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.app
    del sys.modules[spec.name]


@pytest.fixture(autouse=True)
def quiet():
    """Some of the requests make the app fail, in process too."""
    logging.getLogger("jero").disabled = logging.getLogger("jero.testing").disabled = True
    yield
    logging.getLogger("jero").disabled = logging.getLogger("jero.testing").disabled = False


def told(response: httpx.Response) -> Answer:
    headers = [pair for pair in response.headers.multi_items() if pair[0] not in OF_THE_SERVER]
    return response.status_code, headers, response.content


def shown(case: dict) -> str:
    text = " ".join(str(value)[:60] for value in case.values())
    return text[:160]


def answers_of(client: httpx.Client) -> list[Answer]:
    answers: list[Answer] = []
    for case, again in zip(alike_requests(), alike_requests(), strict=True):
        answer = answer_of(client, case)
        if answer == (ABORTED,):
            # The server may have closed the connection behind the answer before: the next request is on a new one.
            answer = answer_of(client, again)
        answers.append(answer)
        client.cookies.clear()
    return answers


def answer_of(client: httpx.Client, case: dict) -> Answer:
    try:
        return told(client.request(**case))
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return (ABORTED,)


@pytest.fixture(scope="module")
def expected(alike_app) -> list[Answer]:
    """What TestClient gets."""
    logging.getLogger("jero").disabled = logging.getLogger("jero.testing").disabled = True
    with TestClient(alike_app, raise_server_exceptions=False, base_url="http://127.0.0.1") as client:
        return answers_of(client)


def is_same(case: dict, client: Answer, server: Answer) -> bool:
    if ABORTED in {client[0], server[0]}:
        return client == server
    (status, headers, body), (server_status, server_headers, server_body) = client, server
    if case["url"] == "/raw/fail":
        return status == server_status == 500
    if "content-length" not in dict(headers):
        length = ("content-length", str(len(server_body)))
        server_headers = [pair for pair in server_headers if pair != length]
    by_name = [sorted(each, key=lambda pair: pair[0]) for each in (headers, server_headers)]
    return (status, by_name[0], body) == (server_status, by_name[1], server_body)


def differences(expected: list[Answer], answers: list[Answer]) -> dict[str, tuple[Answer, Answer]]:
    triples = zip(alike_requests(), expected, answers, strict=True)
    return {shown(case): (first, second) for case, first, second in triples if not is_same(case, first, second)}


def test_there_are_300_requests_and_more(expected):
    assert len(expected) >= 300
    statuses = {answer[0] for answer in expected}
    assert {200, 201, 202, 204, 400, 404, 405, 413, 415, 422, 500, ABORTED} <= statuses


def test_the_async_client_answers_as_the_other(alike_app, expected):
    async def main() -> list[Answer]:
        answers: list[Answer] = []
        options = {"raise_server_exceptions": False, "base_url": "http://127.0.0.1"}
        async with AsyncTestClient(alike_app, **options) as client:
            for case in alike_requests():
                if not isinstance(case.get("content", b""), bytes):
                    case["content"] = in_pieces(case["content"])
                try:
                    answers.append(told(await client.request(**case)))
                except httpx.RemoteProtocolError:
                    answers.append((ABORTED,))
                client.cookies.clear()
        return answers

    assert asyncio.run(main()) == expected


async def in_pieces(parts):
    for part in parts:
        yield part


def test_a_server_answers_as_the_test_client(server, expected, tmp_path):
    with ServerProcess(server, "alike_app:app", directory=APPS, log=tmp_path / "log") as process:
        process.wait_until_serving()
        with httpx.Client(base_url=f"http://127.0.0.1:{process.port}", trust_env=False, timeout=5) as client:
            answers = answers_of(client)
    assert differences(expected, answers) == {}
