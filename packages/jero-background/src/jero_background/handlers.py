"""Handlers: what a function says that is to run for items of one type.

Rules
-----
- A handler is an `async def` function or method with exactly one parameter, whose annotation is a Struct class.
- The Struct's class is the whole dispatch: an item runs the handlers of its exact type, not those of its bases.
- What is wrong is a `Refusal`; item_queue.py reports it with the handler's place.
"""

from collections.abc import Awaitable, Callable
from typing import Final, cast

import msgspec

from jero_core.extend import (
    EMPTY,
    Parameter,
    Place,
    Refusal,
    is_method,
    place_of,
    read_signature,
    refuse,
    struct_of,
    type_name,
)

type Call = Callable[[msgspec.Struct], Awaitable[object]]

_ONE_ITEM: Final = "`async def handler(item: SendReceipt) -> None`, with the Struct that it handles."


class Handler(msgspec.Struct, frozen=True):
    """One registered handler."""

    call: Call
    function: Callable[..., object]
    """As it was registered."""
    item: type[msgspec.Struct]
    name: str
    """The dotted name, such as `Mailer.send_receipt`."""
    place: Place


def name_of(function: object) -> str:
    """What people call a function or method."""
    name: object = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__qualname__


def name_of_type(item: type) -> str:
    """An item type as the log names it: `shop.orders.SendReceipt`."""
    return f"{item.__module__}.{item.__qualname__}"


def read_handler(given: object) -> Handler:
    """Read what was registered. Raises `Refusal`, with every fault that was found."""
    function = _function_of(given)
    try:
        signature, found = read_signature(function)
    except Refusal as fault:
        raise Refusal(code="JERO-W070", reason=fault.reason, remedy=_ONE_ITEM) from None
    faults = [fault for fault in found if fault.code == "JERO-W011"]
    if any(fault.code == "JERO-W018" for fault in found):
        faults.append(_refusal("JERO-W070", "it yields, and what calling it gives is a generator that nobody steps."))
    elif not signature.is_async:
        faults.append(
            _refusal(
                "JERO-W070", "it is a plain function: it would stop the event loop, and every request, while it runs."
            )
        )
    if len(signature.names) != 1 or any(fault.code == "JERO-W013" for fault in found):
        listed = ", ".join(signature.names) or "nothing"
        faults.append(_refusal("JERO-W071", f"it takes {listed}, and it is called with one item."))
        raise _joined(faults)
    refuse(faults)
    (parameter,) = signature.parameters
    item = _item_type(parameter)
    call = cast("Call", function) if parameter.positional else _by_name(function, parameter.name)
    return Handler(call, function, item, name_of(given), place_of(function, name_of(given)))


def _function_of(given: object) -> Callable[..., object]:
    """The function or method behind what was registered. Raises `Refusal` (JERO-W070)."""
    if is_method(given):
        return given
    call: object = None if isinstance(given, type) else getattr(given, "__call__", None)  # noqa: B004  # read, not asked
    if is_method(call):
        return call
    raise Refusal(
        code="JERO-W070",
        reason=f"{type_name(given) if isinstance(given, type) else repr(given)} is no function or method written in "
        "Python.",
        remedy=_ONE_ITEM,
    )


def _item_type(parameter: Parameter) -> type[msgspec.Struct]:
    annotation = parameter.annotation
    if annotation is EMPTY:
        raise _refusal("JERO-W071", f"{parameter.name!r} has no annotation, and the annotation says what it handles.")
    item = struct_of(annotation)
    if item is None or item is msgspec.Struct:
        raise Refusal(
            code="JERO-W071",
            reason=f"{parameter.name}: {type_name(annotation)} is no Struct class, and items are dispatched by their "
            "class.",
            remedy="a Struct class of its own for each kind of item, and a handler for each.",
        )
    return item


def _refusal(code: str, reason: str) -> Refusal:
    return Refusal(code=code, reason=reason, remedy=_ONE_ITEM)


def _joined(faults: list[Refusal]) -> Refusal:
    faults[0].others = tuple(faults[1:])
    return faults[0]


def _by_name(function: Callable[..., object], name: str) -> Call:
    """Calls a handler whose one argument is passed by name: it is keyword-only, or a decorator is between."""

    def call(item: msgspec.Struct) -> Awaitable[object]:
        return cast("Awaitable[object]", function(**{name: item}))

    return call
