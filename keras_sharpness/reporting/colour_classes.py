"""A hyper-parameter as few classes, so that points of a figure can be coloured by it."""

import dataclasses

import numpy as np
import pandas as pd

# As many colours can be told apart.
MOST_CLASSES = 6
OTHERS = "others"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ColourClasses:
    """Classes of models by one hyper-parameter.

    Attributes:
        name: The hyper-parameter.
        labels: What each class is called.
        ordered: Whether the classes have an order, so that a scale of colours suits them.
        numbers: The class of each model.
    """

    name: str
    labels: list[str]
    ordered: bool
    numbers: np.ndarray

    def places(self) -> list[int]:
        """Returns the place of each class among `MOST_CLASSES` colours; ordered classes span the scale."""
        last = max(len(self.labels) - 1, 1)
        return [round(k * (MOST_CLASSES - 1) / last) if self.ordered else k for k in range(len(self.labels))]


def colour_classes(column: pd.Series) -> ColourClasses:
    """Sorts models into at most six classes.

    Args:
        column: Values of a hyper-parameter, numbers or words. Many numbers are put into ranges with equally many
            models each; of many words, the most frequent keep a class of their own.

    Returns:
        The classes.
    """
    values = column.reset_index(drop=True)
    if values.dtype.kind in "iuf" and values.nunique() > MOST_CLASSES:
        return _ranges(str(column.name), values)
    if values.dtype.kind not in "iuf":
        words = values.map(word)
        frequent = words.value_counts().index
        if len(frequent) > MOST_CLASSES:
            words = words.where(words.isin(frequent[: MOST_CLASSES - 1]), OTHERS)
        labels = sorted(set(words), key=lambda label: (label == OTHERS, label))
        numbers = words.map({label: k for k, label in enumerate(labels)}).to_numpy()
        return ColourClasses(name=str(column.name), labels=labels, ordered=False, numbers=numbers)
    numbers, found = pd.factorize(values, sort=True, use_na_sentinel=False)
    return ColourClasses(name=str(column.name), labels=[word(v) for v in found], ordered=True, numbers=numbers)


def word(value: object) -> str:
    """Returns a value of a hyper-parameter as text."""
    if value is None or value != value:  # NaN
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ranges(name: str, values: pd.Series) -> ColourClasses:
    ranks = values.rank(method="average", pct=True).fillna(1.0)
    classes = np.minimum((ranks * MOST_CLASSES).to_numpy(), MOST_CLASSES - 1e-9).astype(int)
    numbers = np.unique(classes, return_inverse=True)[1]
    of = values.groupby(numbers)
    labels = [f"{low:.3g} to {high:.3g}" for low, high in zip(of.min(), of.max(), strict=True)]
    return ColourClasses(name=name, labels=labels, ordered=True, numbers=numbers)
