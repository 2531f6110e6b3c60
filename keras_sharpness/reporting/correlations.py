"""Correlations of sharpness with quantities other than test loss, which show how far tau can be explained by them."""

from collections.abc import Callable, Iterator

import pandas as pd

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import Kendall, conditional_kendall, kendall


def correlations(models: pd.DataFrame) -> Iterator[tuple[str, Kendall | None]]:
    """Yields names and taus of sharpness with other quantities; None where a tau is undefined.

    Args:
        models: The models of the pool, with columns `sharpness`, `test_loss`, `train_loss` and perhaps
            `test_error`.

    Yields:
        Test loss given training loss, training loss, generalization gap (test minus training loss), and test error.
    """
    sharpness, test, train = (models[name].to_numpy() for name in ("sharpness", "test_loss", "train_loss"))
    yield "test loss, given training loss", _try(lambda: conditional_kendall(sharpness, test, [train]))
    yield "training loss", _try(lambda: kendall(sharpness, train))
    yield "generalization gap (test minus training loss)", _try(lambda: kendall(sharpness, test - train))
    if "test_error" in models:
        yield "test error", _try(lambda: kendall(sharpness, models["test_error"]))


def _try(correlate: Callable[[], Kendall]) -> Kendall | None:
    try:
        return correlate()
    except InputError:
        return None
