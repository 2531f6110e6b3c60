"""From the ways in which users hold their data to tensors with the examples along the first axis."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import require
from keras_sharpness.objective.graph import Field, Graph
from keras_sharpness.typing import Array, Data


class LabelledData:
    """Inputs and targets of all examples.

    Attributes:
        tensors: Inputs and targets, as tensors of the backend.
        num_examples: How many examples there are; on a graph, nodes.
        graph: The graph whose nodes the examples are, or None.
    """

    def __init__(self, x: Any, y: Any = None) -> None:
        """Checks and converts the data.

        Args:
            x: Inputs: an array, a structure of arrays with the examples along the first axis, or a `Graph`; or batches
                of (inputs, targets): a `tf.data.Dataset`, a `keras.utils.PyDataset`, a PyTorch `DataLoader`, any
                iterable of finite length.
            y: Targets, first axis as the examples; None where `x` yields both.

        Raises:
            InputError: If targets are missing or given twice, batches are not (inputs, targets), or inputs and targets
                differ in number.
        """
        x, y = _to_arrays(x, y)
        self.graph = x if isinstance(x, Graph) else None
        self.num_examples = _count(x, y)
        inputs = x.inputs if isinstance(x, Graph) else x
        self.tensors: Data = keras.tree.map_structure(_to_tensor, (inputs, y))

    def on_field(self, nodes: np.ndarray, hops: int) -> tuple["LabelledData", Field]:
        """Returns the part of a graph that outputs of some nodes depend on, as data of its own, and the field.

        Args:
            nodes: Integers of shape (n,), without repeats.
            hops: Rounds of messages of the network.

        Raises:
            ValueError: If the examples are not the nodes of a graph.
        """
        if self.graph is None:
            raise ValueError("`on_field` must be called on data of a graph.")
        field = self.graph.field(nodes, hops)
        return LabelledData(field.graph, take(self.tensors[1], ops.convert_to_tensor(field.nodes))), field

    def require_finite(self, examples: np.ndarray) -> None:
        """Raises unless all inputs, and the targets of some examples, are finite.

        Args:
            examples: Indices; targets of other examples do not matter.

        Raises:
            InputError: If a number is not finite.
        """
        inputs, targets = self.tensors
        _require_finite("x", inputs)
        _require_finite("y", take(targets, ops.convert_to_tensor(np.unique(examples))))


def take(structure: Any, indices: Array) -> Any:
    """Returns some examples of a structure of tensors."""
    return keras.tree.map_structure(lambda a: ops.take(a, indices, axis=0), structure)


def _to_arrays(x: Any, y: Any) -> tuple[Any, Any]:
    if isinstance(x, Graph) or not _is_batches(x):
        require(y is not None, "`y` must be given where `x` holds only inputs", x=type(x).__name__)
        return x, y
    require(y is None, "`y` must be left out where `x` yields batches of (inputs, targets)", x=type(x).__name__)
    batches = [_pair(batch) for batch in _finite_batches(x)]
    require(bool(batches), "`x` must yield at least one batch", x=type(x).__name__)
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)


def _count(x: Any, y: Any) -> int:
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


def _finite_batches(x: Any) -> Iterable[Any]:
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


def _to_tensor(array: Any) -> Array:
    dtype = getattr(array, "dtype", None)
    require(getattr(dtype, "kind", "f") not in "OcmM", "`x` and `y` must hold real numbers", dtype=str(dtype))
    # Doubles would be refused later on, or slow the network down.
    with np.errstate(over="ignore"):  # What is too large becomes infinite, and is refused as that.
        array = np.asarray(array, keras.config.floatx()) if dtype == np.float64 else array
    return ops.convert_to_tensor(array)


def _require_finite(name: str, structure: Any) -> None:
    for array in keras.tree.flatten(structure):
        is_float = "float" in keras.backend.standardize_dtype(array.dtype)
        require(not is_float or bool(ops.all(ops.isfinite(array))), f"`{name}` must hold only finite numbers")
