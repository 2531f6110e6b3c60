"""Standard input, output and error: open whatever the caller closed, and never the reason why work is lost."""

import os
import sys


def open_all() -> None:
    """Opens those that are closed on nothing: the next file would else take their place, and be printed into."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The system gives the lowest free number, which is this one.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))


def write(text: str) -> None:
    """Prints to standard output. A reader that has left, such as `head`, has read all that it wanted.

    Args:
        text: What to print.

    Raises:
        OSError: If there is no room for it.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _turn_off(sys.stdout.fileno())
    except OSError:
        # What is left in the buffer would fail once more at the end, with a traceback.
        _turn_off(sys.stdout.fileno())
        raise


def write_error(line: str) -> None:
    """Prints to standard error, if that can be written to.

    Args:
        line: What to print.
    """
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _turn_off(sys.stderr.fileno())


def _turn_off(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
