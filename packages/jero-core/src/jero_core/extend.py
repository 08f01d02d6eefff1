"""The seam: everything that a new source or reply is made of. The built-in ones are made of nothing else.

A **source** is an object with `bind(parameter, operation) -> Binding`, put into the app's `sources` under the name of
the argument that asks for it::

    class App(BaseApp):
        sources = {**BaseApp.sources, "clock": ClockSource()}

A **reply** is claimed by the return type: a response class has the class method `__jero_reply__(returned, context)
-> Reply`.

Both are called at startup, and raise `Refusal` for a declaration they cannot serve. What one call gives may serve
several operations: a reply all those with the same return annotation and `ReplyContext`, a binding those for which the
source's `shared_by` (if it has one) gives the same.

A **guard** says who may call the operations of an include. The app's `guards` is an object with `plan(auth, context) ->
Guard`, which is called for what is given as `auth=`::

    class App(BaseApp):
        guards = AddressGuards()

What an app **enters** with `_enter` or `_aenter` may have a method `__jero_wire__(wiring)`. It is called when `_wire`
has ended, and reports what is wrong: `wiring.report(place, Refusal(...))`. `wiring.plans` has the app's operations. A
source may have one as well. What it enters may also have a coroutine method `__jero_drain__() -> bool`, which is called
at the stop, before anything closes, until nothing had work to end.

For whoever drives apps, such as test clients, there are `FAULTS`, `Lifecycle`, `factory_on` and `plans_of`.
"""

from .annotations import (
    EMPTY,
    Field,
    Shape,
    fields_of,
    is_writable,
    list_item,
    members_of,
    shape_of,
    struct_fields,
    struct_of,
    structs_in,
    type_name,
)
from .asgi import CONTENT_LENGTHS, Header, Message, Receive, Scope, Send, content_length
from .codec import Codec
from .collisions import LARGE, key_check
from .entered import Wired, Wiring
from .errors import ClientDisconnected, HTTPError, Invalid, InvalidRequest
from .failures import answer_to
from .faults import FAULTS, note_cut_off
from .fragment import Fragment, Literal, Name
from .header_fields import RawHeaders, header_name, header_value, raw_pairs, wire_name
from .header_struct import header_struct, header_values
from .introspect import (
    Parameter,
    Returned,
    Signature,
    generic_arguments,
    is_method,
    place_of,
    read_returned,
    read_signature,
    type_arguments,
)
from .json_problems import JSONProblems
from .lifecycle import Drained, Lifecycle, factory_on
from .links import Link, Links, Location
from .nesting import DEEP, nesting_check
from .plan import (
    Argument,
    Binding,
    BodyFact,
    Guard,
    GuardContext,
    GuardPlanner,
    Operation,
    OperationPlan,
    ParameterFact,
    PartFact,
    Planned,
    Reads,
    Reply,
    ReplyContext,
    ReplyPlanner,
    SecurityFact,
    Source,
    plans_of,
)
from .response_head import BODILESS, PlannedHead, WithHead, plan_head
from .result_checks import json_classes, type_check, wrong_result
from .safe_values import NO_HASH, is_hash_fault
from .stopping import Stopping
from .template import Segment, Template
from .text_values import (
    INVALID,
    Findings,
    absent,
    construct,
    conversion,
    is_plain_text,
    is_repeatable,
    text_struct,
)
from .wiring import Place, Refusal, WiringError, WiringProblem, refuse

__all__ = [
    "BODILESS",
    "CONTENT_LENGTHS",
    "DEEP",
    "EMPTY",
    "FAULTS",
    "INVALID",
    "LARGE",
    "NO_HASH",
    "Argument",
    "Binding",
    "BodyFact",
    "ClientDisconnected",
    "Codec",
    "Drained",
    "Field",
    "Findings",
    "Fragment",
    "Guard",
    "GuardContext",
    "GuardPlanner",
    "HTTPError",
    "Header",
    "Invalid",
    "InvalidRequest",
    "JSONProblems",
    "Lifecycle",
    "Link",
    "Links",
    "Literal",
    "Location",
    "Message",
    "Name",
    "Operation",
    "OperationPlan",
    "Parameter",
    "ParameterFact",
    "PartFact",
    "Place",
    "Planned",
    "PlannedHead",
    "RawHeaders",
    "Reads",
    "Receive",
    "Refusal",
    "Reply",
    "ReplyContext",
    "ReplyPlanner",
    "Returned",
    "Scope",
    "SecurityFact",
    "Segment",
    "Send",
    "Shape",
    "Signature",
    "Source",
    "Stopping",
    "Template",
    "Wired",
    "Wiring",
    "WiringError",
    "WiringProblem",
    "WithHead",
    "absent",
    "answer_to",
    "construct",
    "content_length",
    "conversion",
    "factory_on",
    "fields_of",
    "generic_arguments",
    "header_name",
    "header_struct",
    "header_value",
    "header_values",
    "is_hash_fault",
    "is_method",
    "is_plain_text",
    "is_repeatable",
    "is_writable",
    "json_classes",
    "key_check",
    "list_item",
    "members_of",
    "nesting_check",
    "note_cut_off",
    "place_of",
    "plan_head",
    "plans_of",
    "raw_pairs",
    "read_returned",
    "read_signature",
    "refuse",
    "shape_of",
    "struct_fields",
    "struct_of",
    "structs_in",
    "text_struct",
    "type_arguments",
    "type_check",
    "type_name",
    "wire_name",
    "wrong_result",
]
