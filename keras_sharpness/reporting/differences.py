"""The difference of two pools' taus. Pools that share seeds are dependent, and no independent comparison is made."""

import dataclasses
import math

import numpy as np

from keras_sharpness.reporting.sources import Pool
from keras_sharpness.statistics import compare_taus


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much the taus of two pools differ.

    Attributes:
        difference: Tau of the first pool minus tau of the second.
        ci_low: Lower end of the 95 % interval; NaN where there is none.
        ci_high: Upper end.
        p_value: For the hypothesis of equal taus; NaN where there is none.
        shared: What the pools share, in words; "" if they are independent.
    """

    difference: float
    ci_low: float = math.nan
    ci_high: float = math.nan
    p_value: float = math.nan
    shared: str = ""


def compared(a: Pool, b: Pool) -> Difference:
    """Compares the taus of two pools.

    Args:
        a: One pool.
        b: The other.

    Returns:
        The difference. Interval and p-value are given only for independent pools.
    """
    shared = sharing(a, b)
    if shared:
        return Difference(difference=a.kendall.tau - b.kendall.tau, shared=shared)
    r = compare_taus(a.pairs, b.pairs)
    return Difference(difference=r.difference, ci_low=r.ci_low, ci_high=r.ci_high, p_value=r.p_value)


def sharing(a: Pool, b: Pool) -> str:
    """Returns what two pools share, in words; "" if they share no seed, or the seeds of one are unknown.

    Networks of one seed are the same network if their test losses are equal. Otherwise they only started from the same
    random numbers, which makes them dependent too.

    Args:
        a: One pool.
        b: The other.
    """
    if a.seeds is None or b.seeds is None:
        return ""
    seeds, in_a, in_b = np.intersect1d(a.seeds, b.seeds, return_indices=True)
    if not seeds.size:
        return ""
    losses = (pool.points["test_loss"].to_numpy()[rows] for pool, rows in ((a, in_a), (b, in_b)))
    same = int(np.equal(*losses).sum())
    return _networks(same, "in both pools") if same else _networks(seeds.size, "trained from the same seeds in both")


def _networks(count: int, where: str) -> str:
    return f"{count} {'network is' if count == 1 else 'networks are'} {where}"
