"""What a declaration says of an operation beyond its types: for documents, and for whoever reads the class."""

import msgspec

from .errors import HTTPError


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
