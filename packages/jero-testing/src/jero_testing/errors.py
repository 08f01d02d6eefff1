"""What goes wrong with an app under test, as exceptions for whoever reads the test's output.

An app's own exceptions are raised as they are. These stand for what has no exception of its own.
"""

import asyncio

from .waiting import OWN


class ASGIViolation(AssertionError):  # noqa: N818  # what it asserts is the rule that it names
    """The app broke a rule of the ASGI specification, or of HTTP, that a server may punish."""

    def __init__(self, wrong: str, rule: str, section: str) -> None:
        super().__init__(f"{wrong}\n    rule: {rule}\n    in: {section}")
        self.rule = rule
        self.section = section


class AppTimeout(TimeoutError):  # noqa: N818  # reads as what happened
    """The app did not start, stop or leave a request in time. The message says where it waits."""


class StartupFailed(Exception):  # noqa: N818  # reads as what happened
    """The app sent `lifespan.startup.failed`, and gave no exception with it. The message is the app's."""


class ShutdownFailed(Exception):  # noqa: N818  # reads as what happened
    """The app sent `lifespan.shutdown.failed`, and gave no exception with it. The message is the app's."""


class ClientLeft(OSError):  # noqa: N818  # an event, nobody's error
    """What `send` raises in the app when the client has left (ASGI HTTP, "Disconnected Client - send exception")."""


class AppRaised(Exception):  # noqa: N818  # a parcel, not an error
    """An exception on its way from the app to the test, kept apart from the frames that it passes.

    Whoever hands it over raises `parcel.error`, outside of the `except` block, so that nothing is chained to it.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self._error = error
        without_own_frames(error)
        self._traceback = error.__traceback__

    @property
    def error(self) -> BaseException:
        """The exception, with the app's part of its traceback alone."""
        return self._error.with_traceback(self._traceback)


def add_second(first: BaseException, second: BaseException) -> None:
    """Tell of a second failure with the first, which it must not hide."""
    told, first = (each.error if isinstance(each, AppRaised) else each for each in (second, first))
    first.add_note(f"And then: {type(told).__name__}: {told}")


def without_own_frames(error: BaseException) -> BaseException:
    """The exception, its traceback begun where the app's own code begins. Its causes stay as they are."""
    traceback = error.__traceback__
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in OWN:
            break
        traceback = traceback.tb_next
    return error.with_traceback(traceback)


def escaped(error: asyncio.CancelledError) -> RuntimeError:
    """What is raised for an app that lets a CancelledError out which nobody asked for."""
    stand_in = RuntimeError("a CancelledError left the app, and nobody had cancelled it")
    stand_in.__cause__ = error
    return stand_in
