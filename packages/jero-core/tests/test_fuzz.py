"""20,000 random requests, many of them hostile (fuzzing.py has the rules, and a command for a million)."""

import asyncio
import logging

import pytest

from . import fuzzing


def test_20000_random_requests_get_legal_answers_below_500():
    logging.getLogger("jero").propagate = True
    statuses, _, _ = asyncio.run(fuzzing.run(20_000, "suite"))
    assert statuses.total() == 20_000
    assert {0, 200, 201, 204, 400, 404, 405, 409, 413, 415, 422} <= statuses.keys()


def test_the_check_of_answers_sees_what_must_not_be():
    scope = {"method": "GET"}
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
    end = {"type": "http.response.body", "body": b"x"}
    assert fuzzing.check_answer(scope, [start, end]) == 200
    for sent in (
        [end],
        [start],
        [start, start, end],
        [start, end, end],
        [start, end | {"more_body": True}],
        [start | {"status": 500}, end],
        [start | {"status": True}, end],
        [start | {"status": 204}, end],
        [start | {"headers": [(b"content-length", b"2")]}, end],
        [start | {"headers": [(b"X", b"2"), (b"content-length", b"1")]}, end],
        [start | {"headers": [(b"x", b"a\r\n"), (b"content-length", b"1")]}, end],
        [start | {"headers": [(b"content-length", b"1")] * 2}, end],
    ):
        with pytest.raises(fuzzing.Violation):
            fuzzing.check_answer(scope, sent)
