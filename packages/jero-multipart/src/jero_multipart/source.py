"""`form`: the request's body as a Struct of parts, from multipart/form-data or application/x-www-form-urlencoded.

What is no form is 415, a malformed body 400, one over a limit 413, parts that do not fit 422 with every place.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import ClassVar

from jero_core.extend import Binding, BodyFact, Fragment, Operation, Parameter, Reads

from .limits import CLASS_KEYWORDS, MAX_BODY_SIZE, limits_of
from .spool import Disk


class FormSource:
    """Binds a form to the fields of a Struct by their wire names.

    `sources = {**BaseApp.sources, "form": FormSource()}`; an app of the package jero has it. The class keywords
    `max_parts`, `max_part_headers`, `max_part_header_size`, `max_part_size` and `max_memory_size` set the limits of a
    Resource's or Endpoint's forms, and `max_body_size` that of the whole body, which is 32 MiB where nobody says
    otherwise.
    """

    class_keywords: ClassVar[Mapping[str, Callable[[object], None]]] = CLASS_KEYWORDS

    def __init__(self) -> None:
        self._disk = Disk()

    def shared_by(self, operation: Operation, /) -> Hashable:
        """What of an operation the binding depends on."""
        return tuple(sorted(operation.keywords.items(), key=str))

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        # Here and not above: an app without forms need not import the parser.
        from .content_type import MULTIPART, URLENCODED, FormType
        from .fields import read_form
        from .reading import FormReader

        form = read_form(parameter, operation)
        # `form_boundary` and `form_spool` are plain locals: later fragments of this binding read them.
        admit = Fragment.of(
            "form_boundary = $form_type($header0, $header1)", form_type=FormType(takes_urlencoded=not form.has_files)
        )
        extract = Fragment.of(
            "form_spool, $target = await $read_form($receive, form_boundary, $length, $limit)",
            read_form=FormReader(form, limits_of(operation.keywords), self._disk),
        )
        after = Fragment.of(
            """
            if $target is not None and form_spool is not None:
                await form_spool.close()
            """
        )
        return Binding(
            reads=Reads.STREAM,
            headers=(b"content-type", b"content-encoding"),
            admit=admit,
            extract=extract,
            after=after if form.has_spool else None,
            problems=(400, 413, 415, 422),
            body=BodyFact(
                (MULTIPART,) if form.has_files else (MULTIPART, URLENCODED),
                parameter.annotation,
                tuple(field.fact for field in form.fields.values()),
            ),
            default_body_size=MAX_BODY_SIZE,
        )
