"""What a measure's order says about the order of generalization (Jiang et al. 2020, arXiv:1912.02178, eq. 8 to 12)."""

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.statistics.settings import columns, groups

if TYPE_CHECKING:
    import pandas as pd

# Models whose pairs fit the memory: 32 MB for each set of hyper-parameters.
MOST_PAIRED = 2000


@dataclasses.dataclass(frozen=True)
class ConditionalInformation:
    """Normalized conditional mutual information between the signs of differences.

    Attributes:
        value: The smallest over all sets of hyper-parameters: K of the paper's equation 12.
        by_set: The information given each set, by the names of its hyper-parameters.
    """

    value: float
    by_set: dict[tuple[str, ...], float]


def conditional_information(
    table: "pd.DataFrame", hyper_parameters: Sequence[str], measure: str, target: str = "gap", most_given: int = 2
) -> ConditionalInformation:
    """Measures I(V_measure, V_target | U_S) / H(V_target | U_S), smallest over sets S of hyper-parameters.

    V is the sign of the difference of a pair of models, U_S the values of the hyper-parameters in S of both. One if the
    measure orders every pair as the target does (or the other way round), zero if, given some set, its order says
    nothing. As in the paper's equation 11, each value of U_S counts by how many pairs have it. Pairs of equal values
    count as descending. With a finite pool the value is above zero even for a measure that knows nothing: shuffle
    the measure to see by how much. Of more than 2,000 models, it is that of 2,000 drawn at random.

    Args:
        table: A row per model.
        hyper_parameters: Columns of the hyper-parameters.
        measure: Column of the measure.
        target: Column of what it should predict.
        most_given: Hyper-parameters in a set, at most.

    Returns:
        The smallest value and that of each set.

    Raises:
        InputError: If a column is missing, a value is not finite, or there are fewer than three models.
    """
    x, y = columns(table, hyper_parameters, (measure, target))
    require(len(x) > 2, "the table must hold at least three models", models=len(x))
    pairs = Pairs(table, hyper_parameters, most_given)
    by_set = pairs.information(x, y, np.ones(len(x), bool))
    return ConditionalInformation(smallest(by_set), by_set)


class Pairs:
    """All ordered pairs of different models, or of 2,000 models drawn at random, and the hyper-parameters of both."""

    def __init__(self, table: "pd.DataFrame", hyper_parameters: Sequence[str], most_given: int = 2) -> None:
        """Numbers the values.

        Args:
            table: A row per model.
            hyper_parameters: Columns of the hyper-parameters.
            most_given: Hyper-parameters in a set, at most.
        """
        chosen = np.arange(len(table))
        if len(table) > MOST_PAIRED:
            chosen = np.sort(np.random.default_rng(0).choice(len(table), MOST_PAIRED, replace=False))
        self._first, self._second = chosen[np.stack(np.nonzero(~np.eye(len(chosen), dtype=bool)))]
        sizes = range(min(most_given, len(hyper_parameters)) + 1)
        sets = [names for size in sizes for names in combinations(hyper_parameters, size)]
        self._values = {names: self._of_both(groups(table, names)) for names in sets}

    def information(self, x: np.ndarray, y: np.ndarray, stays: np.ndarray) -> dict[tuple[str, ...], float]:
        """Returns the normalized information given each set.

        Args:
            x: The measure of each model.
            y: The target of each model.
            stays: Whether a model counts.
        """
        chosen = stays[self._first] & stays[self._second]
        first, second = self._first[chosen], self._second[chosen]
        signs = 2 * (x[first] > x[second]) + (y[first] > y[second])
        return {names: _normalized(values[chosen], signs) for names, values in self._values.items()}

    def without_parts(self, x: np.ndarray, y: np.ndarray, parts: np.ndarray) -> list[float]:
        """Returns the smallest information when each part of the models is left out, without counting all pairs anew.

        Args:
            x: The measure of each model.
            y: The target of each model.
            parts: The part of each model, numbered from 0.
        """
        first, second = self._first, self._second
        signs, num_parts = 2 * (x[first] > x[second]) + (y[first] > y[second]), int(parts.max()) + 1
        within = parts[first] == parts[second]
        found: list[list[float]] = [[] for _ in range(num_parts)]
        for values in self._values.values():
            cells, size = 4 * values + signs, 4 * (int(values.max()) + 1)

            def of_parts(cells: np.ndarray, owners: np.ndarray, size: int = size) -> np.ndarray:
                return np.bincount(owners * size + cells, minlength=num_parts * size).reshape(num_parts, size)

            # A pair goes with the part of either model; one of two models of a part would go twice.
            gone = of_parts(cells, parts[first]) + of_parts(cells, parts[second])
            gone -= of_parts(cells[within], parts[first][within])
            for part, counts in enumerate(np.bincount(cells, minlength=size) - gone):
                found[part].append(_of_counts(counts.reshape(-1, 2, 2)))
        return [smallest(dict(enumerate(values))) for values in found]

    def _of_both(self, numbers: np.ndarray) -> np.ndarray:
        both = numbers[self._first] * (numbers.max() + 1) + numbers[self._second]
        return np.unique(both, return_inverse=True)[1].ravel()


def smallest(by_set: Mapping[Any, float]) -> float:
    """Returns the smallest value that is one; NaN if none is."""
    values = [value for value in by_set.values() if np.isfinite(value)]
    return min(values) if values else float("nan")


def _normalized(given: np.ndarray, signs: np.ndarray) -> float:
    """Returns I(a, b | given) / H(b | given) of two binary signs, coded as 2 a + b."""
    counts = np.bincount(4 * given + signs, minlength=4 * (given.max() + 1) if len(given) else 4)
    return _of_counts(counts.reshape(-1, 2, 2))


def _of_counts(counts: np.ndarray) -> float:
    """Returns I(a, b | given) / H(b | given) from how many pairs have each value, a and b, shape (values, 2, 2)."""
    total, of_a, of_b = counts.sum((1, 2)), counts.sum(2), counts.sum(1)
    entropy = _entropy(of_b, total)
    conditional = sum(_entropy(counts[:, a], of_a[:, a]) for a in (0, 1))
    return float((entropy - conditional) / entropy) if entropy > 0 else float("nan")


def _entropy(counts: np.ndarray, totals: np.ndarray) -> float:
    """Returns the sum of -count log(count / total) over all cells."""
    shares = np.divide(counts, totals[:, None], out=np.ones(counts.shape), where=counts > 0)
    return float(-(counts * np.log(shares)).sum())
