"""The compiler: from source text to a function that debuggers can see into.

The text is registered with `linecache`, so that tracebacks, `pdb` and `inspect.getsource` show it under a name like
`<jero GET /widgets/{widget_id}>`; the entry goes when the function does. Equal texts are compiled once, and each route
gets a copy under its own name.
"""

import linecache
import types
from collections.abc import Callable

from .emit import Source


class Compiler:
    """Compiles the operations of one app."""

    def __init__(self) -> None:
        self._codes: dict[str, tuple[types.CodeType, list[str]]] = {}
        """The code and the lines of each text."""

    def compile(self, source: Source) -> types.FunctionType:
        """The function that a source defines.

        A text that does not compile is the fault of whoever wrote one of its fragments: the SyntaxError carries the
        text as a note.
        """
        known = self._codes.get(source.text)
        if known is None:
            known = self._codes[source.text] = _compile(source), source.text.splitlines(keepends=True)
        code, lines = known
        filename = _register(source.label, source.text, lines)
        return types.FunctionType(_renamed(code, filename), {**source.namespace, "shown": _Shown(filename)})


class _Shown:
    """Lives in a function's globals, and takes its text out of linecache when it goes; weakref.finalize costs 6 us."""

    __slots__ = ("_filename",)

    def __init__(self, filename: str) -> None:
        self._filename = filename

    def __del__(self, forget: Callable[[str, object], object] = linecache.cache.pop) -> None:
        forget(self._filename, None)


def _compile(source: Source) -> types.CodeType:
    try:
        module = compile(source.text, f"<jero {source.label}>", "exec", dont_inherit=True)
    except SyntaxError as error:
        error.add_note(f"The text that jero made for {source.label}:\n{source.text}")
        raise
    return next(constant for constant in module.co_consts if isinstance(constant, types.CodeType))


def _renamed(code: types.CodeType, filename: str) -> types.CodeType:
    """The code under another filename, the code nested in it (comprehensions, lambdas) included."""
    constants = code.co_consts
    if types.CodeType in map(type, constants):
        constants = tuple(
            _renamed(constant, filename) if isinstance(constant, types.CodeType) else constant for constant in constants
        )
    return code.replace(co_filename=filename, co_consts=constants)


def _register(label: str, text: str, lines: list[str]) -> str:
    """Put a text into linecache under a free name; apps of one process may have routes of one name."""
    filename, number = f"<jero {label}>", 1
    while filename in linecache.cache:
        number += 1
        filename = f"<jero {label} #{number}>"
    # No mtime: checkcache() then leaves the entry alone, for there is no file to look at.
    linecache.cache[filename] = (len(text), None, lines, filename)
    return filename
