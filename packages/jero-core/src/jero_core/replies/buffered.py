"""What all buffered replies share: their content types, and the result's type check."""

from typing import Final

from jero_core.extend import Fragment

JSON_TYPE: Final = "application/json"
BYTES_TYPE: Final = "application/octet-stream"
TEXT_TYPE: Final = "text/plain; charset=utf-8"


def wrong_result(result: object, expected: str, operation: str) -> TypeError:
    """The error for a handler that returned something else than its annotation says; it answers 500."""
    return TypeError(
        f"{operation} returned a value of type {type(result).__qualname__}; its annotation says {expected}"
    )


def type_check(local: str, classes: tuple[type, ...], expected: str) -> Fragment:
    """Lines that raise unless the value in `local` is an instance of one of the classes."""
    values: dict[str, object] = {
        "class": classes[0] if len(classes) == 1 else frozenset(classes),
        "classes": classes,
        "wrong_result": wrong_result,
        "expected": expected,
    }
    test = "is not" if len(classes) == 1 else "not in"
    return Fragment(
        (
            f"if {local}.__class__ {test} $class and not isinstance({local}, $classes):",
            f"    raise $wrong_result({local}, $expected, $operation)",
        ),
        values,
    )
