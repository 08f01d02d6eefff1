"""Properties, for drawn values. They need Hypothesis; every other file needs pytest alone."""

import keyword
import re
from functools import partial
from urllib.parse import quote

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jero_core import BaseApp
from jero_core.codec import Codec
from jero_core.extend import Literal, Name, Refusal
from jero_core.header_fields import header_value
from jero_core.router import Router
from jero_core.template import parse_template

# A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


# The router against a plain reading of the rules, for drawn templates and paths.

_names = st.sampled_from(["a", "b", "c", "é", "a~b"])
_segments = st.one_of(_names, st.sampled_from(["{x}", "{y}", "{z}"]))
_templates = st.lists(_segments, max_size=4).map(lambda segments: "/" + "/".join(segments))


def _unique_slots(path):
    slots = [part for part in path.split("/") if part.startswith("{")]
    return len(slots) == len(set(slots))


def _matches(template, segments):
    """The slots' values, and the template's rank: literal text before a slot, from left to right."""
    if len(template.segments) != len(segments):
        return None
    slots, rank = [], []
    for part, segment in zip(template.segments, segments, strict=True):
        if part.is_slot and segment:
            slots.append(segment)
        elif part.is_slot or part.text != segment:
            return None
        rank.append(part.is_slot)
    return rank, tuple(slots)


@patient
@given(path=st.one_of(st.text("a{}/.:~é", max_size=12), _templates))
@example(path="a/")
@example(path="a//")
@example(path="http://example.org/widgets")
def test_the_template_that_a_refusal_shows_is_accepted(path):
    try:
        parse_template(path)
    except Refusal as refusal:
        shown = re.match(r"path='(.*)': segments", refusal.remedy)
        parse_template(shown[1])


@patient
@given(
    paths=st.lists(_templates.filter(_unique_slots), max_size=8),
    target=st.lists(st.sampled_from(["a", "b", "c", "é", "a~b", "", "d", "a/b", "%61"]), max_size=5),
    escape_all=st.booleans(),
)
def test_the_router_agrees_with_a_plain_reading_of_the_rules(paths, target, escape_all):
    templates = {}
    for path in paths:
        template = parse_template(path if path != "//" else "/")
        templates.setdefault(template.shape, template)
    hits = []

    def responder(template):
        async def respond(scope, receive, send, *slots):
            hits.append((template.path, slots))

        return respond

    class App(BaseApp):
        async def _wire(self): ...

    app = App()
    app._jero_route(Router((template, {"GET": responder(template)}) for template in templates.values()))
    escape = (lambda part: "".join(f"%{byte:02X}" for byte in part.encode())) if escape_all else partial(quote, safe="")
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/" + "/".join(target), "root_path": ""}
    scope["raw_path"] = ("/" + "/".join(map(escape, target))).encode()
    with pytest.raises(StopIteration):
        app(scope, None, send).send(None)
    segments = [] if target in ([], [""]) else target
    found = [(match, template) for template in templates.values() if (match := _matches(template, segments))]
    if found:
        (_, slots), template = min(found, key=lambda pair: pair[0][0])
        assert hits == [(template.path, slots)]
    else:
        assert not hits
        assert sent[0]["status"] == 404


# header values


@patient
@given(st.text())
def test_no_line_break_or_nul_survives_in_a_header_value(text):
    for encode in (header_value, Codec().header_value):
        try:
            sent = encode(text)
        except ValueError:
            continue
        assert not set(sent) & {0, 10, 13}
        assert sent.decode("latin-1") == text.strip(" \t")


# literals and names


@patient
@given(
    st.one_of(st.text(), st.binary(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
)
def test_a_literal_reads_back_as_its_value(value):
    assert eval(str(Literal(value))) == value


@patient
@given(st.text(max_size=8))
def test_a_name_is_an_identifier_or_refused(text):
    import unicodedata

    legal = text.isidentifier() and not keyword.iskeyword(text) and unicodedata.normalize("NFKC", text) == text
    if legal:
        assert str(Name(text)) == text
    else:
        with pytest.raises(ValueError, match="identifier"):
            Name(text)
