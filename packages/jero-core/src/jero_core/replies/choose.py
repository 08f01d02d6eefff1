"""Which reply a return annotation gets: its own, if it is a response class, or a plain one."""

from collections.abc import AsyncIterable, Awaitable, Iterator, Mapping
from typing import TypeIs

from jero_core.extend import (
    EMPTY,
    Refusal,
    Reply,
    ReplyContext,
    ReplyPlanner,
    Returned,
    members_of,
    read_returned,
    shape_of,
    structs_in,
    type_name,
)

from .plain import plan_plain


def plan_reply(returned: Returned, context: ReplyContext) -> Reply:
    """The reply of a handler. Raises `Refusal` (JERO-W020, JERO-W021) if its annotation has none."""
    if returned.annotation is EMPTY:
        raise Refusal(
            code="JERO-W020",
            reason="the handler has no return annotation, and the annotation is its contract.",
            remedy="`-> Widget`, with the type that the handler returns; `-> None` answers 204.",
        )
    if _is_response(returned.origin):
        return returned.origin.__jero_reply__(returned, context)
    members = [read_returned(member).origin for member in members_of(returned.annotation)]
    if len(members) > 1 and any(_is_response(member) for member in members):
        raise Refusal(
            code="JERO-W021",
            reason=f"{type_name(returned.annotation)} is a union with a response, and a response is the whole answer.",
            remedy="the response alone: its status_code and its headers may differ from answer to answer.",
        )
    reply = plan_plain(returned, context)
    if reply is None:
        raise Refusal(
            code="JERO-W021",
            reason=f"jero has no reply for {type_name(returned.annotation)}.",
            remedy=_instead_of(returned),
        )
    return reply


def _is_response(origin: object) -> TypeIs[type[ReplyPlanner]]:
    return isinstance(origin, type) and issubclass(origin, ReplyPlanner)


def _instead_of(returned: Returned) -> str:
    """What to write instead of a return type that has no reply."""
    shape = shape_of(returned.annotation)
    origin = shape.origin if isinstance(shape.origin, type) else object
    if shape.optional and (origin in {str, bytes} or structs_in(shape.type) is not None):
        return "the type without `| None`; where there is nothing to answer with, `raise HTTPError(404)`."
    if issubclass(origin, BaseException):
        return "the type of a good answer; an error is raised, not returned."
    if issubclass(origin, Mapping):
        return "a Struct with the members that the mapping would have."
    if issubclass(origin, Awaitable):
        return "the type that awaiting it gives, on an `async def`."
    if issubclass(origin, AsyncIterable | Iterator):
        return (
            "the type of a whole answer; for items that are sent as they come, a response that streams, such as "
            "`NDJSONStreamingResponse[Widget]` of jero-streaming."
        )
    return (
        "a Struct, a list of Structs, a union of tagged Structs, bytes, str, None, or a response such as "
        "JSONResponse[Widget]."
    )
