"""Plain returns: Struct, list of Structs, union of Structs, bytes, str and None."""

import msgspec

from jero_core.extend import (
    Fragment,
    Operation,
    Reply,
    Returned,
    json_decoder,
    list_item,
    structs_in,
    type_name,
)

from .buffered import BYTES_TYPE, JSON_TYPE, TEXT_TYPE, type_check, wrong_result

_encode = msgspec.json.Encoder().encode


def plan_plain(returned: Returned, operation: Operation) -> Reply | None:
    """The reply of a plain return type, or None if it is none."""
    annotation = returned.annotation
    if returned.origin is None or returned.origin is type(None):
        return _empty(operation)
    if returned.origin is bytes:
        return _plain("payload = result", bytes, BYTES_TYPE, operation)
    if returned.origin is str:
        return _plain("payload = result.encode()", str, TEXT_TYPE, operation)
    classes = json_classes(annotation)
    if classes is None:
        return None
    check = type_check("result", classes, type_name(annotation), operation.name)
    encode = Fragment.of("payload = $encode(result)", encode=_encode)
    return Reply((check, encode), operation.status, JSON_TYPE, annotation)


def json_classes(annotation: object) -> tuple[type, ...] | None:
    """The classes of the values that a JSON annotation allows, or None if it is not one that jero encodes.

    Raises `Refusal` (JERO-W021) if JSON cannot carry it; what a client could not read back is no contract either.
    """
    classes: tuple[type, ...] | None = structs_in(annotation)
    if classes is None and structs_in(list_item(annotation)) is not None:
        classes = (list,)
    if classes is not None:
        json_decoder(annotation, "JERO-W021")
    return classes


def _plain(render: str, cls: type, content_type: str, operation: Operation) -> Reply:
    check = type_check("result", (cls,), cls.__name__, operation.name)
    return Reply(
        (check, Fragment.of(render)),
        operation.status,
        content_type,
        cls,
    )


def _empty(operation: Operation) -> Reply:
    check = Fragment.of(
        """
        if result is not None:
            raise $wrong_result(result, $expected, $operation)
        """,
        wrong_result=wrong_result,
        expected="None",
        operation=operation.name,
    )
    return Reply((check,), 204, None, None)
