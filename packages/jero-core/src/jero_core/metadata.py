"""What a declaration says of an operation beyond its types: for documents, and for whoever reads the class."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import msgspec

from .annotations import type_name
from .errors import HTTPError

if TYPE_CHECKING:
    from typing import TypeIs


class OperationMeta(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about an operation, given with the class keywords `meta` (all operations) and `meta_<operation>`.

    `errors` are the declared errors that the handler raises. An operation's own facts go before its class's; errors and
    tags of both count.
    """

    errors: tuple[type[HTTPError], ...] = ()
    summary: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    operation_id: str | None = None

    def over(self, other: "OperationMeta") -> "OperationMeta":
        """These facts, and those of `other` where there are none."""
        return OperationMeta(
            errors=tuple(dict.fromkeys(self.errors + other.errors)),
            summary=other.summary if self.summary is None else self.summary,
            description=other.description if self.description is None else self.description,
            tags=tuple(dict.fromkeys(self.tags + other.tags)),
            deprecated=self.deprecated or other.deprecated,
            operation_id=other.operation_id if self.operation_id is None else self.operation_id,
        )


NO_META = OperationMeta()


def misfits(meta: OperationMeta) -> Iterator[tuple[str, str]]:
    """What is not what its annotation says: each such value, and what to write instead."""
    members: dict[str, object] = msgspec.structs.asdict(meta)
    for name in ("summary", "description", "operation_id"):
        if not isinstance(members[name], str | None):
            yield f"{name}={members[name]!r} is no str", f'`{name}="..."`'
    if not isinstance(members["deprecated"], bool):
        yield f"deprecated={members['deprecated']!r} is neither True nor False", "`deprecated=True`"
    tags, errors = _items(members["tags"]), _items(members["errors"])
    if tags is None or not all(isinstance(tag, str) for tag in tags):
        yield f"tags={members['tags']!r} is no tuple of str", '`tags=("shop",)`'
    classes = "a tuple of classes that derive from HTTPError: `errors=(OutOfStock,)`"
    if errors is None:
        yield f"errors={type_name(members['errors'])} is no tuple", classes
    for error in errors or ():
        if not is_error_class(error):
            yield f"{type_name(error)} in errors= is no class of errors", classes


def error_classes(meta: OperationMeta) -> list[type[HTTPError]]:
    """The declared errors that are errors."""
    errors: object = meta.errors
    return [error for error in _items(errors) or () if is_error_class(error)]


def is_error_class(thing: object) -> "TypeIs[type[HTTPError]]":
    """Whether something is a class of errors."""
    return isinstance(thing, type) and issubclass(thing, HTTPError)


def _items(value: object) -> tuple[object, ...] | None:
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else None
