"""Ends this process if the others that share its work do not come."""

import contextlib
import os
import threading
from collections.abc import Iterator

# Seconds. Backends wait for minutes or for ever, inside native code that nothing interrupts.
PATIENCE = 40.0


@contextlib.contextmanager
def others_come(terminal: int, seconds: float = PATIENCE) -> Iterator[None]:
    """Ends the process with one line and status 2 unless the block ends in time.

    Args:
        terminal: Descriptor that the line is written to.
        seconds: The time.

    Yields:
        Nothing. The processes find each other meanwhile.
    """

    def give_up() -> None:
        line = f"error: all processes must be started. Received: no answer of the others within {seconds:.0f} seconds\n"
        with contextlib.suppress(OSError):
            os.write(terminal, line.encode())
        os._exit(2)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
