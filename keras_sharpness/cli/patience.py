"""Ends this process if the others that share its work, or a TPU, do not come."""

import contextlib
import os
import threading
from collections.abc import Iterator

# Seconds. Backends wait for minutes or for ever, inside native code that nothing interrupts.
PATIENCE = 40.0
# A TPU that has answered may take its time to start.
TPU_PATIENCE = 180.0


def others_come(terminal: int, seconds: float = PATIENCE) -> contextlib.AbstractContextManager[None]:
    """Ends the process with one line and status 2 unless the processes find each other in time.

    Args:
        terminal: Descriptor that the line is written to.
        seconds: The time.

    Returns:
        The block in which they do.
    """
    return _within(seconds, terminal, "all processes must be started. Received: no answer of the others")


def tpu_starts(terminal: int, seconds: float = TPU_PATIENCE) -> contextlib.AbstractContextManager[None]:
    """Ends the process with one line and status 2 unless a TPU has started in time.

    Args:
        terminal: Descriptor that the line is written to.
        seconds: The time.

    Returns:
        The block in which it does.
    """
    return _within(seconds, terminal, "the TPU must start. Received: no answer")


@contextlib.contextmanager
def _within(seconds: float, terminal: int, what: str) -> Iterator[None]:
    def give_up() -> None:
        with contextlib.suppress(OSError):
            os.write(terminal, f"error: {what} within {seconds:.0f} seconds\n".encode())
        os._exit(2)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
