"""The conformance kit: jero's own sources and replies pass, and each way to break one is told."""

import logging
from typing import Annotated, get_type_hints

import pytest
from msgspec import Meta, Struct

from jero_core import BaseApp, BytesResponse, HTTPError, JSONResponse, RawHeaders
from jero_core.extend import (
    Binding,
    BodyFact,
    Fragment,
    ParameterFact,
    Reads,
    Refusal,
    Reply,
    type_name,
)
from jero_testing import check_reply, check_source


class Item(Struct):
    name: Annotated[str, Meta(min_length=1)]
    size: int = 0
    tags: list[str] = []


class Query(Struct):
    limit: Annotated[int, Meta(ge=1)] = 10
    tag: list[str] = []
    ratio: float = 1.0


class Head(Struct):
    x_trace: str
    x_count: int | None = None


class Slot(Struct):
    item_id: int


class Trace(Struct):
    x_trace: str


JSON = {"content-type": "application/json"}

SOURCES = {
    "json": {
        "accepts": [Item, list[Item]],
        "refuses": [int, dict, Item | None, list[int]],
        "requests": [{"json": {"name": "a"}}, {"json": [{"name": "a"}]}, {"content": b'{"name":"b"}', "headers": JSON}],
    },
    "content": {
        "accepts": [bytes],
        "refuses": [str, bytes | None, Annotated[bytes, Meta(max_length=3)]],
        "requests": [{"content": b"x"}, {}],
    },
    "params": {
        "accepts": [Query],
        "refuses": [int, dict],
        "requests": [{}, {"params": {"limit": 3, "tag": ["a", "b"]}}],
        "method": "GET",
    },
    "headers": {
        "accepts": [Head],
        "refuses": [str, list[int]],
        "requests": [{"headers": {"x-trace": "a", "x-count": "3"}}],
        "method": "GET",
    },
    "path": {
        "accepts": [Slot],
        "refuses": [int],
        "requests": [{"url": "/items/3"}],
        "path": "/items/{item_id}",
        "method": "GET",
    },
    "raw_headers": {"accepts": [RawHeaders], "refuses": [dict, str], "requests": [{}], "method": "GET"},
}


@pytest.mark.parametrize("name", BaseApp.sources)
def test_the_built_in_sources_conform(name, caplog):
    check_source(BaseApp.sources[name], name, **SOURCES[name])
    assert not [record for record in caplog.records if record.name == "jero"]


REPLIES = {
    "Struct": (Item, {"results": [Item("a")], "refuses": [dict, int, None | Item]}),
    "list": (list[Item], {"results": [[Item("a")], []]}),
    "str": (str, {"results": ["text", ""]}),
    "bytes": (bytes, {"results": [b"x", b""]}),
    "None": (None, {"results": [None]}),
    "JSONResponse": (
        JSONResponse[Item, Trace],
        {
            "results": [JSONResponse(json=Item("a"), headers=Trace("t"), status_code=203)],
            "wrong_results": [JSONResponse(json=3, headers=Trace("t")), JSONResponse(json=Item("a"))],
            "refuses": [JSONResponse, JSONResponse[int]],
        },
    ),
    "BytesResponse": (
        BytesResponse,
        {"results": [BytesResponse(content=b"x"), BytesResponse(content=b"", status_code=204)]},
    ),
    "POST": (Item, {"results": [Item("a")], "method": "POST"}),
}


@pytest.mark.parametrize("name", REPLIES)
def test_the_built_in_replies_conform(name, caplog):
    annotation, options = REPLIES[name]
    check_reply(annotation, **options)
    assert not caplog.records


# sources that do not


class Good:
    """`word: str`: the header x-word."""

    lines = ("if $header0 is None:", "    raise $HTTPError(400)", "$target = $header0.decode('latin-1')")
    facts = {"parameters": (ParameterFact("header", "x-word", str, required=True),), "problems": (400,)}
    reads = Reads.HEAD
    headers = (b"x-word",)
    values = {"HTTPError": HTTPError}

    def bind(self, parameter, operation, /):
        if parameter.annotation is not str:
            raise Refusal(reason=f"word: {type_name(parameter.annotation)} is not str.", remedy="`word: str`.")
        return Binding(self.reads, Fragment(self.lines, self.values), headers=self.headers, **self.facts)


def failures_of(source, **options):
    options = {"accepts": [str], "refuses": [int], "requests": [{"headers": {"x-word": "a"}}], **options}
    with pytest.raises(AssertionError) as caught:
        check_source(source, "word", **options)
    return str(caught.value)


def test_a_source_of_ones_own_conforms():
    check_source(Good(), "word", accepts=[str], refuses=[int, bytes], requests=[{"headers": {"x-word": "a"}}])


def test_a_good_annotation_that_is_refused_is_told():
    assert "word: int: it is refused at startup (JERO-W016): word: int is not str." in failures_of(
        Good(), accepts=[int], requests=()
    )


def test_a_bad_annotation_that_is_bound_is_told():
    assert failures_of(Good(), refuses=[str]).endswith("- word: str: it is accepted, and is to be refused")


def test_a_refusal_without_the_arguments_name_is_told():
    class Source(Good):
        def bind(self, parameter, operation, /):
            if parameter.annotation is int:
                raise Refusal(reason="int is wrong.", remedy=" ")
            return super().bind(parameter, operation)

    told = failures_of(Source())
    assert "word: int: the refusal does not name the argument 'word': 'int is wrong.'" in told
    assert "word: int: the refusal has no remedy" in told


def test_a_source_that_fails_instead_of_refusing_is_told():
    class Source(Good):
        def bind(self, parameter, operation, /):
            if parameter.annotation is int:
                raise KeyError("int")
            return super().bind(parameter, operation)

    assert "it is not refused, it fails: the source 'word' failed: KeyError" in failures_of(Source())


def test_a_fragment_that_does_not_compile_is_told():
    class Source(Good):
        lines = ("$target = (",)

    assert "word: str: it is refused at startup (JERO-W019)" in failures_of(Source())


def test_a_status_that_is_not_declared_is_told():
    class Source(Good):
        facts = {**Good.facts, "problems": ()}

    assert "a request gets 400, which `problems=` does not declare" in failures_of(Source())


def test_an_exception_for_a_hostile_request_is_told_with_the_request(caplog):
    class Source(Good):
        lines = ("$target = $header0.decode()",)

    told = failures_of(Source())
    assert "a request makes it raise AttributeError: 'NoneType' object has no attribute 'decode'" in told
    assert "a request makes it raise UnicodeDecodeError" in told
    assert "(headers=[(b'x-word', b'\\xff')])" in told


def test_a_header_that_is_not_documented_is_told():
    class Source(Good):
        facts = {"problems": (400,)}

    assert "it reads the header x-word and does not document it" in failures_of(Source())
    check_source(Source(), "word", accepts=[str], is_documented=False)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"reads": Reads.BODY, "lines": ("$target = str($body)",)}, "it reads the body and documents none"),
        ({"lines": ("$target = str($query)",)}, "it reads the query and documents no query parameter"),
        (
            {"facts": {"parameters": (ParameterFact("head", "x-word", str, required=True),), "problems": (400,)}},
            "'head' is no place of a parameter",
        ),
        ({"facts": {**Good.facts, "parameters": Good.facts["parameters"] * 2}}, "a parameter is documented twice"),
        ({"facts": {**Good.facts, "problems": (400, 99)}}, "problems: 99 is no status of an error"),
        (
            {"reads": Reads.BODY, "facts": {**Good.facts, "body": BodyFact(("json",), str)}},
            "('json',) are no content types",
        ),
    ],
)
def test_documents_that_are_wrong_are_told(members, told):
    assert told in failures_of(type("Source", (Good,), members)())


def test_introspection_on_a_request_is_told():
    class Source(Good):
        lines = (*Good.lines, "$hints($thing)")
        values = {**Good.values, "hints": get_type_hints, "thing": Item}

    assert "typing.get_type_hints is called while a request is served" in failures_of(Source())


def test_a_source_that_binds_on_a_request_is_told():
    class Source(Good):
        lines = (*Good.lines, "$again()")

        def bind(self, parameter, operation, /):
            self.values = {**Good.values, "again": lambda: self.recorder.bind(parameter, operation)}
            return super().bind(parameter, operation)

    source = Source()
    import jero_testing.source_check as kit

    class Recorder(kit._Recorder):
        def __init__(self, wrapped):
            super().__init__(wrapped)
            source.recorder = self

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kit, "_Recorder", Recorder)
        assert "bind is called while a request is served" in failures_of(source)


def test_requests_that_never_reach_the_handler_are_told():
    assert "none of the requests reached the handler" in failures_of(Good(), requests=[{}])


def test_a_source_that_fails_when_the_client_leaves_is_told():
    class Source:
        def bind(self, parameter, operation, /):
            if parameter.annotation is not str:
                raise Refusal(reason="word: no.", remedy="`word: str`.")
            lines = ("$target = ''", "while (await $receive())['more_body']:", "    pass")
            return Binding(Reads.STREAM, Fragment(lines), body=BodyFact(("*/*",), str), problems=(400,))

    assert "a client that leaves in the middle of its body makes it fail. And then: KeyError: 'more_body'" in (
        failures_of(Source(), requests=[{"content": b"x"}])
    )


# replies that do not


class Plain:
    render = ("payload = '\\n'.join(result.rows).encode()",)
    check = ("if type(result) is not $Plain:", "    raise TypeError('no Plain')")
    reply = {"status": 200, "content_type": "text/plain", "body_type": str}

    def __init__(self, *rows):
        self.rows = rows

    @classmethod
    def __jero_reply__(cls, returned, context, /):
        lines = (*cls.check, *cls.render)
        return Reply((Fragment(lines, {"Plain": cls, "hints": get_type_hints}),), **cls.reply)


def rows(**members):
    """A reply class with some parts changed."""
    namespace = {"check": Plain.check, "render": Plain.render, "reply": Plain.reply, **members}
    return type("Plain", (Plain,), namespace)


def failures_of_reply(cls, **options):
    options = {"results": [cls("a", "b")], **options}
    with pytest.raises(AssertionError) as caught:
        check_reply(cls, **options)
    return str(caught.value)


def test_a_reply_of_ones_own_conforms():
    check_reply(Plain, results=[Plain("a", "b"), Plain()], wrong_results=[Plain(3)])
    check_reply(Plain, results=[lambda: Plain("made anew")])


def test_a_reply_that_is_refused_is_told():
    told = failures_of_reply(rows(render=("payload = (",)))
    assert "-> Plain: it is refused at startup (JERO-W019)" in told


def test_an_annotation_that_should_be_refused_is_told():
    assert "-> str: it is accepted, and is to be refused" in failures_of_reply(Plain, refuses=[str])


def test_a_good_result_that_fails_is_told():
    assert "a good result makes it raise TypeError" in failures_of_reply(Plain, results=[Plain(3)])


def test_a_wrong_result_that_is_sent_is_told():
    told = failures_of_reply(rows(check=(), render=("payload = str(result).encode()",)))
    assert "the wrong result 'text' is answered with 200, and is to be a 500" in told
    assert "the wrong result None is answered with 200, and is to be a 500" in told


def test_a_reply_without_documents_is_told():
    assert "it sends a body and documents no type of it" in failures_of_reply(
        rows(reply={**Plain.reply, "body_type": None})
    )
    assert "99 is no status of a response" in failures_of_reply(rows(reply={**Plain.reply, "status": 99}))


def test_a_head_that_is_not_what_is_documented_is_told():
    headers = "headers = [(b'content-type', b'text/csv'), (b'content-length', b'%d' % len(payload))]"
    render = (*Plain.render, "status = 200", headers)
    good = rows(render=render, reply={**Plain.reply, "decides_head": True})
    check_reply(good, results=[good("a", "b")])
    without = (*Plain.render, "status = 200", "headers = []")
    told = failures_of_reply(rows(render=without, reply={**Plain.reply, "decides_head": True}))
    assert "the answer has no content type, and it documents text/plain" in told
    assert "a whole answer is sent without content-length" in told


def test_a_reply_that_breaks_asgi_is_told():
    render = (*Plain.render, "status = 200", "headers = [(b'X-Up', b'1')]")
    told = failures_of_reply(rows(render=render, reply={**Plain.reply, "decides_head": True}))
    assert "a good result makes it raise ASGIViolation: a header is named b'X-Up'" in told


def test_introspection_by_a_reply_is_told():
    told = failures_of_reply(rows(render=(*Plain.render, "$hints($Plain)")))
    assert "typing.get_type_hints is called while a request is served" in told


def test_to_check_with_nothing_checks_nothing_and_is_refused():
    with pytest.raises(ValueError, match="results= is empty"):
        check_reply(Plain, results=[])
    with pytest.raises(ValueError, match="accepts= is empty"):
        check_source(object(), "x", accepts=iter(()), refuses=[int])


def test_the_log_is_as_it_was_afterwards(caplog):
    check_reply(Plain, results=[Plain("a")])
    assert caplog.records == []
    assert not logging.getLogger("jero").disabled
