"""The one exception for what a user can get wrong, and the check that raises it."""

from typing import Any


class InputError(ValueError):
    """An argument, flag or file is not what it must be.

    The message is one line: what must hold, then what came. The command line prints it and exits with status 2.
    """


def require(condition: bool, what: str, **received: Any) -> None:
    """Raises unless `condition` holds.

    Args:
        condition: What must be true.
        what: What must hold, in words, without a full stop.
        **received: The offending values by name.

    Raises:
        InputError: If `condition` is false: "`rho` must be finite. Received: rho=nan".
    """
    if not condition:
        values = ", ".join(f"{name}={value!r}" for name, value in received.items())
        raise InputError(f"{what}. Received: {values}" if values else f"{what}.")
