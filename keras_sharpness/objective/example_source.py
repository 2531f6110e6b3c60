"""The examples of a measurement: all of them as tensors, or read when they are needed where they are many."""

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Protocol

import keras
import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import (
    LabelledData,
    Weighted,
    arrays_of,
    finite_batches,
    is_batches,
)
from keras_sharpness.objective.row_readers import (
    ArrayRows,
    BatchRows,
    LoaderRows,
    RowReader,
    count_of,
    is_map_style,
    is_on_disk,
    rows_of,
)

# Bytes of arrays up to which all become tensors, whatever is drawn of them.
SMALL = 64 * 2**20
# Bytes of batches up to which the first pass keeps them, so that there is no other.
KEPT = 256 * 2**20


class ExampleSource(Protocol):
    """Where examples become tensors.

    Attributes:
        num_examples: How many there are.
        weighted: Whether they have weights.
        streams: Whether measures of all examples read them piece by piece.
    """

    num_examples: int
    weighted: bool
    streams: bool

    def gather(self, batches: np.ndarray) -> tuple[LabelledData, np.ndarray]:
        """Returns data that hold the examples of batches, and the batches as indices into these data."""

    def pieces(self, examples: np.ndarray, size: int) -> Iterator[LabelledData]:
        """Yields the data of some examples, in ascending order, a number of them at a time."""


class HeldExamples:
    """Examples that are all tensors already."""

    streams = False

    def __init__(self, data: LabelledData) -> None:
        """Takes the data."""
        self._data, self.num_examples = data, data.num_examples
        self.weighted = isinstance(data.tensors[1], Weighted)

    def gather(self, batches: np.ndarray) -> tuple[LabelledData, np.ndarray]:
        """Returns all data, and the batches as they are."""
        return self._data, batches

    def pieces(self, examples: np.ndarray, size: int) -> Iterator[LabelledData]:
        """Refuses: what is held needs no pieces.

        Raises:
            ValueError: Always.
        """
        raise ValueError("`pieces` must be called on examples that are read when they are needed.")


class ReadExamples:
    """Examples that are read when they are needed."""

    def __init__(
        self, reader: RowReader, sample_weight: Any, class_weight: Mapping[int, float] | None, streams: bool
    ) -> None:
        """Looks at the first example.

        Args:
            reader: What reads them.
            sample_weight: Weights of the examples; None: those that the reader yields, or one.
            class_weight: Weights of the classes.
            streams: Whether measures of all examples read them piece by piece, since they may not fit the memory.

        Raises:
            InputError: If weights are given twice, or do not fit the examples.
        """
        self._reader, self.num_examples, self.streams = reader, reader.num_examples, streams
        self._class_weight, self._weights = class_weight, None
        if sample_weight is not None:
            self._weights = ArrayRows((sample_weight, sample_weight))
            sizes = {"x": self.num_examples, "sample_weight": self._weights.num_examples}
            require(len({*sizes.values()}) == 1, "`x` and `sample_weight` must hold equally many examples", **sizes)
        first = self._labelled(reader.take(np.zeros(1, int)), np.zeros(1, int))
        self.weighted = isinstance(first.tensors[1], Weighted)

    def gather(self, batches: np.ndarray) -> tuple[LabelledData, np.ndarray]:
        """Returns data that hold the examples of batches, and the batches as indices into these data."""
        examples = np.unique(batches)
        if not self.streams and 2 * len(examples) >= self.num_examples:
            return self._all, batches
        places = np.searchsorted(examples, batches).astype(np.int32)
        # As many rows for every draw of as many batches, so that what is compiled for one serves the next.
        room = np.minimum(np.arange(min(batches.size, self.num_examples)), len(examples) - 1)
        arrays = self._reader.take(examples)
        arrays = arrays if len(room) == len(examples) else rows_of(arrays, room)
        return self._labelled(arrays, examples[room]), places

    def pieces(self, examples: np.ndarray, size: int) -> Iterator[LabelledData]:
        """Yields the data of some examples, in ascending order, a number of them at a time."""
        examples, start = np.sort(examples), 0
        for arrays in self._reader.pieces(examples, size):
            yield self._labelled(arrays, examples[start : start + size])
            start += size

    @cached_property
    def _all(self) -> LabelledData:
        every = np.arange(self.num_examples)
        return self._labelled(self._reader.take(every), every)

    def _labelled(self, arrays: Any, examples: np.ndarray) -> LabelledData:
        """Returns the data of arrays that were read."""
        x, y, *own = arrays
        require(not own or self._weights is None, "`sample_weight` must be left out where `x` yields it")
        weights = own[0] if own else None
        if self._weights is not None:
            rows, places = np.unique(examples, return_inverse=True)
            weights = rows_of(self._weights.take(rows)[0], places)
        return LabelledData(x, y, weights, self._class_weight, examples)


def open_examples(
    x: Any, y: Any = None, sample_weight: Any = None, class_weight: Mapping[int, float] | None = None
) -> ExampleSource:
    """Returns where the examples are; those of large data are not read yet.

    Args:
        x: Inputs, or batches of inputs and targets; see `LabelledData`.
        y: Targets; None where `x` yields them.
        sample_weight: Weights of the examples.
        class_weight: Weights of the classes.

    Raises:
        InputError: If targets are missing or given twice, or inputs, targets and weights do not fit together.
    """
    weights = (sample_weight, class_weight)
    if isinstance(x, Graph) or not is_batches(x):
        return _open_arrays(x, y, *weights)
    # What can be read only once must be kept.
    if y is not None or isinstance(x, Iterator):
        return HeldExamples(LabelledData(x, y, *weights))
    if is_map_style(x):
        loader = LoaderRows(x)
        if _bytes(loader.take(np.zeros(1, int))) * loader.num_examples > KEPT:
            return ReadExamples(loader, *weights, streams=True)
    kept, sizes = _first_pass(x)
    if kept is None:
        return ReadExamples(BatchRows(x, sizes), *weights, streams=True)
    return HeldExamples(LabelledData(iter(kept) if kept else x, None, *weights))


def _open_arrays(x: Any, y: Any, sample_weight: Any, class_weight: Any) -> ExampleSource:
    weights, leaves = (sample_weight, class_weight), keras.tree.flatten((x, y))
    on_disk = any(map(is_on_disk, leaves))
    arrays = on_disk or all(isinstance(leaf, np.ndarray) for leaf in leaves)
    if y is not None and arrays and _bytes(leaves) > SMALL:
        return ReadExamples(ArrayRows((x, y)), *weights, streams=on_disk)
    if on_disk:
        x, y = keras.tree.map_structure(lambda leaf: np.array(leaf[:]) if is_on_disk(leaf) else leaf, (x, y))
    return HeldExamples(LabelledData(x, y, *weights))


def _first_pass(batches: Any) -> tuple[list[Any] | None, list[int]]:
    """Returns all batches, or None where they are too large to be kept, and the number of examples in each."""
    kept: list[Any] | None = []
    sizes, size = [], 0
    for batch in finite_batches(batches):
        arrays = arrays_of(batch)
        sizes.append(count_of(arrays))
        size += _bytes(arrays)
        if size > KEPT:
            kept = None
        elif kept is not None:
            kept.append(arrays)
    return kept, sizes


def _bytes(structure: Any) -> int:
    """Returns how large the arrays of a structure are."""
    leaves = [leaf for leaf in keras.tree.flatten(structure) if hasattr(leaf, "shape") and hasattr(leaf, "dtype")]
    return sum(math.prod(leaf.shape) * _item_size(leaf.dtype) for leaf in leaves)


def _item_size(dtype: Any) -> int:
    try:
        return np.dtype(dtype).itemsize
    except TypeError:  # A type of another framework's, which counts as a small one.
        return 1
