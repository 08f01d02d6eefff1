"""The ASGI dialect: every line of generated text that speaks ASGI, and nothing else.

emit.py puts an operation together and knows no protocol; sources and replies know names (`$query`, `$body`) and locals
(`payload`, `headers`), not messages. A dialect for another server interface is another module like this one.
"""

from asyncio import CancelledError
from collections.abc import Mapping
from typing import Final

from .asgi import CONTENT_LENGTHS
from .body import join_cookies, join_repeat, read_length, read_rest, refuse_size
from .failures import log_abort, log_cleanup
from .plan import Reply
from .writer import Writer

HEAD_NAMES: Final[Mapping[str, str]] = {
    "scope": "scope",
    "query": "scope['query_string']",
    "headers": "scope['headers']",
}
"""What fragments may use of a request's head, by placeholder."""

NAMES: Final[Mapping[str, str]] = {**HEAD_NAMES, "receive": "receive", "send": "send"}
"""What fragments may use of a request, by placeholder."""


def write_signature(writer: Writer, slots: list[str]) -> None:
    """Begin the function; middlewares around the app read `scope["route"]`."""
    writer.write(f"async def operation({', '.join(['scope', 'receive', 'send', *slots])}):")
    writer.depth += 1
    writer.write("scope['route'] = route")


def write_header_scan(writer: Writer, wanted: list[bytes]) -> None:
    """One pass over the headers picks every wanted one: for a few names cheaper than a dict, and repeats join."""
    if not wanted:
        return
    locals_ = [f"header{index}" for index in range(len(wanted))]
    writer.namespace["join_repeat"] = join_repeat
    if b"cookie" in wanted:
        writer.namespace["join_cookies"] = join_cookies
    writer.write(f"{' = '.join(locals_)} = None", "for name, value in scope['headers']:")
    branch = "if"
    for local, name in zip(locals_, wanted, strict=True):
        join = "join_cookies" if name == b"cookie" else "join_repeat"
        writer.write(
            f"    {branch} name == {name!r}:",
            f"        {local} = value if {local} is None else {join}({local}, value)",
        )
        branch = "elif"


def write_length_check(writer: Writer, header: str, limit: int) -> None:
    """Refuse a body that is announced too large, before a byte of it is read."""
    writer.namespace |= {"read_length": read_length, "refuse_size": refuse_size}
    writer.write(
        f"if {header} is None:",
        "    length = -1",
        f"elif len({header}) < 16 and {header}.isdigit():",
        f"    length = int({header})",
        f"    if length > {limit!r}:",
        f"        raise refuse_size({limit!r})",
        "else:",
        f"    length = read_length({header}, {limit!r})",
    )


def write_body(writer: Writer, limit: int) -> None:
    """Read the whole body. One message that holds all of it is the common case, and the only one inlined."""
    writer.namespace["read_rest"] = read_rest
    writer.write(
        "message = await receive()",
        "body = message.get('body', b'')",
        "if len(body) != length:",
        f"    body = await read_rest(receive, message, length, {limit!r})",
    )


def write_failure(writer: Writer) -> None:
    """Answer an exception, and end."""
    writer.namespace["CancelledError"] = CancelledError
    writer.write("except (Exception, CancelledError) as error:", "    await fail(error, scope, send)", "    return")


def write_send(writer: Writer, reply: Reply, dialect: Mapping[str, str]) -> None:
    """Send what the reply has rendered. An exception is logged and goes on to the server, which aborts the connection.

    For a whole response, an OSError of `send` says that the client is gone: that is no fault.
    """
    writer.namespace["log_abort"] = log_abort
    writer.write("try:")
    writer.depth += 1
    if reply.send is not None:
        writer.write_fragment(reply.send, dialect)
    else:
        _write_whole(writer, reply)
    writer.depth -= 1
    if reply.send is None:
        writer.write("except OSError:", "    return")
    writer.write("except Exception as error:", "    log_abort(error, scope)", "    raise")


def write_cleanup_failure(writer: Writer) -> None:
    """Log an exception of a cleanup: there is nobody left to be answered."""
    writer.namespace["log_cleanup"] = log_cleanup
    writer.write("except Exception as error:", "    log_cleanup(error, scope)")


def _write_whole(writer: Writer, reply: Reply) -> None:
    payload = "payload"
    if reply.decides_head:
        writer.write("await send({'type': 'http.response.start', 'status': status, 'headers': headers})")
    elif reply.content_type is None:
        payload = "b''"
        writer.write(f"await send({{'type': 'http.response.start', 'status': {reply.status!r}, 'headers': []}})")
    else:
        writer.namespace |= {"content_type": (b"content-type", reply.content_type.encode()), "lengths": CONTENT_LENGTHS}
        writer.write(
            "size = len(payload)",
            "await send({",
            "    'type': 'http.response.start',",
            f"    'status': {reply.status!r},",
            "    'headers': [content_type, lengths[size] if size < 4096 else (b'content-length', b'%d' % size)],",
            "})",
        )
    writer.write(f"await send({{'type': 'http.response.body', 'body': {payload}}})")
