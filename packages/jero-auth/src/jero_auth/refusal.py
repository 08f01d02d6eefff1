"""The answers of a gate that stays shut.

Rules
-----
- Every 401 of one gate is the same: no detail, and one challenge (RFC 9110, section 15.5.2). Whether a credential was
  missing, malformed, unknown or expired is not for the client to know. Headers that an authenticator gave to its own
  401 stay: schemes of several steps need them.
- An HTTPError of any other status is the authenticator's own answer. Whatever else it raises is a fault of the app.
"""

from jero_core.extend import HTTPError, RawHeaders, answer_to

_CHALLENGE = "www-authenticate"


class Unauthorized:
    """Makes the 401 of one gate."""

    def __init__(self, challenge: str) -> None:
        self._headers = {_CHALLENGE: challenge}

    def __call__(self) -> HTTPError:
        """A new 401."""
        return HTTPError(401, headers=self._headers)

    def refused(self, error: Exception) -> Exception:
        """What answers for an exception of the authenticator: the gate's own 401 for any 401, or itself."""
        answer = answer_to(error)
        if not isinstance(answer, HTTPError) or answer.status != 401:
            return error
        given = RawHeaders(answer.headers or {})
        if _CHALLENGE not in given:
            given = RawHeaders([*given.multi_items(), *self._headers.items()])
        return HTTPError(401, headers=given)
