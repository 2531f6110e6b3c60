"""Loads Keras without packages that it and TensorFlow load wherever they are installed, but a study does not use.

TensorFlow Lite loads JAX, Keras loads pandas, matplotlib and scikit-learn: together a third of the time until the first
step.
"""

import contextlib
import gc
import sys
from collections.abc import Iterator

LOADED_BY_KERAS = ("pandas", "matplotlib", "sklearn")


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """Makes optional packages look as if they were not installed, while the block imports others.

    Args:
        *packages: Their names. Those that are loaded already stay so.

    Yields:
        Nothing.
    """
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail.
    collects = gc.isenabled()
    # Modules make many objects and hardly any garbage: to look for some takes a tenth of the time.
    gc.disable()
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        if collects:
            gc.freeze()
            gc.enable()
