"""How many pairs of models two quantities order the same way, counted for each model in n log^2 n time.

For one model let A be the models below it in both quantities and B + C those below in one and above in the other. With
E of the models equal in x or in y left out, n - E = A + D + B + C, and B + C follows from A, from the ranks and from
the ties. So one count of A is enough. It is a merge sort (Knight 1966): the models are put in order of x, and blocks of
1, 2, 4, ... of them are merged; each model of a right half counts the models of the left half whose y is smaller.
"""

import dataclasses

import numpy as np
import scipy
from numpy.typing import ArrayLike

# Of so few models, all pairs of many pools at once take less time than one call after another.
MOST_AT_ONCE = 200
# Pairs held at once, a byte each, and a few times over.
BLOCK_ELEMENTS = 2**22


@dataclasses.dataclass(frozen=True)
class PairSums:
    """Counts for each model over its pairs with all others; exact integers, shape (num_models,) each.

    Attributes:
        balance: Concordant minus discordant pairs.
        untied_x: Pairs that differ in x.
        untied_y: Pairs that differ in y.
    """

    balance: np.ndarray
    untied_x: np.ndarray
    untied_y: np.ndarray

    def __sub__(self, other: "PairSums") -> "PairSums":
        """Returns the counts over the pairs of this one that are not among those of the other."""
        return PairSums(self.balance - other.balance, self.untied_x - other.untied_x, self.untied_y - other.untied_y)

    @property
    def tau(self) -> float:
        """tau-b over all these pairs; NaN where none differs in x or in y."""
        return float(_tau(self.balance.sum(), self.untied_x.sum(), self.untied_y.sum()))

    @property
    def left_out(self) -> np.ndarray:
        """tau-b without each model in turn."""
        return _tau(*(sums.sum() - 2 * sums for sums in (self.balance, self.untied_x, self.untied_y)))


def pair_sums(x: ArrayLike, y: ArrayLike) -> PairSums:
    """Returns the counts of each model's pairs with all others.

    Args:
        x: One finite value per model, shape (num_models,).
        y: The same of another quantity.
    """
    a, b = _ranks(x), _ranks(y)
    size, one_group = len(a), np.zeros_like(a)
    equal_x, equal_y, equal_both = _equal(a), _equal(b), _equal(a * size + b)
    untied = size - equal_x - equal_y + equal_both
    # B + C: those below in x without A and without the ties in y, and the same with x and y exchanged.
    below_in_one = _smaller(one_group, a) - _smaller(b, a) + _smaller(one_group, b) - _smaller(a, b)
    mixed = below_in_one - 2 * _smaller_in_both(a, b)
    return PairSums(untied - 2 * mixed, size - equal_x, size - equal_y)


def pair_sums_within(x: ArrayLike, y: ArrayLike, groups: ArrayLike) -> PairSums:
    """Returns the counts of each model's pairs with the others of its group.

    Args:
        x: One finite value per model, shape (num_models,).
        y: The same of another quantity.
        groups: The group of each model: anything that `numpy.unique` tells apart.
    """
    a, b, numbers = np.asarray(x), np.asarray(y), _ranks(groups)
    order = np.argsort(numbers, kind="stable")
    result = PairSums(*np.zeros((3, len(a)), dtype=np.int64))
    for group in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        sums = pair_sums(a[group], b[group])
        result.balance[group] = sums.balance
        result.untied_x[group], result.untied_y[group] = sums.untied_x, sums.untied_y
    return result


def taus_of_rows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns tau-b of each pair of rows, shape (num_rows,); NaN where a row is constant.

    Args:
        x: Finite values, shape (num_rows, num_models).
        y: The same of another quantity.
    """
    number = x.shape[1]
    if number > MOST_AT_ONCE:
        return np.array([scipy.stats.kendalltau(*pair).statistic for pair in zip(x, y, strict=True)])
    step = max(1, BLOCK_ELEMENTS // number**2)
    blocks = (slice(start, start + step) for start in range(0, len(x), step))
    return np.concatenate([_taus_of_block(_signs(x[block]), _signs(y[block])) for block in blocks])


def _taus_of_block(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    balance = (x * y).sum(axis=(1, 2), dtype=np.int64)
    return _tau(balance, np.count_nonzero(x, axis=(1, 2)), np.count_nonzero(y, axis=(1, 2)))


def _signs(values: np.ndarray) -> np.ndarray:
    """Returns the order of each pair of entries of each row, -1, 0 or 1; differences of floats could underflow."""
    above = (values[:, :, None] > values[:, None, :]).view(np.int8)
    return above - above.swapaxes(1, 2)


def _ranks(values: ArrayLike) -> np.ndarray:
    # Integers instead of values: differences of floats can underflow.
    return np.unique(np.asarray(values), return_inverse=True)[1].ravel().astype(np.int64)


def _tau(balance: np.ndarray, untied_x: np.ndarray, untied_y: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return balance / np.sqrt(untied_x.astype(float) * untied_y)


def _smaller(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns how many values of its own group each value exceeds."""
    return _smaller_than(groups, values, groups, values, len(values) + 1)


def _smaller_than(
    groups: np.ndarray, values: np.ndarray, other_groups: np.ndarray, others: np.ndarray, base: int
) -> np.ndarray:
    """Returns how many others of the same group each value exceeds; all are integers from 0 to base - 1."""
    keys = np.sort(other_groups * base + others)
    return np.searchsorted(keys, groups * base + values) - np.searchsorted(keys, groups * base)


def _smaller_in_both(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # Among models equal in x the largest y goes first: then none of them counts another.
    order = np.lexsort((-y, x))
    ranked, places = y[order], np.arange(len(x))
    counts = np.zeros(len(x), dtype=np.int64)
    for level in range(max(len(x) - 1, 0).bit_length()):
        blocks, right = places >> (level + 1), (places >> level) & 1 == 1
        left = ~right
        counts[right] += _smaller_than(blocks[right], ranked[right], blocks[left], ranked[left], len(x) + 1)
    result = np.empty_like(counts)
    result[order] = counts
    return result


def _equal(values: np.ndarray) -> np.ndarray:
    """Returns how many models have each model's value, itself included."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse.ravel()]
