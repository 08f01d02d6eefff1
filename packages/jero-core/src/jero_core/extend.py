"""The seam: everything that a new source or reply is made of. The built-in ones are made of nothing else.

A **source** is an object with `bind(parameter, operation) -> Binding`, put into the app's `sources` under the name of
the argument that asks for it::

    class App(BaseApp):
        sources = {**BaseApp.sources, "clock": ClockSource()}

A **reply** is claimed by the return type: a response class has the class method `__jero_reply__(returned, operation)
-> Reply`. Both are called once for each operation, at startup, and raise `Refusal` for a declaration they cannot serve.
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
from .errors import ClientDisconnected, HTTPError, Invalid, InvalidRequest
from .fragment import Fragment, Literal, Name
from .header_fields import RawHeaders, header_name, header_value, raw_pairs, wire_name
from .introspect import Parameter, Returned, generic_arguments, read_returned
from .json_problems import JSONProblems
from .links import Link, Links, Location
from .plan import (
    Argument,
    Binding,
    BodyFact,
    Operation,
    OperationPlan,
    ParameterFact,
    PartFact,
    Reads,
    Reply,
    ReplyContext,
    ReplyPlanner,
    Source,
)
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
    "CONTENT_LENGTHS",
    "EMPTY",
    "INVALID",
    "LARGE",
    "Argument",
    "Binding",
    "BodyFact",
    "ClientDisconnected",
    "Codec",
    "Field",
    "Findings",
    "Fragment",
    "HTTPError",
    "Header",
    "Invalid",
    "InvalidRequest",
    "JSONProblems",
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
    "RawHeaders",
    "Reads",
    "Receive",
    "Refusal",
    "Reply",
    "ReplyContext",
    "ReplyPlanner",
    "Returned",
    "Scope",
    "Segment",
    "Send",
    "Shape",
    "Source",
    "Template",
    "WiringError",
    "WiringProblem",
    "absent",
    "construct",
    "content_length",
    "conversion",
    "fields_of",
    "generic_arguments",
    "header_name",
    "header_value",
    "is_plain_text",
    "is_repeatable",
    "is_writable",
    "key_check",
    "list_item",
    "members_of",
    "raw_pairs",
    "read_returned",
    "refuse",
    "shape_of",
    "struct_fields",
    "struct_of",
    "structs_in",
    "text_struct",
    "type_name",
    "wire_name",
]
