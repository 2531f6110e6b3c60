"""The difference of two pools' taus. Pools that share seeds are dependent and are compared in pairs of networks."""

import dataclasses
import math

import numpy as np

from keras_sharpness.reporting.sources import Pool
from keras_sharpness.statistics import compare_paired_taus, compare_taus
from keras_sharpness.statistics.intervals import FEWEST_MODELS

INDEPENDENT = "independent pools"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much the taus of two pools differ.

    Attributes:
        difference: Tau of the first pool minus tau of the second, over the networks that are compared.
        ci_low: Lower end of the 95 % interval; NaN where there is none.
        ci_high: Upper end.
        p_value: For the hypothesis of equal taus; NaN where there is none.
        basis: The networks that are compared, in words.
    """

    difference: float
    ci_low: float = math.nan
    ci_high: float = math.nan
    p_value: float = math.nan
    basis: str


def compared(a: Pool, b: Pool) -> Difference:
    """Compares the taus of two pools, in pairs of networks if they share seeds.

    Args:
        a: One pool.
        b: The other.

    Returns:
        The difference. Pools that share too few networks for a paired comparison have no interval and no p-value.
    """
    rows_a, rows_b = shared_rows(a, b)
    if not rows_a.size:
        r, basis = compare_taus(a.pairs, b.pairs), INDEPENDENT
    else:
        basis = _basis(a, b, rows_a, rows_b)
        if rows_a.size < FEWEST_MODELS:
            return Difference(difference=a.kendall.tau - b.kendall.tau, basis=basis)
        r = compare_paired_taus(_pairs(a, rows_a), _pairs(b, rows_b))
    return Difference(difference=r.difference, ci_low=r.ci_low, ci_high=r.ci_high, p_value=r.p_value, basis=basis)


def shared_rows(a: Pool, b: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of both pools that have the same seeds, in one order; none if the seeds of one are unknown.

    Args:
        a: One pool.
        b: The other.
    """
    if a.seeds is None or b.seeds is None:
        return np.empty(0, int), np.empty(0, int)
    _, rows_a, rows_b = np.intersect1d(a.seeds, b.seeds, return_indices=True)
    return rows_a, rows_b


def _pairs(pool: Pool, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sharpness, test_loss = pool.pairs
    return sharpness[rows], test_loss[rows]


def _basis(a: Pool, b: Pool, rows_a: np.ndarray, rows_b: np.ndarray) -> str:
    # Networks of the same seeds are the same networks if their test losses are equal.
    same = bool((_pairs(a, rows_a)[1] == _pairs(b, rows_b)[1]).all())
    networks = f"{rows_a.size} {'network' if rows_a.size == 1 else 'networks'}"
    return f"{networks} in both pools" if same else f"{networks} trained from the same seeds"
