"""Plain returns: Struct, list of Structs, union of Structs, bytes, str and None."""

from jero_core.extend import (
    Codec,
    Fragment,
    Reply,
    ReplyContext,
    Returned,
    list_item,
    structs_in,
    type_name,
)

from .buffered import BYTES_TYPE, JSON_TYPE, TEXT_TYPE, type_check, wrong_result


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


def json_classes(annotation: object, codec: Codec) -> tuple[type, ...] | None:
    """The classes of the values that a JSON annotation allows, or None if it is not one that jero encodes.

    Raises `Refusal` (JERO-W021) if JSON cannot carry it; what a client could not read back is no contract either.
    """
    classes: tuple[type, ...] | None = structs_in(annotation)
    if classes is None and structs_in(list_item(annotation)) is not None:
        classes = (list,)
    if classes is not None:
        codec.check_encodes(annotation)
    return classes


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
