"""equal_secrets: right for every kind of secret; the standard library's comparison decides, and nothing else."""

import hmac

import pytest

from jero_auth import equal_secrets


@pytest.mark.parametrize(
    ("given", "expected", "equal"),
    [
        ("abc", "abc", True),
        (b"abc", b"abc", True),
        ("abc", b"abc", True),
        (b"abc", "abc", True),
        ("ä", "ä", True),
        ("ä", b"\xc3\xa4", True),
        ("", "", True),
        ("abc", "abd", False),
        ("abc", "ab", False),
        ("ab", "abc", False),
        ("", "abc", False),
        ("ä", "a", False),
        ("\ud800", "\ud800", True),
        ("\ud800", "?", False),
        ("a\x00b", "a", False),
    ],
)
def test_secrets_are_equal_or_not(given, expected, equal):
    assert equal_secrets(given, expected) is equal


@pytest.mark.parametrize("wrong", [None, 1, ["a"], bytearray(b"a"), memoryview(b"a")], ids=lambda it: type(it).__name__)
def test_what_is_no_secret_is_a_type_error(wrong):
    with pytest.raises(TypeError, match="a secret is a str or bytes"):
        equal_secrets(wrong, "a")
    with pytest.raises(TypeError, match="a secret is a str or bytes"):
        equal_secrets("a", wrong)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("ä", "right"), (b"x", "right"), ("r", b"right"), (b"", b"right"), ("right", "right"), ("x" * 10_000, "right")],
)
def test_hmac_compares_and_the_client_s_text_is_the_second_of_the_two(monkeypatch, given, expected):
    """`hmac.compare_digest` takes a time that goes by the length of its second argument, and by nothing else.

    That is a promise of the standard library, of which a test of times proves nothing that holds elsewhere
    (comparing.py measures it). What is ours is that it, and nothing else, decides, whatever the lengths are.
    """
    asked = []

    def compare(first, second):
        asked.append((first, second))
        return "its verdict"

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert equal_secrets(given, expected) == "its verdict"

    def as_bytes(secret):
        return secret if isinstance(secret, bytes) else secret.encode()

    assert asked == [(as_bytes(expected), as_bytes(given))]
