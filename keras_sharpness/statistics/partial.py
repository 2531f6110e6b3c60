"""Rank correlation of sharpness and test loss with other quantities held fixed."""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count
from keras_sharpness.statistics.correlation import Kendall, checked
from keras_sharpness.statistics.intervals import FEWEST_MODELS, percentile_interval


def partial_kendall(
    sharpness: ArrayLike,
    test_loss: ArrayLike,
    given: Sequence[ArrayLike],
    *,
    confidence: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Kendall:
    """Correlates sharpness with test loss given training loss, epochs and the like.

    Kendall's partial tau: with T the matrix of tau-b between all quantities and P its inverse, -P_12 / sqrt(P_11 P_22);
    for one quantity z it is (t_xy - t_xz t_yz) / sqrt((1 - t_xz^2)(1 - t_yz^2)). It is not zero under conditional
    independence (see `conditional_kendall`). The interval is a percentile bootstrap over models, undefined below 15 of
    them; the p-value is two-sided, normal, with the bootstrap's standard error.

    Args:
        sharpness: One value per model, shape (num_models,).
        test_loss: One value per model.
        given: The quantities to hold fixed, each with one value per model.
        confidence: Nominal coverage of the interval.
        num_resamples: Bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        The partial correlation.

    Raises:
        InputError: If an argument is out of range or a quantity is the same for all models.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    require_count("num_resamples", num_resamples)
    require(len(given) > 0, "`given` must hold a quantity at least", given=len(given))
    others = (checked(values, test_loss, (f"given[{k}]", "test_loss"))[0] for k, values in enumerate(given))
    columns = [*checked(sharpness, test_loss), *others]
    data = np.stack(columns)
    num_models = data.shape[1]
    tau = _partial(data)
    rng = np.random.default_rng(seed)
    resampled = np.array([_partial(data[:, rng.integers(num_models, size=num_models)]) for _ in range(num_resamples)])
    enough = num_models >= FEWEST_MODELS
    low, high = percentile_interval(resampled, confidence, num_models) if enough else (float("nan"), float("nan"))
    spread = np.nanstd(resampled) if np.isfinite(resampled).any() else np.nan
    p_value = 2 * scipy.stats.norm.sf(abs(tau) / spread)
    return Kendall(
        tau=tau, p_value=float(p_value), ci_low=low, ci_high=high, num_models=num_models, confidence=confidence
    )


def _partial(data: np.ndarray) -> float:
    size = len(data)
    taus = np.eye(size)
    for i in range(size):
        for j in range(i):
            taus[i, j] = taus[j, i] = scipy.stats.kendalltau(data[i], data[j]).statistic
    # Quantities that rank the models in the same order leave nothing to correlate.
    if not np.isfinite(taus).all() or np.linalg.cond(taus) > 1e12:
        return float("nan")
    precision = np.linalg.inv(taus)
    return float(-precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1]))
