"""The planner of one operation: from a handler's signature to an `OperationPlan`, and every problem on the way.

Rules
-----
- The way: signature (introspect.py), template, arguments (binder.py), reply (replies/), plan. Each step gives what it
  could make, and what is wrong with the rest; the next one goes on with that, so that one start tells everything.
- An operation of which anything is wrong has no plan. It is compared with others as far as its template is certain.
- Same-shaped operations share what is planned for them.
"""

from collections.abc import Iterable, Mapping

import msgspec

from .annotations import struct_fields, type_name
from .binder import Binder, planned_once
from .codec import Codec
from .cross_checks import Met
from .declarations import handler_of, listing, meta_of, receiver_faults, short_name
from .guards import anonymity_faults
from .introspect import Returned, Signature, place_of, read_signature
from .links import Links
from .plan import Argument, Guard, Operation, OperationPlan, Reply, ReplyContext
from .replies.choose import plan_reply
from .reporting import Problems, fault
from .routables import OperationKind, Routable
from .stopping import Stopping
from .template import ROOT, Template, is_slot_name
from .wiring import Place, Refusal


class Included(msgspec.Struct, frozen=True):
    """What the operations of one included object share."""

    routable: Routable
    place: Place
    type_arguments: Mapping[object, object]
    """What stands for the type variables of its class."""
    mount: Template | None
    """The template of its mount path; None if that has a fault, which is reported."""
    guard: Guard | None
    keywords: Mapping[str, object]
    """The class keywords that sources understand."""
    max_body_size: int
    has_own_limit: bool
    """Whether the class or the app sets that limit; a binding's own default stands back behind it."""


class OperationPlanner:
    """Plans the operations of one app, one at a time."""

    def __init__(self, binder: Binder, problems: Problems, codec: Codec, links: Links, stopping: Stopping) -> None:
        self._binder = binder
        self._problems = problems
        self._codec = codec
        self._links = links
        self._stopping = stopping
        self._replies: dict[object, Reply] = {}

    def plan(self, included: Included, name: str, kind: OperationKind) -> Met | None:
        """Plan an operation, and report what is wrong with it. None if it is no method whose signature can be read."""
        full_name = f"{short_name(type(included.routable))}.{name}"
        place = Place(included.place.file, included.place.line, full_name)
        try:
            handler = handler_of(included.routable, name)
            place = place_of(handler, full_name)
            signature, refusals = read_signature(handler, included.type_arguments, type(included.routable))
        except Refusal as refusal:
            self._problems.report(place, refusal, *refusal.others)
            return None
        refusals += receiver_faults(signature, self._binder.sources)

        template, misfits = _template_of(included.mount, kind, signature)
        operation = Operation(
            kind.method, template, included.max_body_size, self._codec, included.guard, included.keywords
        )
        arguments, unbound = self._binder.bind(signature.parameters, operation)
        refusals += (*misfits, *unbound)

        met = Met(kind.method, full_name, place, handler)
        # A `path` that cannot be bound, or is misspelt, leaves an item operation without its slots.
        has_no_path = kind.on_item and "path" not in [each.name for each in arguments]
        if included.mount is not None and not misfits and not (has_no_path and refusals):
            met.template = template

        refusals = refusals or [*anonymity_faults(included.guard, arguments)]
        reply, unserved = self._plan_reply(signature.returned, kind)
        refusals += unserved
        self._problems.report(place, *refusals)
        if included.mount is not None and reply is not None and not refusals:
            met.plan = OperationPlan(
                method=kind.method,
                template=template,
                name=full_name,
                place=place,
                handler=handler,
                is_async=signature.is_async,
                may_answer_itself=signature.may_answer_itself,
                arguments=arguments,
                reply=reply,
                max_body_size=_body_limit(included, arguments),
                meta=meta_of(type(included.routable), name),
                guard=included.guard,
            )
        return met

    def _plan_reply(self, returned: Returned | None, kind: OperationKind) -> tuple[Reply | None, tuple[Refusal, ...]]:
        """The reply for a return annotation, or what is wrong with that; neither if it could not be read."""
        if returned is None:
            return None, ()
        key = returned.annotation, kind.method, kind.status
        try:
            return planned_once(self._replies, key, lambda: self._ask(returned, kind)), ()
        except Refusal as refusal:
            return None, (refusal, *refusal.others)
        except Exception as error:  # noqa: BLE001  # whatever an extension does
            return None, (fault(f"the reply {type_name(returned.annotation)}", error),)

    def _ask(self, returned: Returned, kind: OperationKind) -> Reply:
        context = ReplyContext(kind.method, kind.status, self._codec, self._links, self._stopping)
        reply: object = plan_reply(returned, context)
        if not isinstance(reply, Reply):
            raise TypeError(f"__jero_reply__ gave {reply!r}, no Reply")
        return reply


def _template_of(mount: Template | None, kind: OperationKind, signature: Signature) -> tuple[Template, list[Refusal]]:
    """An operation's template, and what is wrong with it (JERO-W011, JERO-W032, JERO-W033).

    The `path` Struct of an item operation adds a slot for each further field. Without a mount path (it is reported
    already) the template is one that every `path` Struct fits.
    """
    path = next((parameter for parameter in signature.parameters if parameter.name == "path"), None)
    if path is None:
        if mount is None or not mount.slots or "path" in signature.names:
            return mount or ROOT, []
        refusal = Refusal(
            code="JERO-W033",
            reason=f"{mount.path!r} has {listing(mount.slots)}, and the handler takes no `path`.",
            remedy="an argument `path` with a Struct that has a field for each slot.",
        )
        return mount, [refusal]
    try:
        found = struct_fields(path.annotation) if kind.on_item or mount is None else None
    except Refusal as refusal:
        return mount or ROOT, [refusal]
    mount = mount or ROOT
    if found is None:
        return mount, []
    extra = tuple(field.name for field in found[1] if field.name not in mount.slots)
    refusals = [
        Refusal(
            code="JERO-W032",
            reason=f"{found[0].__name__}.{name} can have no slot, whose name is snake_case and no keyword.",
            remedy="another name for the field, such as `widget_id`.",
        )
        for name in extra
        if not is_slot_name(name)
    ]
    return mount.extended(extra), refusals


def _body_limit(included: Included, arguments: Iterable[Argument]) -> int:
    """The limit of a body: the class's, the app's own, a binding's default, or the app's default."""
    if not included.has_own_limit:
        for argument in arguments:
            if argument.binding.default_body_size is not None:
                return argument.binding.default_body_size
    return included.max_body_size
