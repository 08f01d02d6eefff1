"""Handlers: what a function says that is to run for items of one type.

Rules
-----
- A handler is an `async def` function or method with exactly one parameter, whose annotation is a Struct class.
- The Struct's class is the whole dispatch: an item runs the handlers of its exact type, not those of its bases.
- What is wrong is a `Refusal`; item_queue.py reports it with the handler's place.
"""

import functools
import types
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from jero_core.extend import (
    EMPTY,
    Parameter,
    Place,
    Refusal,
    Signature,
    is_method,
    place_of,
    read_signature,
    refuse,
    struct_of,
    type_name,
)

type Call = Callable[[msgspec.Struct], Awaitable[object]]


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


def _one_item(given: object, signature: Signature | None = None) -> str:
    """What to write instead of a handler, under its own name and with its own item as far as it has one."""
    name = given.__name__ if is_method(given) else "handler"
    if not name.isidentifier():  # `<lambda>`
        name = "handler"
    own = "self, " if isinstance(given, types.MethodType) else ""
    items = [struct_of(each.annotation) for each in signature.parameters] if signature is not None else []
    named = [each.__qualname__ for each in items if each is not None and each is not msgspec.Struct]
    if not named:
        return f"`async def {name}({own}item: SendReceipt) -> None`, with the Struct that it handles."
    return f"`async def {name}({own}item: {named[0]}) -> None`."


def read_handler(given: object) -> Handler:
    """Read what was registered. Raises `Refusal`, with every fault that was found."""
    function = _function_of(given)
    try:
        signature, found = read_signature(function)
    except Refusal as fault:
        raise Refusal(code="JERO-W070", reason=fault.reason, remedy=_one_item(given)) from None
    remedy = _one_item(given, signature)
    faults = [fault for fault in found if fault.code == "JERO-W011"]
    if any(fault.code == "JERO-W018" for fault in found):
        reason = "it yields, and what calling it gives is a generator that nobody steps."
        faults.append(Refusal(code="JERO-W070", reason=reason, remedy=remedy))
    elif not signature.is_async:
        reason = "it is a plain function: it would stop the event loop, and every request, while it runs."
        faults.append(Refusal(code="JERO-W070", reason=reason, remedy=remedy))
    if len(signature.names) != 1 or any(fault.code == "JERO-W013" for fault in found):
        listed = ", ".join(signature.names) or "nothing"
        if signature.names[:1] == ("self",):
            remedy = (
                f"`tasks.register({name_of(given).replace('.', '(...).')})`: the method of an instance, not of a class."
            )
        reason = f"it takes {listed}, and it is called with one item."
        faults.append(Refusal(code="JERO-W071", reason=reason, remedy=remedy))
        raise _joined(faults)
    refuse(faults)
    (parameter,) = signature.parameters
    item = _item_type(parameter, remedy)
    call = cast("Call", function) if parameter.positional else _by_name(function, parameter.name)
    return Handler(call, function, item, name_of(given), place_of(function, name_of(given)))


def _function_of(given: object) -> Callable[..., object]:
    """The function or method behind what was registered. Raises `Refusal` (JERO-W070)."""
    if is_method(given):
        return given
    call: object = None if isinstance(given, type) else getattr(given, "__call__", None)  # noqa: B004  # read, not asked
    if is_method(call):
        return call
    what = repr(given)
    if isinstance(given, type):
        what = type_name(given)
    elif callable(given):  # Whose repr mostly shows an address, or what else it holds.
        what = name_of(given) if hasattr(given, "__qualname__") else f"a {name_of(given)}"
    remedy = _one_item(given)
    if isinstance(given, functools.partial):
        remedy = f"a method of an object that has what the partial binds, or a function around it: {remedy}"
    raise Refusal(code="JERO-W070", reason=f"{what} is no function or method written in Python.", remedy=remedy)


def _item_type(parameter: Parameter, remedy: str) -> type[msgspec.Struct]:
    annotation = parameter.annotation
    if annotation is EMPTY:
        reason = f"{parameter.name!r} has no annotation, and the annotation says what it handles."
        raise Refusal(code="JERO-W071", reason=reason, remedy=remedy)
    item = struct_of(annotation)
    if item is None or item is msgspec.Struct:
        raise Refusal(
            code="JERO-W071",
            reason=f"{parameter.name}: {type_name(annotation)} is no Struct class, and items are dispatched by their "
            "class.",
            remedy="a Struct class of its own for each kind of item, and a handler for each.",
        )
    return item


def _joined(faults: list[Refusal]) -> Refusal:
    faults[0].others = tuple(faults[1:])
    return faults[0]


def _by_name(function: Callable[..., object], name: str) -> Call:
    """Calls a handler whose one argument is passed by name: it is keyword-only, or a decorator is between."""

    def call(item: msgspec.Struct) -> Awaitable[object]:
        return cast("Awaitable[object]", function(**{name: item}))

    return call
