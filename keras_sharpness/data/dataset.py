"""What every data set is: examples and the indices of its splits."""

import dataclasses
from typing import Any

import numpy as np

from keras_sharpness.objective.graph import Graph


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Examples with their targets, and which of them train, validate and test.

    Attributes:
        name: "abalone", "fashion_mnist" or "cora".
        x: Inputs of all examples: an array with the examples along its first axis, or a `Graph` whose nodes they are.
        y: Targets, first axis as the examples.
        train: Indices of the training examples, int64.
        test: Indices of the test examples, int64.
        validation: Indices of the validation examples, int64; empty where the data set has none.
        source: Whose copy it is, and which split was used.
    """

    name: str
    x: np.ndarray | Graph
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    source: str = ""

    def examples(self, split: str) -> tuple[Any, np.ndarray]:
        """Returns inputs and targets of one split, as `fit` and `evaluate` take them.

        Args:
            split: "train", "validation" or "test".

        Returns:
            The split's `(x, y)`. On a graph, `x` is the whole graph and `y` the targets of the split's nodes.
        """
        indices = getattr(self, split)
        return (self.x if isinstance(self.x, Graph) else self.x[indices]), self.y[indices]
