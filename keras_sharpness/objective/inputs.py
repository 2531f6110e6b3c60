"""From the ways in which users hold their data to arrays with the examples along the first axis."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import require
from keras_sharpness.objective.graph import Graph


def to_arrays(x: Any, y: Any = None) -> tuple[Any, Any]:
    """Returns inputs and targets of all examples.

    Args:
        x: Inputs: an array, a structure of arrays with the examples along the first axis, or a `Graph`; or batches of
            (inputs, targets): a `tf.data.Dataset`, a `keras.utils.PyDataset`, a PyTorch `DataLoader`, any iterable of
            finite length.
        y: Targets, alike; None where `x` yields both.

    Returns:
        Inputs (or the graph) and targets.

    Raises:
        InputError: If targets are missing or given twice, or the batches are not (inputs, targets).
    """
    if isinstance(x, Graph) or not _is_batches(x):
        require(y is not None, "`y` must be given where `x` holds inputs alone", x=type(x).__name__)
        return x, y
    require(y is None, "`y` must be left out where `x` yields batches of (inputs, targets)", x=type(x).__name__)
    batches = [_pair(batch) for batch in _finite(x)]
    require(bool(batches), "`x` must yield a batch at least", x=type(x).__name__)
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)


def count(x: Any, y: Any) -> int:
    """Returns how many examples there are.

    Args:
        x: Inputs or a graph.
        y: Targets.

    Raises:
        InputError: If inputs and targets differ in number, or there are none.
    """
    lengths = {x.num_nodes} if isinstance(x, Graph) else {_length(a) for a in keras.tree.flatten(x)}
    targets = {_length(a) for a in keras.tree.flatten(y)}
    fit = lengths == targets and len(lengths) == 1 and lengths != {0}
    require(fit, "`x` and `y` must hold equally many examples", x=sorted(lengths), y=sorted(targets))
    return lengths.pop()


def _length(array: Any) -> int:
    shape = np.shape(array)
    require(len(shape) > 0, "`x` and `y` must have the examples along their first axis", shape=shape)
    return shape[0]


def _is_batches(x: Any) -> bool:
    arrays = isinstance(x, (np.ndarray, list, tuple, Mapping)) or hasattr(x, "shape")
    return isinstance(x, keras.utils.PyDataset) or (isinstance(x, Iterable) and not arrays)


def _finite(x: Any) -> Iterable:
    if isinstance(x, keras.utils.PyDataset):
        return (x[index] for index in range(x.num_batches))
    # A repeated tf.data.Dataset says that it is infinite.
    cardinality = int(x.cardinality()) if hasattr(x, "cardinality") else 0
    require(cardinality != -1, "`x` must end: a dataset without repeat()", cardinality="infinite")
    return x


def _pair(batch: Any) -> tuple[Any, Any]:
    pair = isinstance(batch, (tuple, list)) and len(batch) == 2
    length = len(batch) if isinstance(batch, (tuple, list)) else None
    require(pair, "`x` must yield batches of (inputs, targets)", batch=type(batch).__name__, length=length)
    arrays = keras.tree.map_structure(_to_numpy, tuple(batch))
    for array in keras.tree.flatten(arrays):
        require(array.ndim > 0, "`x` must yield batches of examples, not single ones", shape=array.shape)
    return arrays


def _to_numpy(array: Any) -> np.ndarray:
    # A dataset's tensors need not be of the backend that Keras runs on.
    return np.asarray(array) if hasattr(array, "__array__") else ops.convert_to_numpy(array)
