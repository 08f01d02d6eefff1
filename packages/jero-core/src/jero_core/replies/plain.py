"""Plain returns: Struct, list of Structs, union of Structs, bytes, str and None."""

from jero_core.extend import (
    Fragment,
    Reply,
    ReplyContext,
    Returned,
    json_classes,
    type_check,
    type_name,
    wrong_result,
)

from .buffered import BYTES_TYPE, JSON_TYPE, TEXT_TYPE


def plan_plain(returned: Returned, context: ReplyContext) -> Reply | None:
    """The reply of a plain return type, or None if it is none."""
    annotation = returned.annotation
    if returned.origin is None or returned.origin is type(None):
        return _empty()
    if returned.origin is bytes:
        return _plain("payload = result", bytes, BYTES_TYPE, context)
    if returned.origin is str:
        return _plain("payload = result.encode()", str, TEXT_TYPE, context)
    classes = json_classes(annotation, context.codec)
    if classes is None:
        return None
    check = type_check("result", classes, type_name(annotation))
    encode = Fragment.of("payload = $encode(result)", encode=context.codec.encode)
    return Reply((check, encode), context.status, JSON_TYPE, annotation)


def _plain(render: str, cls: type, content_type: str, context: ReplyContext) -> Reply:
    check = type_check("result", (cls,), cls.__name__)
    return Reply(
        (check, Fragment.of(render)),
        context.status,
        content_type,
        cls,
    )


def _empty() -> Reply:
    check = Fragment.of(
        """
        if result is not None:
            raise $wrong_result(result, 'None', $operation)
        """,
        wrong_result=wrong_result,
    )
    return Reply((check,), 204, None, None)
