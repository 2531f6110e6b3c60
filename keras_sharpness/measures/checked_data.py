"""The data of a sample, checked when they are read."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_sharpness.execution.compiled import keep, objective_key, recall
from keras_sharpness.objective.example_source import ExampleSource
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import MOST_OUTLINED, Objective

# Examples in a piece of data that do not fit the memory, where `batch_size` does not say.
STREAMED = 1024
# Examples by which model, loss and data are checked before the others are read.
FIRST = 16


class CheckedData:
    """Examples that become tensors, and pass the checks of model and loss, when a measure needs them."""

    def __init__(self, source: ExampleSource, objective: Objective) -> None:
        """Reads nothing yet."""
        self.source = source
        self._objective, self._passed = objective, False
        self._outputs: Any = None

    def gather(self, batches: np.ndarray) -> tuple[LabelledData, np.ndarray]:
        """Returns data that hold the examples of batches, and the batches as indices into these data.

        Args:
            batches: Indices of examples.

        Raises:
            InputError: If model, loss and data do not fit.
        """
        data, places = self.source.gather(batches)
        self._check(data, places)
        return data, places

    def first(self, examples: np.ndarray) -> tuple[LabelledData, np.ndarray]:
        """Returns data that hold the first of some examples, and the indices of these in them."""
        return self.gather(np.unique(examples)[:FIRST])

    def stream(self, examples: np.ndarray, size: int | None) -> Iterator[LabelledData]:
        """Yields the data of examples in ascending order; each piece is read, and checked, when it is due.

        Args:
            examples: Indices, the same in every call but for `size`: the checks of one pass are enough.
            size: Examples in a piece; None: as many as `STREAMED`.

        Raises:
            InputError: If model, loss and data do not fit.
        """
        for data in self.source.pieces(examples, size or STREAMED):
            if not self._passed:
                self._check(data, np.arange(data.num_examples))
            yield data
        self._passed = True

    def _check(self, data: LabelledData, places: np.ndarray) -> None:
        """Checks data; of the shapes, which all examples share, only the first time that the model meets them."""
        if self._outputs is not None:
            self._objective.check(data, places, self._outputs)
            return
        model, key = self._objective.model, objective_key(self._objective, "check", *_shapes(data, places))
        known = recall(model, key)
        self._outputs = self._objective.check(data, places, known)
        if known is None:
            keep(model, key, lambda: self._outputs)


def _shapes(data: LabelledData, places: np.ndarray) -> tuple[str, int]:
    """Returns structure, shapes and dtypes of one example, and how many examples a check looks at."""
    one = keras.tree.map_structure(lambda a: f"{a.dtype} {tuple(a.shape[1:])}", data.tensors)
    return str(one), min(np.size(places), MOST_OUTLINED)
