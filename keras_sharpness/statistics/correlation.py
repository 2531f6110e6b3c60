"""Kendall's rank correlation between the sharpness and the test loss of a pool of models."""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import InputError, require
from keras_sharpness.statistics.intervals import FEWEST_MODELS, percentile_interval, resample_tau
from keras_sharpness.statistics.jackknife import jackknife_interval
from keras_sharpness.statistics.significance import tau_and_p_value

# Above, the bootstrap takes seconds and memory for all pairs of models, and the two intervals agree.
MOST_RESAMPLED = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kendall:
    """Kendall's tau-b of a pool and how well the pool determines it.

    Attributes:
        tau: Rank correlation, in [-1, 1]. Negative: sharper models have lower test loss.
        p_value: Two-sided, for the hypothesis that sharpness and test loss are independent.
        ci_low: Lower end of the confidence interval of tau; NaN where the pool is too small for one.
        ci_high: Upper end.
        num_models: Models in the pool.
        confidence: Nominal coverage of the interval.
        standard_error: Of tau, where the interval was made from one; else NaN.
    """

    tau: float
    p_value: float
    ci_low: float
    ci_high: float
    num_models: int
    confidence: float = 0.95
    standard_error: float = float("nan")


def kendall(
    sharpness: ArrayLike,
    test_loss: ArrayLike,
    *,
    confidence: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> Kendall:
    """Correlates sharpness with test loss over the models of a pool.

    tau is that of the paper's section II.C; pairs tied in one of the two are allowed for as in tau-b. The p-value
    is exact for small pools without ties and asymptotic otherwise, as `scipy.stats.kendalltau` chooses. The interval
    is a bootstrap over models (see `intervals`), above 1000 models the jackknife's (see `jackknife`), which agrees with
    it there, and undefined below 15 models. The order of the models has no influence on any of the numbers.

    Args:
        sharpness: One value per model, shape (num_models,).
        test_loss: One value per model, shape (num_models,).
        confidence: Nominal coverage of the interval, between 0 and 1.
        num_resamples: Bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        The correlation, its p-value and its interval.

    Raises:
        InputError: If there are fewer than three models, the lengths differ, a value is not finite, all values of
            one of the two are equal, or an option is out of range.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    require(num_resamples >= 1, "`num_resamples` must be at least 1", num_resamples=num_resamples)
    x, y = _sorted(*checked(sharpness, test_loss))
    tau, p_value = tau_and_p_value(x, y)
    low = high = float("nan")
    if len(x) > MOST_RESAMPLED:
        _, low, high = jackknife_interval(x, y, confidence)
    elif len(x) >= FEWEST_MODELS:
        taus = bootstrap_tau(x, y, num_resamples=num_resamples, seed=seed)
        low, high = percentile_interval(taus, confidence, len(x))
    return Kendall(tau=tau, p_value=p_value, ci_low=low, ci_high=high, num_models=len(x), confidence=confidence)


def bootstrap_tau(
    sharpness: ArrayLike,
    test_loss: ArrayLike,
    *,
    num_resamples: int = 10_000,
    seed: int = 0,
    resample: Callable[[np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray] = resample_tau,
) -> np.ndarray:
    """Returns tau of resampled pools: the values that the interval of `kendall` is taken from.

    Args:
        sharpness: As for `kendall`.
        test_loss: As for `kendall`.
        num_resamples: Bootstrap resamples.
        seed: Seed of the resampling.
        resample: `resample_tau`, or `resample_tau_in_turn` for pools whose pairs do not fit into memory.

    Returns:
        Shape (num_resamples,); NaN where a resample has no tau.
    """
    x, y = _sorted(*checked(sharpness, test_loss))
    return resample(x, y, num_resamples, np.random.default_rng(seed))


def checked(
    x: ArrayLike, y: ArrayLike, names: tuple[str, str] = ("sharpness", "test_loss")
) -> tuple[np.ndarray, np.ndarray]:
    """Returns both as vectors of floats, checked.

    Args:
        x: One value per model.
        y: The same of another quantity.
        names: What errors call the two.

    Raises:
        InputError: If they have no rank correlation; see `kendall`.
    """
    x, y = vector(names[0], x), vector(names[1], y)
    lengths = dict(zip(names, (len(x), len(y)), strict=True))
    require(len(x) == len(y), f"`{names[0]}` and `{names[1]}` must be of one length", **lengths)
    require(len(x) >= 3, "A rank correlation must have at least 3 models", num_models=len(x))
    for name, values in zip(names, (x, y), strict=True):
        require(values.min() < values.max(), f"`{name}` must not be the same for all models", value=float(values[0]))
    return x, y


def vector(name: str, values: ArrayLike) -> np.ndarray:
    """Returns one finite float per model.

    Args:
        name: What errors call the values.
        values: One number per model.

    Raises:
        InputError: If they are not finite numbers along one axis.
    """
    try:
        vector = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must be numbers, one per model. Received: {error}") from error
    require(vector.ndim == 1, f"`{name}` must hold one value per model", shape=vector.shape)
    bad = np.flatnonzero(~np.isfinite(vector))
    require(not bad.size, f"`{name}` must be finite", models=bad[:5].tolist(), values=vector[bad[:5]].tolist())
    return vector


def _sorted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # A resample draws places in the list, so the list's order must not depend on how the models were numbered.
    order = np.lexsort((y, x))
    return x[order], y[order]
