"""Five thousand mutated bodies in three chunkings; mutations.py says what is demanded, and runs more."""

from .mutations import run_range


def test_mutated_bodies_get_the_same_answer_in_every_chunking_and_never_a_500():
    problems, statuses = run_range("suite", range(5_000))
    assert problems == {}
    assert {*statuses} == {0, 200, 400, 413, 415, 422}
