"""How far the noise of sharpness hides its tau: split-half reliability, and tau corrected for attenuation.

Sharpness is the mean of rises on a sample of batches. Its reliability is the share of its variance over models that is
not the noise of that sample. From the correlation r of the sharpness from two halves of the batches it is 2 r / (1 + r)
(Spearman 1910, Brown 1910), and the correlation with another quantity is too small by the factor sqrt(reliability)
(Spearman 1904).

Both formulas are about product-moment correlations. Here they are applied to r = sin(pi tau / 2), the correlation of
normal pairs whose tau is tau (Greiner 1909): tau_corrected = 2 / pi arcsin(sin(pi tau / 2) / sqrt(reliability)).

- Exact: if sharpness and test loss, after increasing transformations, are jointly normal and the noise is normal too,
  of one variance, and independent of both; the halves are then of equal length and parallel.
- Approximate: with other distributions, with noise that grows with sharpness, and where rises are of a skewed
  distribution, as the mean of half as many is then of another shape. The sign is right in any case; tau = 0 stays 0.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count
from keras_sharpness.statistics.correlation import Kendall, checked
from keras_sharpness.statistics.intervals import FEWEST_MODELS
from keras_sharpness.statistics.jackknife import NO_INTERVAL, student_interval
from keras_sharpness.statistics.pairs import PairSums, pair_sums


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorrectedKendall:
    """tau as it would be without the noise of the batches.

    Attributes:
        tau: As measured.
        reliability: Of the sharpness from all batches.
        corrected: The corrected tau, with an interval over models that allows for the reliability being estimated; its
            p-value is for a corrected tau of zero.
    """

    tau: float
    reliability: float
    corrected: Kendall


def split_half_reliability(rises: ArrayLike, *, num_splits: int = 20, seed: int = 0) -> float:
    """Returns the share of the variance of the rows' means over models that is not the noise of a finite sample.

    Serves for test loss too, with the losses of test examples in place of rises. What a batch or example adds to all
    models is not noise in this sense: it changes no order of models.

    Args:
        rises: Rise on each batch, shape (num_models, num_batches).
        num_splits: Random splits into halves, over which the correlation of the halves is averaged. Of an odd number
            of batches each split leaves one out.
        seed: Seed of the splits.

    Returns:
        At most 1; below zero where halves contradict each other, that is where there is nothing but noise.

    Raises:
        InputError: If there are fewer than three models or two batches, or a value is not finite.
    """
    require_count("num_splits", num_splits)
    halves = _halves(_checked(rises), num_splits, seed)
    return float(_stepped_up(np.mean([_correlation(half.tau) for half in halves])))


def disattenuated_kendall(
    rises: ArrayLike, test_loss: ArrayLike, *, confidence: float = 0.95, num_splits: int = 20, seed: int = 0
) -> CorrectedKendall:
    """Correlates sharpness with test loss and corrects tau for the noise of the batches (see the module).

    Args:
        rises: Rise of the loss on each batch, shape (num_models, num_batches).
        test_loss: One value per model.
        confidence: Nominal coverage of the interval, between 0 and 1.
        num_splits: Random splits of the batches.
        seed: Seed of the splits.

    Returns:
        Both taus and the reliability. The corrected one is NaN where the reliability is not positive or the correction
        leads beyond 1; its interval also where there are fewer than 15 models.

    Raises:
        InputError: If an argument is out of range.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    require_count("num_splits", num_splits)
    table = _checked(rises)
    measured = pair_sums(*checked(table.mean(axis=1), test_loss, ("rises", "test_loss")))
    halves = _halves(table, num_splits, seed)
    reliability = _stepped_up(np.mean([_correlation(half.tau) for half in halves]))
    corrected = float(_corrected(measured.tau, reliability))
    precision = NO_INTERVAL
    if len(table) >= FEWEST_MODELS and abs(corrected) < 1:
        left_out = _stepped_up(np.mean([_correlation(half.left_out) for half in halves], axis=0))
        precision = student_interval(corrected, _corrected(measured.left_out, left_out), confidence)
    found = Kendall(tau=corrected, num_models=len(table), confidence=confidence, **precision)
    return CorrectedKendall(tau=measured.tau, reliability=float(reliability), corrected=found)


def _checked(rises: ArrayLike) -> np.ndarray:
    table = np.asarray(rises, dtype=np.float64)
    require(table.ndim == 2, "`rises` must have shape (num_models, num_batches)", shape=table.shape)
    require(len(table) >= 3 and table.shape[1] >= 2, "there must be 3 models and 2 batches or more", shape=table.shape)
    require(bool(np.isfinite(table).all()), "`rises` must be finite", models=np.flatnonzero(~np.isfinite(table).all(1)))
    return table


def _halves(table: np.ndarray, num_splits: int, seed: int) -> list[PairSums]:
    """Returns the pairs of sharpness from both halves of the batches, for each split."""
    rng, half = np.random.default_rng(seed), table.shape[1] // 2
    orders = (rng.permutation(table.shape[1]) for _ in range(num_splits))
    return [pair_sums(table[:, o[:half]].mean(axis=1), table[:, o[half : 2 * half]].mean(axis=1)) for o in orders]


# The next three take one value, or one for each model that is left out.


def _correlation(tau: Any) -> Any:
    return np.sin(np.pi / 2 * tau)


def _stepped_up(r: Any) -> Any:
    return 2 * r / (1 + r)


def _corrected(tau: Any, reliability: Any) -> Any:
    # NaN without reliability, and where the correction leads beyond 1.
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 / np.pi * np.arcsin(_correlation(tau) / np.sqrt(reliability))
