"""The distribution of tau over resampled pools, in about a second for any pool."""

import numpy as np
import pandas as pd

from keras_sharpness.statistics.correlation import bootstrap_tau
from keras_sharpness.statistics.intervals import resample_tau_in_turn

# Up to this size all pairs of models fit into memory, and the resamples are those of the interval.
MOST_MODELS_IN_PAIRS = 1000
MOST_DRAWS = 5_000_000
MOST_RESAMPLES, FEWEST_RESAMPLES = 1000, 200


def resampled_tau(models: pd.DataFrame) -> np.ndarray:
    """Returns tau of resampled pools.

    Args:
        models: A row per model with finite `sharpness` and `test_loss`, at least three of them, not all equal.

    Returns:
        Shape (num_resamples,); empty if the pool is too large for enough resamples in a second.
    """
    pair = models["sharpness"], models["test_loss"]
    if len(models) <= MOST_MODELS_IN_PAIRS:
        taus = bootstrap_tau(*pair)
        return taus[~np.isnan(taus)]
    num_resamples = min(MOST_RESAMPLES, MOST_DRAWS // len(models))
    if num_resamples < FEWEST_RESAMPLES:
        return np.empty(0)
    return bootstrap_tau(*pair, num_resamples=num_resamples, resample=resample_tau_in_turn)
