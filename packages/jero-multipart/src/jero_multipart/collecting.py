"""Collecting the parts of one form as they arrive, and what becomes of them.

Rules
-----
- A part's content is held in memory within `max_part_size`, and with all others, and the heads that parts keep, within
  `max_memory_size`; a `FilePart`'s within the limit of the body; that of a `SpooledFilePart` goes to the spool; that of
  a part which nobody wants is let go.
- Each part is converted as soon as it is complete, and its bytes are let go. A part that does not fit is noted, and
  collecting goes on: the answer tells every problem.
- A part with an empty filename and no content is what a browser sends for a file input that was left empty: no part.
"""

import io
from collections.abc import Collection, Sequence

import msgspec

from jero_core.extend import HTTPError, RawHeaders

from .contents import Misfit, Noted
from .fields import Form, FormField, unknown_names
from .filenames import UnusableName, base_name
from .limits import Limits
from .parts import FilePart, FormPart, SpooledFilePart
from .problems import Problems
from .spool import Disk, Spool

_NO_HEADERS = RawHeaders()
_ENCODINGS = frozenset({"7bit", "8bit", "binary"})


class Collector:
    """The parts of one form."""

    def __init__(self, form: Form, limits: Limits, disk: Disk) -> None:
        self._form = form
        self._limits = limits
        self._disk = disk
        self._problems = Problems(form.codec)
        self._values: dict[str, list[object]] = {}
        self._counts: dict[str, int] = {}
        self._unknown: dict[str, None] = {}
        self.spool: Spool | None = None
        """The files, if there are some to be spooled."""
        self._field: FormField | None = None
        self._name = ""
        self._filename: str | None = None
        self._headers: Sequence[tuple[str, str]] = ()
        self._size = 0
        self._memory = 0
        """What counts towards `max_memory_size`."""
        self._start = 0
        self._first = b""
        self._rest: io.BytesIO | None = None
        self._is_held = False
        self._is_spooled = False

    def begin(self, name: str, filename: str | None = None, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Begin a part. Raises HTTPError 413 when what is held in memory gets too large."""
        field = self._form.fields.get(name)
        self._field, self._name, self._filename, self._headers, self._size = field, name, filename, headers, 0
        is_wanted = field is not None and (field.container is not None or name not in self._counts)
        is_spooled = is_wanted and field is not None and field.part is SpooledFilePart
        # Once the answer is 422, no file is needed any more.
        self._is_spooled = is_spooled and not self._problems
        self._is_held = is_wanted and not is_spooled
        if is_wanted and field is not None and field.part is not None:  # Its head is kept.
            self._memory += sum(len(name) + len(value) for name, value in headers)
            self._check_limits()
        if self._is_spooled:
            if self.spool is None:
                self.spool = Spool(disk=self._disk)
            self._start = self.spool.size

    def add(self, data: bytes) -> None:
        """Add to the part's content. Raises HTTPError 413 over the limit of a part, or of what is held in memory."""
        self._size += len(data)
        if self._is_spooled and self.spool is not None:
            self.spool.append(data)
        elif self._is_held:
            if not (self._field is not None and self._field.is_file):
                self._memory += len(data)
                self._check_limits()
            if self._rest is not None:
                self._rest.write(data)
            elif not self._first:
                self._first = data
            else:
                self._rest = io.BytesIO()
                self._rest.write(self._first)
                self._rest.write(data)

    def _check_limits(self) -> None:
        limits = self._limits
        over, over_memory = self._size - limits.max_part_size, self._memory - limits.max_memory_size
        if over <= 0 and over_memory <= 0:
            return
        # The one that was passed first, so that it is the same however the bytes came in pieces.
        if over >= over_memory:
            raise HTTPError(413, f"A part is larger than {limits.max_part_size} bytes.")
        raise HTTPError(413, f"The parts, but for files, are larger than {limits.max_memory_size} bytes together.")

    def end(self) -> None:
        """End a part: its value is made, or its problems are noted."""
        # BytesIO gives its buffer away without a copy.
        content = self._first if self._rest is None else self._rest.getvalue()
        self._first, self._rest = b"", None
        field, name = self._field, self._name
        if self._filename == "" and not self._size:
            return
        count = self._counts[name] = self._counts.get(name, 0) + 1
        if field is None:
            self._unknown[name] = None
        elif field.container is None:
            if count == 1:
                self._take(field, content, [name])
            elif count == 2:
                self._problems.add([name], "This part may be given only once.")
        else:
            self._take(field, content, [name, str(count - 1)])

    def _take(self, field: FormField, content: bytes, place: Sequence[str]) -> None:
        try:
            value = self._value_of(field, content, place)
        except (Misfit, UnusableName) as misfit:
            self._problems.add(place, str(misfit))
        except Noted:
            pass
        else:
            self._values.setdefault(field.field.wire_name, []).append(value)

    def _value_of(self, field: FormField, content: bytes, place: Sequence[str]) -> object:
        for name, value in self._headers:
            # RFC 7578, section 4.7: deprecated. To take the content as it is would be to take it for another.
            if name.lower() == "content-transfer-encoding" and value.strip().lower() not in _ENCODINGS:
                raise Misfit("A Content-Transfer-Encoding is not supported.")
        filename = ""
        if field.is_file:
            if not self._filename:
                raise Misfit("This part must be a file: it has no filename.")
            filename = base_name(self._filename)
        if field.part is None and field.content is not None:
            return field.content.read(content, self._content_type(), place, self._problems)
        raw_headers = RawHeaders(self._headers) if self._headers else _NO_HEADERS
        typed = None if field.headers is None else field.headers.read(raw_headers, place, self._problems)
        content_type = self._content_type()
        if field.content is not None:
            data = field.content.read(content, content_type, place, self._problems)
            return FormPart(data=data, content_type=content_type, headers=typed, raw_headers=raw_headers)
        if field.part is FilePart:
            return FilePart(
                filename=filename, data=content, content_type=content_type, headers=typed, raw_headers=raw_headers
            )
        file = SpooledFilePart(filename=filename, content_type=content_type, headers=typed, raw_headers=raw_headers)
        if self.spool is not None:
            file._place(self.spool, self._start, self._size)
        return file

    def _content_type(self) -> str | None:
        return next((value for name, value in self._headers if name.lower() == "content-type"), None)

    async def finish(self) -> msgspec.Struct:
        """The form. Raises `InvalidRequest` 422 with every problem, and OSError if a file cannot be written."""
        values: dict[str, object] = {}
        for name, field in self._form.fields.items():
            if name in self._counts:
                if (found := self._values.get(name)) is not None:
                    values[field.field.name] = found[0] if field.container is None else self._gather(field, found)
            elif field.is_required:
                self._problems.add([name], "This part is required.")
            elif field.field.required:
                values[field.field.name] = None
        for name in unknown_names(self._form, self._unknown):
            self._problems.add([name], "This part is unknown.")
        if self._problems:
            raise self._problems.answer()
        if self.spool is not None:
            await self.spool.settle()
        try:
            return self._form.struct(**values)
        except (ValueError, TypeError) as error:  # From its `__post_init__`.
            self._problems.add([], str(error))
            raise self._problems.answer() from None

    def _gather(self, field: FormField, values: Sequence[object]) -> Collection[object]:
        gathered = (field.container or list)(values)
        place = [field.field.wire_name]
        # If some parts do not fit, their number says nothing.
        if not self._problems and len(gathered) < field.least:
            self._problems.add(place, f"Expected `array` of length >= {field.least}")
        elif not self._problems and field.most is not None and len(gathered) > field.most:
            self._problems.add(place, f"Expected `array` of length <= {field.most}")
        return gathered
