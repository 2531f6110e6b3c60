"""Ends a run in an orderly way on SIGINT and SIGTERM."""

import contextlib
import logging
import signal
from collections.abc import Callable, Iterator
from types import FrameType

log = logging.getLogger(__name__)


@contextlib.contextmanager
def graceful() -> Iterator[Callable[[], int]]:
    """Notes the first signal, so that the work in progress can finish; a second one ends the process at once.

    Yields:
        A function that returns the number of the signal, zero if none has come.
    """
    came = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = number
        log.warning("%s: finishing the models in progress; a second signal ends at once", signal.Signals(number).name)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
