"""Ends a run in good order on SIGINT and SIGTERM."""

import contextlib
import logging
import signal
from collections.abc import Callable, Iterator
from types import FrameType

log = logging.getLogger(__name__)


@contextlib.contextmanager
def graceful() -> Iterator[Callable[[], int]]:
    """Notes signals instead of dying from them; a second one ends the process at once.

    Yields:
        A function that returns the number of the signal that came, zero if none did.
    """
    came = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = number
        log.warning("%s: finishing the models under way; once more ends at once", signal.Signals(number).name)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
