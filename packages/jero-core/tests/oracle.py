"""The oracle: what a request must get, read from an app's plans by the rules of SPEC.md, one after the other.

It is the request path as a plain program, slow and complete: read it from `Oracle.answer` down to learn what jero does
with a request. Generated code does the same in another way, and test_oracle.py holds it to this (DESIGN, law 5).

Rules
-----
- It knows the plans, the app's hooks, the request and public names of jero_core: nothing of what generates code, binds
  values, renders replies or finds routes. Every template is tried; values are converted by msgspec, as dicts.
- What no rule fixes is left open: `ANY` stands for text that the framework words as it likes.
- `Refused` is the request's fault, an HTTPError the handler's answer, `Gone` nobody's. Any other exception is a fault
  of the app: 500, and logged.
"""

import inspect
import re
import typing
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote_plus, unquote_to_bytes

import msgspec

from jero_core import BytesResponse, HTTPError, JSONResponse, RawHeaders

from .oracle_values import bare, from_texts, is_fit, misfits, pointer

ANY = "any text, or none"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MOST_PARAMETERS = 1_000
MOST_REPEATS = 16 * 1024
NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
BODILESS = {204, 205, 304}
CONTENT_HEADERS = {b"content-type", b"content-length", b"content-encoding", b"content-language", b"content-range"}
FRAMING = {b"content-length", b"transfer-encoding", b"connection"}


@dataclass
class Answer:
    """What is sent. `problem` is a Problem Details body, decoded; whoever encodes it adds the content-length."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    problem: dict | None = None
    is_fault: bool = False


class Refused(Exception):
    """The request is refused. `places`: every invalid value, as (source, JSON Pointer)."""

    def __init__(self, status, places=()):
        super().__init__(status)
        self.status = status
        self.places = set(places)


class Gone(Exception):
    """The client went away before its body was complete."""


class Oracle:
    """Answers the requests of one app."""

    def __init__(self, app):
        self.plans = app._jero_plans
        self.enc_hook = type(app).enc_hook
        self.dec_hook = type(app).dec_hook

    async def answer(self, scope, receive):
        """The answer to a request; None if nothing is sent. Calls the handler if the app must, and else does not."""
        method = scope["method"]
        operations, slots = self.route(scope)
        allowed = ", ".join(name for name in METHODS if name in operations or name == "OPTIONS")
        if not operations:
            answer = problem(404)
        elif method == "OPTIONS":
            answer = Answer(204, [(b"allow", allowed.encode())])
        elif method not in operations:
            answer = problem(405, headers=[(b"allow", allowed.encode())])
        else:
            answer = await self.operation(operations[method], slots, scope, receive)
        if method == "HEAD" and answer is not None:
            answer.body = b""  # The head stays as it is for GET.
        return answer

    async def operation(self, plan, slots, scope, receive):
        scope["route"] = plan.template
        try:
            values = await self.bind(plan, slots, scope, receive)
            by_position = [values[each.name] for each in plan.arguments if each.positional]
            by_name = {each.name: values[each.name] for each in plan.arguments if not each.positional}
            result = plan.handler(*by_position, **by_name)
            is_waited_for = inspect.isawaitable(result) if plan.may_answer_itself else plan.is_async
            return self.reply(plan, await result if is_waited_for else result)
        except Gone:
            return None
        except Refused as refused:
            return self.refusal(refused)
        except Exception as error:
            return self.error(error)

    # Section 3: routing. The path decides the template, then the method decides the operation.

    def route(self, scope):
        """The plans of the template that the path matches, by method, and the values of its slots."""
        segments = segments_of(scope)
        found = []
        for plan in self.plans:
            slots = match(plan.template.segments, segments)
            if slots is not None:
                # At each level, from left to right, literal text goes before a slot.
                found.append(([segment.is_slot for segment in plan.template.segments], slots, plan))
        best = min((rank for rank, _, _ in found), default=None)
        operations = {plan.method: plan for rank, _, plan in found if rank == best}
        if "GET" in operations:
            operations["HEAD"] = operations["GET"]
        return operations, next((slots for rank, slots, _ in found if rank == best), {})

    # Section 4: binding. Arguments bind by name. The order of checks: path, the rest of the head, the announced length,
    # the content type, the body as it arrives, the body's content.

    async def bind(self, plan, slots, scope, receive):
        wanted = {argument.name: argument.annotation for argument in plan.arguments}
        values, invalid = {}, set()
        if "path" in wanted:
            values["path"] = self.path(wanted["path"], slots)
        headers = wanted_headers(wanted, scope)
        for name, annotation in wanted.items():
            try:
                if name == "params":
                    values[name] = self.params(annotation, scope["query_string"])
                elif name == "headers":
                    values[name] = self.headers(annotation, headers)
                elif name == "raw_headers":
                    values[name] = RawHeaders([(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]])
            except Refused as refused:
                if not refused.places:
                    raise  # What cannot be read at all is the whole answer.
                invalid |= refused.places
        if invalid:
            raise Refused(400, invalid)
        for name in wanted.keys() & {"json", "content"}:
            length = announced_length(headers.get(b"content-length"), plan.max_body_size)
            if name == "json" and not is_json_type(headers.get(b"content-type", b"")):
                raise Refused(415)
            body = await read_body(receive, length, plan.max_body_size)
            values[name] = self.json(wanted[name], body) if name == "json" else body
        return values

    def path(self, struct, slots):
        """Slots go by the fields' own names. What does not convert is no path of the app, nor are `.` and `..`."""
        if {".", ".."} & {*slots.values()}:
            raise Refused(404)
        names = {each.name: each.encode_name for each in msgspec.structs.fields(struct)}
        try:
            return self.struct(struct, {names[slot]: [text] for slot, text in slots.items()}, "path")
        except Refused:
            raise Refused(404) from None

    def params(self, struct, query):
        """Names and values are decoded once; a pair that is empty is none."""
        if query.count(b"&") >= MOST_PARAMETERS:
            raise Refused(400)
        texts = {}
        try:
            for pair in filter(None, query.decode().split("&")):
                name, _, text = pair.partition("=")
                text = unquote_plus(text, errors="strict")
                texts.setdefault(unquote_plus(name, errors="strict"), []).append(text)
        except UnicodeDecodeError:
            raise Refused(400) from None
        return self.struct(struct, texts, "params")

    def headers(self, struct, headers):
        """The field `x_trace_id` reads `x-trace-id`. Other headers, also one with an underscore, mean nothing."""
        names = {each.encode_name: wire_name(each) for each in msgspec.structs.fields(struct)}
        texts = {name: [headers[wire].decode("latin-1")] for name, wire in names.items() if wire in headers}
        return self.struct(struct, texts, "headers", lambda name: names[name].decode())

    def struct(self, struct, texts, source, as_sent=str):
        """A Struct of texts by name. Every invalid name is told, as the client sent it."""
        value, invalid = from_texts(texts, struct, self.dec_hook)
        if invalid:
            places = [
                [] if name is None else [as_sent(name)] if index is None else [as_sent(name), str(index)]
                for name, index in invalid
            ]
            raise Refused(400, {(source, "".join(map(pointer, place))) for place in places})
        return value

    def json(self, annotation, body):
        """What is no JSON is 400; JSON that does not fit the type is 422, with every invalid place."""
        try:
            body.decode()
            return msgspec.json.decode(body, type=annotation, dec_hook=self.dec_hook)
        except NO_JSON as error:
            if not isinstance(error, msgspec.ValidationError) or not is_json(body):
                raise Refused(400) from None
        raise Refused(422, {("json", place) for place in misfits(body, annotation, self.dec_hook)})

    # Section 5: responses. The result's type is checked, not what is inside.

    def reply(self, plan, result):
        facts, own = plan.reply, None
        if facts.content_type is None:
            check_type(result, type(None))
            return Answer(204)
        if facts.decides_head:
            own, is_bytes = result, facts.body_type is bytes
            check_type(own, BytesResponse if is_bytes else JSONResponse)
            result = own.content if is_bytes else own.json
        check_type(result, *classes_of(facts.body_type))
        if isinstance(result, str | bytes):
            body = result if isinstance(result, bytes) else result.encode()
        else:
            body = msgspec.json.encode(result, enc_hook=self.enc_hook)
        status, headers = facts.status, [(b"content-type", facts.content_type.encode())]
        if own is not None:
            headers = self.with_own(headers, own, facts.headers)
            status = facts.status if own.status_code is None else own.status_code
            if isinstance(status, bool) or status not in range(200, 600):
                raise ValueError("no status of a response")
        headers.append((b"content-length", b"%d" % len(body)))
        if status in BODILESS:
            headers, body = [pair for pair in headers if pair[0] not in CONTENT_HEADERS], b""
        return Answer(status, headers, body)

    def with_own(self, headers, own, struct):
        """Headers, then a wrapper's own: typed ones, then raw ones. A content-type replaces the one before it."""
        typed, raw = [], []
        if struct is None:
            check_type(own.headers, type(None))
        else:
            check_type(own.headers, struct)
            for each in msgspec.structs.fields(struct):
                value = getattr(own.headers, each.name)
                if value is not None:
                    typed.append(header(wire_name(each).decode(), self.text_of(value)))
                elif not is_fit(None, each.type, self.dec_hook):
                    raise TypeError("None, in a field whose type does not allow it")
        if own.raw_headers is not None:
            given = own.raw_headers
            raw = [header(*pair) for pair in (given.multi_items() if isinstance(given, RawHeaders) else given.items())]
        names = [name for name, _ in raw]
        if FRAMING & {*names} or names.count(b"content-type") > 1:
            raise ValueError("a header that is the framework's, or a second content-type")
        for more in (typed, raw):
            replaced = {b"content-type"} & {name for name, _ in more}
            headers = [pair for pair in headers if pair[0] not in replaced] + more
        return headers

    def text_of(self, value):
        """A str as it is; anything else as msgspec prints it, in JSON, where text stands without its quotes."""
        if type(value) is str:
            return value
        text = msgspec.json.encode(value, enc_hook=self.enc_hook)
        plain = msgspec.json.decode(text)
        return plain if isinstance(plain, str) else text.decode()

    # Section 6: errors.

    def refusal(self, refused):
        """The framework's own answer to a bad request."""
        answer = problem(refused.status, detail=ANY)
        if refused.places:
            answer.problem["errors"] = refused.places
        return answer

    def error(self, error):
        """The answer of an HTTPError, also out of a group of nothing else."""
        errors = leaves(error)
        if not all(isinstance(each, HTTPError) for each in errors):
            return problem(500, is_fault=True)
        error = errors[0]
        try:
            members = {name: getattr(error, name) for name in members_of(type(error))}
            members = msgspec.json.decode(msgspec.json.encode(members, enc_hook=self.enc_hook))
            headers = [header(*pair) for pair in (error.headers or {}).items()]
        except Exception:
            return problem(500, is_fault=True)
        if {name for name, _ in headers} & (FRAMING | {b"content-type"}):
            return problem(500, is_fault=True)
        answer = problem(error.status, error.detail, headers)
        answer.problem |= {"type": error.type, **members} | ({} if error.title is None else {"title": error.title})
        return answer


def problem(status, detail=None, headers=(), *, is_fault=False):
    """Problem Details (RFC 9457)."""
    title = HTTPStatus(status).phrase if status in set(HTTPStatus) else ANY
    members = {"type": "about:blank", "title": title, "status": status}
    if detail is not None:  # What UTF-8 has nothing for must not become another error.
        members["detail"] = detail.encode(errors="replace").decode()
    headers = [(b"content-type", b"application/problem+json"), *headers]
    return Answer(status, headers, problem=members, is_fault=is_fault)


def segments_of(scope):
    """The path's segments behind root_path, percent-decoded once; None if they are no UTF-8, or there is no path."""
    raw = scope.get("raw_path")
    try:
        parts = scope["path"].split("/") if raw is None else [unquote_to_bytes(p).decode() for p in raw.split(b"/")]
    except UnicodeDecodeError:
        return None
    if len(parts) < 2 or parts[0]:
        return None
    parts, root = parts[1:], (scope.get("root_path") or "").strip("/")
    roots = root.split("/") if root else []
    if roots and parts[: len(roots)] == roots:
        parts = parts[len(roots) :]
    return [] if parts == [""] else parts


def match(template, segments):
    """The values of a template's slots, if the path's segments match it. A slot never matches an empty segment."""
    if segments is None or len(segments) != len(template):
        return None
    pairs = [*zip(template, segments, strict=True)]
    if not all(text if part.is_slot else text == part.text for part, text in pairs):
        return None
    return {part.text: text for part, text in pairs if part.is_slot}


def wanted_headers(wanted, scope):
    """The headers that the operation reads, by name on the wire, repeats joined: 431 if that is too much of one."""
    names = [wire_name(each) for each in msgspec.structs.fields(wanted["headers"])] if "headers" in wanted else []
    names += [b"content-type"] if "json" in wanted else []
    names += [b"content-length"] if wanted.keys() & {"json", "content"} else []
    found = {}
    for name in names:
        values = [value for key, value in scope["headers"] if key == name]
        joined = (b"; " if name == b"cookie" else b", ").join(values)
        if len(values) > 1 and len(joined) > MOST_REPEATS:
            raise Refused(431)
        if values:
            found[name] = joined
    return found


def announced_length(value, limit):
    """The body's length in bytes, as announced; None if it is not."""
    if value is None:
        return None
    if not re.fullmatch(rb"[0-9]+", value):
        raise Refused(400)
    if int(value) > limit:
        raise Refused(413)
    return int(value)


async def read_body(receive, length, limit):
    """The body. Reading stops where the announced length ends; a body that is longer or shorter is 400."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" and len(body) != length:
            raise Gone
        body += message.get("body", b"")
        if len(body) > limit:
            raise Refused(413)
        if len(body) == length:
            return body
        if not message.get("more_body", False):
            break
    if length is not None:
        raise Refused(400)
    return body


def is_json_type(content_type):
    media_type = content_type.split(b";")[0].strip(b" \t").lower()
    return media_type == b"application/json" or re.fullmatch(rb"[^\s/,]+/[^\s/,]+\+json", media_type) is not None


def is_json(text):
    try:
        msgspec.json.decode(text)
    except NO_JSON:
        return False
    return True


def header(name, value):
    """A header as it is sent. ValueError for what may not leave the process (RFC 9110, section 5)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\0-\x08\n-\x1f\x7f]", value):
        raise ValueError("no header")
    return name.lower().encode(), value.strip(" \t").encode("latin-1")


def wire_name(each):
    return each.encode_name.replace("_", "-").lower().encode()


def check_type(value, *classes):
    if not isinstance(value, classes):
        raise TypeError("the handler's result is not what its annotation says")


def classes_of(annotation):
    """The classes of what may be returned: a list's items and a generic's arguments are not looked at."""
    kind, members, _ = bare(annotation)
    return [each for member in members for each in classes_of(member)] if kind is typing.Union else [kind]


def leaves(error):
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]


def members_of(error):
    """The annotated members of a declared error, its bases' first."""
    bases = [cls for cls in reversed(error.__mro__) if issubclass(cls, HTTPError) and cls is not HTTPError]
    return dict.fromkeys(name for cls in bases for name in vars(cls).get("__annotations__", {}))
