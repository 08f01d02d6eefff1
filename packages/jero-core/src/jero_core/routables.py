"""Resources and endpoints: classes whose method names are the HTTP operations."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

if TYPE_CHECKING:
    from .metadata import OperationMeta


class OperationKind(msgspec.Struct, frozen=True):
    """What a method name means: its HTTP method, the status of success, and whether it answers the item path."""

    method: str
    status: int
    on_item: bool


RESOURCE_OPERATIONS: Final[Mapping[str, OperationKind]] = {
    "create": OperationKind("POST", 201, on_item=False),
    "read_many": OperationKind("GET", 200, on_item=False),
    "read_one": OperationKind("GET", 200, on_item=True),
    "update": OperationKind("PUT", 200, on_item=True),
    "partial_update": OperationKind("PATCH", 200, on_item=True),
    "delete": OperationKind("DELETE", 200, on_item=True),
}
ENDPOINT_OPERATIONS: Final[Mapping[str, OperationKind]] = {
    method: OperationKind(method.upper(), 200, on_item=False) for method in ("get", "post", "put", "patch", "delete")
}
BODILESS_METHODS: Final = frozenset({"GET", "DELETE"})


class Routable:
    """What Resource and Endpoint share: the class keywords, kept for startup to check."""

    _jero_operations: ClassVar[Mapping[str, OperationKind]] = {}
    _jero_keywords: ClassVar[Mapping[str, object]] = {}

    if TYPE_CHECKING:

        def __init_subclass__(
            cls,
            *,
            path: str | None = None,
            ref: str | None = None,
            max_body_size: int | None = None,
            meta: OperationMeta | None = None,
            # `meta_<operation>`, and the keywords of sources, which core does not know: startup checks them.
            **others: OperationMeta | int | None,
        ) -> None: ...

    else:

        def __init_subclass__(cls, **keywords: object) -> None:
            # Nothing is refused here: startup reports a wrong keyword together with everything else.
            super().__init_subclass__()
            # A ref names one class: its subclasses have refs of their own.
            inherited = {name: value for name, value in cls._jero_keywords.items() if name != "ref"}
            cls._jero_keywords = inherited | keywords


class Resource(Routable):
    """A collection and its items.

    `class WidgetResource(Resource, path="/widgets")`. At the mount path: `create` (POST, 201) and `read_many` (GET). At
    the item path, which is the mount path and one slot for each further field of the `path` Struct: `read_one` (GET),
    `update` (PUT), `partial_update` (PATCH) and `delete` (DELETE). Other methods are ordinary methods.

    Class keywords: `path`, the template of the mount path; `max_body_size`, the limit of a request's body in bytes;
    `ref`, a name for links to its operations (`Location.from_ref("widgets.read_one")`);
    `meta`, an `OperationMeta` about all operations, and `meta_<operation>` about one.
    """

    _jero_operations = RESOURCE_OPERATIONS


class Endpoint(Routable):
    """One path: `get`, `post`, `put`, `patch` and `delete` answer the methods of these names.

    `class Health(Endpoint, path="/health")`. Class keywords as Resource's.
    """

    _jero_operations = ENDPOINT_OPERATIONS
