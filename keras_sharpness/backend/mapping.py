"""Whether a function runs inside `vectorize`, where some operations have no rule for many copies at once."""

import contextlib
import contextvars
from collections.abc import Iterator

_mapping = contextvars.ContextVar("mapping", default=False)


def is_mapping() -> bool:
    """Returns whether `vectorize` is running the code that asks."""
    return _mapping.get()


@contextlib.contextmanager
def within_map() -> Iterator[None]:
    """Marks what runs inside `vectorize`."""
    token = _mapping.set(True)
    try:
        yield
    finally:
        _mapping.reset(token)
