"""A table: features and targets of every row, and how rows become a training and a test part."""

import dataclasses
from typing import Literal

import numpy as np

from keras_sharpness.errors import require, require_count, require_seed

Part = tuple[np.ndarray, np.ndarray]
# A feature whose deviation over the training rows is this small part of its mean is rounding, and becomes 0.
_CONSTANT = 1e-6


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Rows with their targets, words encoded as numbers, nothing standardized.

    Attributes:
        name: Its name in the catalogue.
        x: Features, float32 of shape (rows, features).
        y: Targets: float32 of shape (rows, 1) for regression; for classification the numbers of the classes from 0,
            int64 of shape (rows,).
        task: "regression" or "classification".
        num_classes: Number of classes; 0 for regression.
        source: Where the data come from.
        licence: Their licence, as far as it is known.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    task: Literal["regression", "classification"]
    num_classes: int
    source: str
    licence: str

    def split(self, seed: int, num_train: int, num_test: int) -> tuple[Part, Part]:
        """Draws a training and a test part without a common row, and standardizes both by the training part.

        Every feature, and the target of a regression, gets mean 0 and unbiased standard deviation 1 over the training
        part. A feature that is constant there becomes 0 in both parts. The classes have the same shares in both parts
        as in the table, up to rounding.

        Args:
            seed: Seed of the draw.
            num_train: Rows for training.
            num_test: Rows for testing.

        Returns:
            `(x, y), (x_test, y_test)`, with the types of the table.

        Raises:
            InputError: If the table has fewer rows, or only one is for training.
        """
        require_seed(seed)
        require_count("num_train", num_train)
        require_count("num_test", num_test)
        rows = len(self.x)
        require(num_train > 1, "`num_train` must be at least 2: one row has no deviation", num_train=num_train)
        require(
            num_train + num_test <= rows, f"`num_train + num_test` must be at most {rows}", sum=num_train + num_test
        )
        rng = np.random.default_rng(seed)
        chosen = self._draw(rng, num_train + num_test)
        # What is drawn takes turns between the classes.
        train, test = rng.permutation(chosen[:num_train]), rng.permutation(chosen[num_train:])
        x = _standardize(self.x, train)
        y = _standardize(self.y, train) if self.task == "regression" else self.y
        return (x[train], y[train]), (x[test], y[test])

    def take(self, seed: int, rows: int) -> "Table":
        """Draws some of the rows; their classes have the same shares as in the table.

        Args:
            seed: Seed of the draw.
            rows: How many; all, in their order, if there are no more.

        Returns:
            The smaller table.
        """
        require_seed(seed)
        require_count("rows", rows)
        if rows >= len(self.x):
            return self
        chosen = np.sort(self._draw(np.random.default_rng(seed), rows))
        return dataclasses.replace(self, x=self.x[chosen], y=self.y[chosen])

    def _draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        order = rng.permutation(len(self.x))
        if self.task == "regression":
            return order[:count]
        # The rows of each class are spread evenly over [0, 1): wherever the order is cut, each class has its share.
        places = np.empty(len(order))
        for label in range(self.num_classes):
            of_class = order[self.y[order] == label]
            places[of_class] = (np.arange(len(of_class)) + rng.random()) / len(of_class)
        return np.argsort(places, kind="stable")[:count]


def _standardize(columns: np.ndarray, train: np.ndarray) -> np.ndarray:
    training = columns[train].astype(np.float64)
    mean, deviation = training.mean(axis=0), training.std(axis=0, ddof=1)
    varies = deviation > _CONSTANT * np.maximum(np.abs(mean), np.finfo(np.float32).tiny)
    scale = np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    return ((columns - mean) * scale).astype(np.float32)
