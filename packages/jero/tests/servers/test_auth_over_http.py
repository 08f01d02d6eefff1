"""Gates on the wire: an upload is refused before its body, and no spelling of a request leads around one."""

import httpx
import pytest

from .test_bodies_over_http import ANSWERS_CONTINUE_UNASKED
from .wire import Connection, WireError, exchange, request

RIGHT = ("authorization", "Bearer right")
WRONG = ("authorization", "Bearer wrong")
RAN = "the gated handler ran"


@pytest.mark.parametrize("headers", [[], [WRONG]])
def test_an_upload_that_expects_continue_is_401_before_any_of_it_is_sent(probe, headers):
    head = [*headers, ("expect", "100-continue"), ("content-length", "50000000")]
    with Connection(probe.port) as connection:
        response = connection.exchange("PUT", "/upload", head)
        if probe.server in ANSWERS_CONTINUE_UNASKED:
            assert response.status == 100
            response = connection.receive()
    assert response.status == 401
    assert response.header("www-authenticate") == 'Bearer realm="restricted"'
    assert response.header("x-receive-calls") == "0"


def test_an_upload_is_401_while_its_body_has_not_been_sent(probe):
    with Connection(probe.port) as connection:
        connection.send(request("PUT", "/upload", [("content-length", "50000000")]))
        response = connection.receive()
    assert (response.status, response.header("x-receive-calls")) == (401, "0")


def test_an_upload_with_a_credential_expects_continue_and_is_taken(probe):
    with Connection(probe.port) as connection:
        head = [RIGHT, ("expect", "100-continue"), ("content-length", "3")]
        assert connection.exchange("PUT", "/upload", head).status == 100
        connection.send(b"abc")
        assert connection.receive().body == b"3 bytes of ada"


def test_a_credential_of_one_request_is_none_of_the_next(probe):
    with Connection(probe.port) as connection:
        assert connection.exchange("PUT", "/upload", [RIGHT], b"abc").status == 200
        assert connection.exchange("PUT", "/upload", [], b"").status == 401


CREDENTIALS = [
    b"",
    b"Bearer",
    b"Bearer wrong",
    b"Bearer right x",
    b"Bearer right, Bearer right",
    b"Bearer \xe9",
    b"Basic cmlnaHQ=",
    b"right",
    b"Bearer " + b"x" * 5_000,
]
TARGETS = [
    *("/upload", "/upload/", "//upload", "/Upload", "/UPLOAD", "/upload%2F", "/%75pload", "/up%6Coad", "/./upload"),
    *(
        "/x/../upload",
        "/upload;x",
        "/upload?x",
        "/upload%00",
        "/echo/..%2Fupload",
        "/echo/../upload",
        "/upload/.",
        "/%2fupload",
    ),
]


def test_no_credential_and_no_spelling_leads_to_the_gated_handler(probe):
    ran = probe.log.count(RAN)
    statuses = set()
    for target in TARGETS:
        for credential in CREDENTIALS:
            lines = [f"PUT {target} HTTP/1.1".encode(), b"host: upload", b"content-length: 0", b"connection: close"]
            lines += [b"authorization: " + credential, b"x-forwarded-prefix: /echo", b"x-original-url: /upload"]
            with Connection(probe.port) as connection:
                connection.send(b"\r\n".join([*lines, b"", b""]))
                try:
                    statuses.add(connection.receive_status())
                except (TimeoutError, WireError, ConnectionError):
                    statuses.add(400)  # Refused by the server.
    assert statuses <= {400, 401, 404, 405}
    assert 401 in statuses
    assert probe.log.count(RAN) == ran
    assert exchange(probe.port, "PUT", "/upload", [RIGHT], b"a").status == 200
    assert probe.log.count(RAN) == ran + 1


KNOWS_HTTP_2 = frozenset({"granian", "hypercorn"})


def test_a_session_is_found_among_cookies_that_http_2_has_split(probe):
    """RFC 9113, section 8.2.3: each cookie may be a field of its own."""
    is_http_2 = probe.server in KNOWS_HTTP_2
    with httpx.Client(http1=not is_http_2, http2=is_http_2) as client:
        url = f"http://127.0.0.1:{probe.port}/session"
        for cookies, status in (
            (["theme=dark; session=9b1deb4d"], 200),
            (["theme=dark", "session=9b1deb4d", "a=b"], 200),
            (["theme=dark", "session=0"], 401),
            ([], 401),
        ):
            response = client.get(url, headers=[("cookie", cookie) for cookie in cookies])
            assert response.status_code == status
            assert response.http_version == ("HTTP/2" if is_http_2 else "HTTP/1.1")
