"""Checks of what a handler returned: the type that its annotation says, never the fields inside."""

from .annotations import list_item, structs_in
from .codec import Codec
from .fragment import Fragment


def wrong_result(result: object, expected: str, operation: str) -> TypeError:
    """The error for a handler that returned something else than its annotation says; it answers 500."""
    return TypeError(
        f"{operation} returned a value of type {type(result).__qualname__}; its annotation says {expected}"
    )


def type_check(local: str, classes: tuple[type, ...], expected: str) -> Fragment:
    """Lines that raise unless the value in `local` is an instance of one of the classes."""
    values: dict[str, object] = {"classes": classes, "wrong_result": wrong_result, "expected": expected}
    if len(classes) == 1:
        # For a value of the very class quicker than to compare the classes first: 10 ns, else 14.
        values["classes"] = classes[0]
        test = f"not isinstance({local}, $classes)"
    else:
        # With several it is the other way round: 14 ns instead of 86 for the second of two.
        values["usual"] = frozenset(classes)
        test = f"{local}.__class__ not in $usual and not isinstance({local}, $classes)"
    return Fragment((f"if {test}:", f"    raise $wrong_result({local}, $expected, $operation)"), values)


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
