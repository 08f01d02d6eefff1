"""The life of a stream's source: set up, iterated, torn down.

Rules
-----
- A source is an async iterable, or a lifecycle generator: one that yields the iterable once, between what it sets up
  and what it tears down. An async generator's first value tells which of the two it is.
- The iterator is closed before the lifecycle goes on, whatever has happened.
- A lifecycle goes on from its `yield` at the end of the stream. It sees an error, or a cancellation, as an exception
  there, and cannot take it away: what the client got is not the whole. When the client has gone, or the app stops, it
  is closed (GeneratorExit).
- It runs in the task of the request, with its context; nothing of it runs after the request.
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from types import AsyncGeneratorType, CoroutineType
from typing import Final, TypeIs, cast

from .batches import Batch

_NOTHING: Final = object()


class Source:
    """One stream's items, put into its batch."""

    __slots__ = ("_batch", "_stream", "is_closing", "is_ending", "is_set_up")

    def __init__(self, stream: object, batch: Batch) -> None:
        self._stream = stream
        self._batch = batch
        self.is_set_up = False
        """Whether only items are to come; until then a generator may be a lifecycle's."""
        self.is_closing = False
        """Whether the iteration is over, and the teardown goes on."""
        self.is_ending = False
        """Whether the response ends early, and that is no error."""

    async def run(self) -> None:
        """Set up, put all items into the batch, tear down. Raises whatever the source raises."""
        stream = self._stream
        if stream.__class__ is not AsyncGeneratorType and not isinstance(stream, AsyncIterable):
            raise _no_stream(stream)
        if not _is_generator(stream):
            self.is_set_up = True
            await self._iterate(aiter(cast("AsyncIterable[object]", stream)))
            return
        try:
            first = await anext(stream)
        except StopAsyncIteration:
            return
        self.is_set_up = True
        if not self._batch.accepts(first) and isinstance(first, AsyncIterable):
            await self._run_lifecycle(stream, cast("AsyncIterable[object]", first))
        else:
            await self._iterate(stream, first)

    async def _iterate(self, iterator: AsyncIterator[object], first: object = _NOTHING) -> None:
        try:
            if self.is_ending:  # It was told so, and went on.
                return
            if first is not _NOTHING:
                self._batch.add(first)
            await self._batch.pack(iterator)
        finally:
            self.is_closing = True
            await close(iterator)

    async def _run_lifecycle(self, lifecycle: AsyncGenerator[object], stream: AsyncIterable[object]) -> None:
        try:
            await self._iterate(aiter(stream))
        except BaseException as error:
            if self.is_ending or isinstance(error, GeneratorExit):
                await lifecycle.aclose()
            else:
                await _tell(lifecycle, error)
            raise
        try:
            await anext(lifecycle)
        except StopAsyncIteration:
            return
        await _refuse_second(lifecycle)


def _no_stream(stream: object) -> TypeError:
    """The error of what is no stream, with what was probably meant."""
    hint = ""
    if isinstance(stream, CoroutineType):
        stream.close()  # Nobody awaits it.
        hint = f": await what {stream.__qualname__} returns, or have it `yield` the items itself"
    elif isinstance(stream, AbstractAsyncContextManager):
        hint = ": without the `@asynccontextmanager`, a generator that yields the stream once is set up and torn down"
    elif callable(stream):
        hint = f": call it, `stream={getattr(stream, '__name__', 'source')}()`"
    elif isinstance(stream, Iterable):
        hint = ": `yield` the items in an `async def` function"
    return TypeError(f"a stream is an async iterable, not a value of type {type(stream).__qualname__}{hint}")


def _is_generator(stream: object) -> TypeIs[AsyncGenerator[object]]:
    return stream.__class__ is AsyncGeneratorType or isinstance(stream, AsyncGenerator)


async def close(iterator: object) -> None:
    """Close an iterator, if it can be closed; one that was never iterated ends without running."""
    aclose = getattr(iterator, "aclose", None)
    if aclose is not None:
        await aclose()


async def _tell(lifecycle: AsyncGenerator[object], error: BaseException) -> None:
    """Raise an error at a lifecycle's `yield`. What it raises instead goes on."""
    try:
        await lifecycle.athrow(error)
    except StopAsyncIteration:
        return
    except BaseException as raised:
        if raised is error:
            return
        raise
    await _refuse_second(lifecycle)


async def _refuse_second(lifecycle: AsyncGenerator[object]) -> None:
    await lifecycle.aclose()
    raise RuntimeError("a lifecycle generator yields its stream once, and this one yields again")
