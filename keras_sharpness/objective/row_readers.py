"""Reads some examples of data that are too large to be held: rows of arrays, or of batches that come in passes."""

import itertools
import mmap
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import keras
import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.objective.labelled_data import arrays_of, count, finite_batches, joined, to_numpy

# Examples of a map-style data set that are collated together.
COLLATED = 1024


class RowReader(Protocol):
    """Where examples are read from, as (inputs, targets) or (inputs, targets, sample weights) of NumPy arrays.

    Attributes:
        num_examples: How many there are.
    """

    num_examples: int

    def take(self, examples: np.ndarray) -> Any:
        """Returns some examples.

        Args:
            examples: Their indices, in ascending order, without repeats.
        """

    def pieces(self, examples: np.ndarray, size: int) -> Iterator[Any]:
        """Yields some examples, a number of them at a time, in one pass.

        Args:
            examples: Their indices, in ascending order.
            size: Examples in a piece; the last may be smaller.
        """


class ArrayRows:
    """Rows of arrays: in memory, mapped from a file, or of a library such as h5py."""

    def __init__(self, arrays: Any) -> None:
        """Takes the arrays, a structure, as they are; tensors become arrays."""
        self._arrays = keras.tree.map_structure(lambda a: a if is_on_disk(a) else to_numpy(a), arrays)
        self.num_examples = count(self._arrays[0], self._arrays[1:])

    def take(self, examples: np.ndarray) -> Any:
        """Returns some examples."""
        return keras.tree.map_structure(lambda array: _read(array, examples), self._arrays)

    def pieces(self, examples: np.ndarray, size: int) -> Iterator[Any]:
        """Yields some examples piece by piece."""
        for start in range(0, len(examples), size):
            # Not every library reads a row twice.
            rows, places = np.unique(examples[start : start + size], return_inverse=True)
            found = self.take(rows)
            yield found if len(rows) == len(places) else rows_of(found, places)


class BatchRows:
    """Rows of batches that can be read several times, in one order: a `tf.data.Dataset`, a `PyDataset`, a loader."""

    def __init__(self, batches: Any, sizes: Iterable[int]) -> None:
        """Takes the batches, and how many examples each of them holds."""
        self._batches = batches
        self._starts = np.cumsum([0, *sizes])
        self.num_examples = int(self._starts[-1])

    def take(self, examples: np.ndarray) -> Any:
        """Returns some examples, read in one pass that ends with the last of them."""
        return joined(list(self._chosen(examples)))

    def pieces(self, examples: np.ndarray, size: int) -> Iterator[Any]:
        """Yields some examples piece by piece."""
        held: list[Any] = []
        missing = size
        for rows in self._chosen(examples):
            start, length = 0, count_of(rows)
            while length - start >= missing:
                yield joined([*held, rows_of(rows, slice(start, start + missing))])
                held, start, missing = [], start + missing, size
            if start < length:
                held.append(rows_of(rows, slice(start, None)))
                missing -= length - start
        if held:
            yield joined(held)

    def _chosen(self, examples: np.ndarray) -> Iterator[Any]:
        """Yields the chosen rows of each batch that has any."""
        bounds = np.searchsorted(examples, self._starts)
        for number, batch in self._read(np.flatnonzero(np.diff(bounds))):
            rows, start = arrays_of(batch), self._starts[number]
            sizes = (int(self._starts[number + 1] - start), count_of(rows))
            require(sizes[0] == sizes[1], "`x` must yield the same batches in every pass", batch=number, sizes=sizes)
            yield rows_of(rows, examples[bounds[number] : bounds[number + 1]] - start)

    def _read(self, numbers: np.ndarray) -> Iterator[tuple[int, Any]]:
        """Yields some batches with their numbers, in ascending order."""
        if isinstance(self._batches, keras.utils.PyDataset):
            yield from ((number, self._batches[number]) for number in numbers.tolist())
            return
        wanted, passed = set(numbers.tolist()), 0
        for number, batch in enumerate(itertools.islice(finite_batches(self._batches), int(numbers[-1]) + 1)):
            passed += 1
            if number in wanted:
                yield number, batch
        what = "`x` must yield as many batches in every pass"
        require(passed == numbers[-1] + 1, what, before=len(self._starts) - 1, now=passed)


class LoaderRows:
    """Rows of the map-style data set of a PyTorch `DataLoader` that neither shuffles nor collates in its own way."""

    def __init__(self, loader: Any) -> None:
        """Takes the loader; see `is_map_style`."""
        whole, rest = divmod(len(loader.dataset), loader.batch_size)
        sizes = [loader.batch_size] * whole + [rest] * (rest > 0 and not loader.drop_last)
        self._loader, self._batches = loader, BatchRows(loader, sizes)
        self.num_examples = self._batches.num_examples

    def take(self, examples: np.ndarray) -> Any:
        """Returns some examples of the data set."""
        return joined([self._collated(part) for part in np.split(examples, range(COLLATED, len(examples), COLLATED))])

    def pieces(self, examples: np.ndarray, size: int) -> Iterator[Any]:
        """Yields some examples piece by piece, from the loader, whose workers read ahead."""
        yield from self._batches.pieces(examples, size)

    def _collated(self, examples: np.ndarray) -> Any:
        data, numbers = self._loader.dataset, examples.tolist()
        several = getattr(data, "__getitems__", None)
        return arrays_of(self._loader.collate_fn(several(numbers) if several else [data[i] for i in numbers]))


def is_on_disk(array: Any) -> bool:
    """Returns whether an array is read when it is indexed: mapped from a file, or of a library such as h5py."""
    if isinstance(array, np.ndarray) or keras.ops.is_tensor(array) or isinstance(array, keras.Variable):
        return isinstance(array, np.memmap)
    indexed = all(hasattr(array, name) for name in ("shape", "dtype", "__getitem__"))
    # Tensors of other frameworks, and pandas's columns, are in memory.
    return indexed and not hasattr(array, "__dlpack__") and not hasattr(array, "iloc")


def is_map_style(batches: Any) -> bool:
    """Returns whether single examples of a `DataLoader` can be read, in the order in which it yields them."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(batches, torch.utils.data.DataLoader) or batches.batch_size is None:
        return False
    in_order = type(batches.sampler) is torch.utils.data.SequentialSampler
    plain = batches.collate_fn is torch.utils.data.default_collate
    return in_order and plain and hasattr(batches.dataset, "__getitem__") and hasattr(batches.dataset, "__len__")


def count_of(arrays: Any) -> int:
    """Returns how many examples there are in (inputs, targets) or (inputs, targets, sample weights)."""
    return count(arrays[0], arrays[1:])


def rows_of(arrays: Any, rows: Any) -> Any:
    """Returns some rows of a structure of arrays."""
    return keras.tree.map_structure(lambda array: array[rows], arrays)


def _read(array: Any, rows: np.ndarray) -> np.ndarray:
    """Returns some rows; those that follow each other are read at once."""
    first, last = int(rows[0]), int(rows[-1])
    found = array[first : last + 1] if last - first + 1 == len(rows) else array[rows]
    if isinstance(array, np.memmap):
        found = np.array(found)
        _forget(array)
    return np.asarray(found)


def _forget(array: np.memmap[Any, Any]) -> None:
    """Gives back the memory of a mapped file's pages, which are read again when they are needed."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    # Changes of a private map exist nowhere else.
    if isinstance(base, mmap.mmap) and array.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
