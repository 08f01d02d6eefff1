"""`user`: who calls, as the operation's authenticator found out.

Rules
-----
- A user is a Struct, or a union of Structs; `| None` stands for anonymous callers.
- A handler's `user` takes every value that its authenticator gives, as a type checker would have it: the same class, a
  base class of it, a wider union. Whether it may be None is the same on both sides: a handler that never meets an
  anonymous caller is not to be written as if it did.
"""

import inspect
from collections.abc import Awaitable, Hashable, Iterator
from typing import Any, cast

import msgspec

from jero_core.extend import (
    Binding,
    Fragment,
    Operation,
    Parameter,
    Reads,
    Refusal,
    members_of,
    read_returned,
    struct_of,
    type_name,
)


class UserType(msgspec.Struct, frozen=True):
    """The type of a user, taken apart."""

    annotation: object
    members: tuple[object, ...]
    """The types of the union without None: Struct classes, and generic ones with their arguments."""
    classes: tuple[type, ...]
    """The classes of the values, without NoneType."""
    anonymous: bool
    """Whether None, an anonymous caller, is one of the values."""

    @property
    def name(self) -> str:
        """The type as a reader would write it."""
        return type_name(self.annotation)


def read_user_type(annotation: object) -> UserType | None:
    """The type of a user; None if it is none."""
    members = tuple(members_of(annotation))
    known = tuple(member for member in members if member is not type(None))
    classes = tuple(_class_of(member) for member in known)
    if not known or None in classes:
        return None
    return UserType(annotation, known, cast("tuple[type, ...]", classes), anonymous=len(known) < len(members))


def _class_of(member: object) -> type[msgspec.Struct] | None:
    struct = struct_of(member) or struct_of(read_returned(member).origin)
    return None if struct is msgspec.Struct else struct


def without_awaitables(annotation: object) -> object:
    """A return annotation with each `Awaitable[User]` (or Coroutine, Future, Task) of it replaced by `User`."""
    found: list[object] = []
    for member in members_of(annotation):
        returned = read_returned(member)
        if inspect.isclass(returned.origin) and issubclass(returned.origin, Awaitable) and returned.arguments:
            found += members_of(returned.arguments[-1])
        else:
            found.append(member)
    union = cast("Any", found[0])  # The operator of any type.
    for member in dict.fromkeys(found[1:]):
        union = union | member
    return cast("object", union)


def misfits(given: UserType, taken: UserType) -> Iterator[object]:
    """The types that an authenticator gives and that an annotation does not take."""
    for member, cls in zip(given.members, given.classes, strict=True):
        if member not in taken.members and not any(
            isinstance(other, type) and issubclass(cls, other) for other in taken.members
        ):
            yield member


class UserSource:
    """Binds what the operation's authenticator gave."""

    def shared_by(self, operation: Operation, /) -> Hashable:
        """What of an operation the binding depends on: its guard."""
        return id(operation.guard)

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` (JERO-W045, JERO-W046)."""
        guard = operation.guard
        if guard is None:
            raise Refusal(
                code="JERO-W045",
                reason="the handler takes a `user`, and nobody authenticates one: its include has no auth=.",
                remedy="`auth=` and an authenticator at the include, or a handler without `user`.",
            )
        taken = read_user_type(parameter.annotation)
        if taken is None:
            raise Refusal(
                code="JERO-W046",
                reason=f"user: {type_name(parameter.annotation)} is no Struct.",
                remedy="the Struct that the authenticator gives.",
            )
        if guard.yields is not Any:
            _check_taken(read_user_type(guard.yields), guard.name, taken)
        return Binding(reads=Reads.GUARD, extract=Fragment.of("$target = $admitted"))


def _check_taken(given: UserType | None, giver: str, taken: UserType) -> None:
    if given is None:
        raise Refusal(
            code="JERO-W046",
            reason=f"user: {giver} gives no user.",
            remedy="a handler without `user`, or an authenticator that gives one.",
        )
    wrong = [type_name(member) for member in misfits(given, taken)]
    if wrong:
        raise Refusal(
            code="JERO-W046",
            reason=f"user: {giver} gives {given.name}, and {taken.name} does not take {', '.join(wrong)}.",
            remedy=f"`user: {given.name}`.",
        )
    if given.anonymous and not taken.anonymous:
        raise Refusal(
            code="JERO-W046",
            reason=f"user: {giver} admits anonymous callers, who are None, and {taken.name} has no None.",
            remedy=f"`user: {given.name}`, or an authenticator that admits nobody unknown.",
        )
    if taken.anonymous and not given.anonymous:
        raise Refusal(
            code="JERO-W046",
            reason=f"user: {taken.name} has None for anonymous callers, and {giver} admits none.",
            remedy=f"`user: {given.name}`, or an authenticator that gives `{given.name} | None`.",
        )
