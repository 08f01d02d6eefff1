"""Typed values from text: what generated code accepts inline is what msgspec's lax conversion accepts."""

import functools
import math
from decimal import Decimal
from typing import Annotated

import msgspec
import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from jero_core.annotations import fields_of
from jero_core.codec import Codec
from jero_core.text_values import conversion

# A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CODEC = Codec()
convert_text = CODEC.convert_text

TYPES = {
    repr(annotation): annotation
    for annotation in (
        str,
        int,
        float,
        bool,
        int | None,
        str | None,
        Annotated[int, Meta(ge=-5, le=100)],
        Annotated[int, Meta(ge=3)],
        Annotated[int, Meta(le=30), Meta(ge=1)],
        Annotated[int, Meta(gt=3, lt=9)],
        Annotated[int, Meta(multiple_of=3)],
        Annotated[int, Meta(ge=3)] | None,
        Annotated[str, Meta(min_length=2)],
    )
}


@functools.cache
def inline(name):
    """The inline conversion of a field, as a function."""
    annotation = TYPES[name]
    (field,) = fields_of(msgspec.defstruct("S", [("value", annotation)]))
    namespace = {}
    lines = conversion(field, "$_text", "$_value", CODEC).render(0, {}, namespace)
    body = "".join(f"    {line}\n" for line in lines)
    exec(f"def convert(_text_0):\n{body}    return _value_0", namespace)
    return namespace["convert"]


@pytest.mark.parametrize("kind", [str, int, str | None])
def test_a_description_costs_nothing(kind):
    described = Annotated[kind, Meta(description="What it is.", examples=["1"])]
    plain, same = (fields_of(msgspec.defstruct("S", [("value", each)]))[0] for each in (kind, described))
    lines, same_lines = (conversion(each, "$_text", "$_value", CODEC).lines for each in (plain, same))
    assert lines == same_lines


def outcome(convert, *arguments):
    try:
        value = convert(*arguments)
    except Exception:
        return "refused"
    return type(value), value


texts = st.one_of(
    st.text(max_size=6),
    st.text("0123456789-+._ eE٣", max_size=21),
    st.integers().map(str),
    st.integers(0, 120).map(str),
    st.sampled_from(
        ["nan", "inf", "-Infinity", "null", "true", "False", "1e5", "007", "²", "9" * 19, "9" * 4300, "9" * 4301]
    ),
)


@pytest.mark.parametrize("name", TYPES)
@patient
@given(text=texts)
@example(text="")
@example(text="0")
@example(text="00")
@example(text="3")
@example(text="100")
@example(text="101")
def test_inline_conversion_is_exactly_the_careful_one(name, text):
    assert outcome(inline(name), text) == outcome(convert_text, text, TYPES[name])


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "NaN", "Infinity"])
@pytest.mark.parametrize("annotation", [float, float | None, Decimal, Decimal | None])
def test_a_number_from_text_is_finite(text, annotation):
    with pytest.raises(msgspec.ValidationError):
        convert_text(text, annotation)
    for repeated in (list[annotation], tuple[annotation, ...], tuple[int, annotation]):
        with pytest.raises(msgspec.ValidationError):
            convert_text(["1", text], repeated)


def test_a_number_from_text_may_be_as_large_as_its_type_allows():
    assert convert_text("1e999", Decimal) == Decimal("1e999")
    for text, annotation in (("1e999", float), ("snan", Decimal)):
        with pytest.raises(ValueError, match=r"."):  # A ValidationError is one, too.
            convert_text(text, annotation)


@patient
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_converts(value):
    assert math.isclose(convert_text(repr(value), float), value, rel_tol=0, abs_tol=0)
