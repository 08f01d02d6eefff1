"""The comparison of secrets, in a time that says nothing of them."""


def equal_secrets(given: str | bytes, expected: str | bytes) -> bool:
    """Whether two secrets are equal, in a time that depends on the length of `given` alone.

    `==` stops at the first difference, and lets a client find a secret byte by byte. Text counts as its UTF-8. Any text
    is allowed, also what a client made up (`hmac.compare_digest` itself refuses text that is not ASCII). Raises
    TypeError for anything but str and bytes.
    """
    import hmac  # With hashlib and OpenSSL's, 2 ms of an import that few apps need.

    # Its time goes by the second argument, which is the one that the client chose.
    return hmac.compare_digest(_as_bytes(expected), _as_bytes(given))


def _as_bytes(secret: str | bytes) -> bytes:
    if isinstance(secret, str):
        return secret.encode("utf-8", "surrogatepass")
    if not isinstance(secret, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]  # for callers without a checker
        raise TypeError(f"a secret is a str or bytes, not {type(secret).__name__}")
    return secret
