"""From the ways in which users hold their data to tensors with the examples along the first axis."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import InputError, require
from keras_sharpness.objective.graph import Field, Graph
from keras_sharpness.typing import Array, Data


class Weighted(NamedTuple):
    """Targets together with sample weights.

    Attributes:
        y: Targets, in any structure.
        sample_weight: Weights: one for each example, or for each entry of a target; a structure of these for several
            outputs.
    """

    y: Any
    sample_weight: Any


class LabelledData:
    """Inputs and targets of all examples.

    Attributes:
        tensors: Inputs and targets, as tensors of the backend; targets are a `Weighted` where examples have weights.
        num_examples: How many examples there are; on a graph, nodes.
        graph: The graph whose nodes the examples are, or None.
        numbers: What users call the examples, where these are a part of larger data; None: 0, 1, 2 and so on.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        numbers: np.ndarray | None = None,
    ) -> None:
        """Checks and converts the data.

        Args:
            x: Inputs: an array, a structure of arrays with the examples along the first axis, or a `Graph`; or batches
                of (inputs, targets) or (inputs, targets, sample weights): a `tf.data.Dataset`, a
                `keras.utils.PyDataset`, a PyTorch `DataLoader`, any iterable of finite length.
            y: Targets, first axis as the examples; None where `x` yields both.
            sample_weight: Weights of the examples, as `model.evaluate` takes them; None: those that `x` yields, or one.
            class_weight: Weights of the classes, by number, as `model.fit` takes them.
            numbers: Numbers of the examples, for errors.

        Raises:
            InputError: If targets are missing or given twice, batches are not (inputs, targets), or inputs, targets
                and weights differ in number.
        """
        x, y = _to_arrays(x, y)
        if sample_weight is not None:
            require(not isinstance(y, Weighted), "`sample_weight` must be left out where `x` yields it")
            y = Weighted(y, sample_weight)
        if class_weight is not None:
            y = _with_class_weights(y, class_weight)
        self.numbers, self.graph = numbers, x if isinstance(x, Graph) else None
        self.num_examples = count(x, y)
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
        which = np.unique(examples)
        _require_finite("x", inputs, self.numbers)
        named = which if self.numbers is None else self.numbers[which]
        _require_finite("y", take(targets, ops.convert_to_tensor(which)), named)


def take(structure: Any, indices: Array) -> Any:
    """Returns some examples of a structure of tensors."""
    return keras.tree.map_structure(lambda a: ops.take(a, indices, axis=0), structure)


def _to_arrays(x: Any, y: Any) -> tuple[Any, Any]:
    _require_dense(x, y)
    if isinstance(x, Graph) or not is_batches(x):
        require(y is not None, "`y` must be given where `x` holds only inputs", x=type(x).__name__)
        return x, y
    require(y is None, "`y` must be left out where `x` yields batches of (inputs, targets)", x=type(x).__name__)
    batches = [arrays_of(batch) for batch in finite_batches(x)]
    require(bool(batches), "`x` must yield at least one batch", x=type(x).__name__)
    x, y, *weight = joined(batches)
    return x, Weighted(y, *weight) if weight else y


def _with_class_weights(y: Any, class_weight: Mapping[int, float]) -> Weighted:
    """Returns targets with the weights of their classes, times the sample weights that they have."""
    y, given = y if isinstance(y, Weighted) else (y, None)
    single = not keras.tree.is_nested(y)
    require(single, "`class_weight` must be given only for a single output", y=type(y).__name__)
    labels = np.asarray(y)
    one_hot = labels.ndim > 1 and labels.shape[-1] > 1
    classes = labels.argmax(axis=-1) if one_hot else labels.reshape(len(labels), -1)[:, 0]
    weights = np.array([class_weight.get(int(label), 1.0) for label in classes], "float32")
    return Weighted(y, weights if given is None else np.asarray(given).reshape(len(weights)) * weights)


def joined(parts: Sequence[Any]) -> Any:
    """Returns structures of arrays, one after another, as one.

    Args:
        parts: The structures, at least one.

    Raises:
        InputError: If examples differ in shape.
    """
    return parts[0] if len(parts) == 1 else keras.tree.map_structure(_joined, *parts)


def _joined(*parts: np.ndarray) -> np.ndarray:
    shapes = sorted({part.shape[1:] for part in parts})
    what = "`x` must yield batches whose examples have one shape: pad all sequences to one length, not batch by batch"
    require(len(shapes) == 1, what, shapes=shapes[:3])
    return np.concatenate(parts)


def _require_dense(*structures: Any) -> None:
    for array in keras.tree.flatten(structures):
        kind = type(array).__name__
        sparse = hasattr(array, "tocoo") or kind in ("SparseTensor", "BCOO") or getattr(array, "is_sparse", False)
        require(not sparse, "`x` and `y` must be dense, such as x.toarray() or tf.sparse.to_dense(x)", type=kind)
        require(kind != "RaggedTensor", "`x` and `y` must not be ragged: pad to one length, x.to_tensor()", type=kind)


def count(x: Any, y: Any) -> int:
    """Returns how many examples there are.

    Args:
        x: Inputs.
        y: Targets, with their weights if they have any.

    Raises:
        InputError: If inputs and targets differ in number.
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


def is_batches(x: Any) -> bool:
    """Returns whether inputs and targets come together, batch by batch."""
    arrays = isinstance(x, (np.ndarray, list, tuple, Mapping)) or hasattr(x, "shape")
    return isinstance(x, keras.utils.PyDataset) or (isinstance(x, Iterable) and not arrays)


def finite_batches(x: Any) -> Iterable[Any]:
    """Returns the batches of a data set.

    Args:
        x: What yields them.

    Raises:
        InputError: If they never end.
    """
    if isinstance(x, keras.utils.PyDataset):
        return (x[index] for index in range(x.num_batches))
    # A repeated tf.data.Dataset says that it is infinite.
    cardinality = int(x.cardinality()) if hasattr(x, "cardinality") else 0
    require(cardinality != -1, "`x` must end: a dataset without repeat()", cardinality="infinite")
    return x


def arrays_of(batch: Any) -> tuple[Any, ...]:
    """Returns the arrays of inputs, targets and, where there are any, sample weights.

    Args:
        batch: What a data set yields.

    Raises:
        InputError: If it is no batch of them.
    """
    length = len(batch) if isinstance(batch, (tuple, list)) else None
    what = "`x` must yield batches of (inputs, targets) or (inputs, targets, sample weights)"
    require(length in (2, 3), what, batch=type(batch).__name__, length=length)
    batch = batch[:2] if length == 3 and batch[2] is None else batch
    arrays = keras.tree.map_structure(to_numpy, tuple(batch))
    for array in keras.tree.flatten(arrays):
        require(array.ndim > 0, "`x` must yield batches of examples, not single ones", shape=array.shape)
    return arrays


def to_numpy(array: Any) -> np.ndarray:
    """Returns an array or tensor as an array of NumPy."""
    # A dataset's tensors need not be of the backend that Keras runs on.
    return np.asarray(array) if hasattr(array, "__array__") else ops.convert_to_numpy(array)


def _to_tensor(array: Any) -> Array:
    dtype = getattr(array, "dtype", None)
    require(getattr(dtype, "kind", "f") not in "OcmM", "`x` and `y` must hold real numbers", dtype=str(dtype))
    # Doubles would be refused later on, or slow the network down.
    with np.errstate(over="ignore"):  # What is too large becomes infinite, and is refused as that.
        array = np.asarray(array, keras.config.floatx()) if dtype == np.float64 else array
    return ops.convert_to_tensor(array)


def _require_finite(name: str, structure: Any, examples: np.ndarray | None = None) -> None:
    for path, array in keras.tree.flatten_with_path(structure):
        is_float = "float" in keras.backend.standardize_dtype(array.dtype)
        if is_float and not bool(ops.all(ops.isfinite(array))):
            rows = np.unique(np.nonzero(~np.isfinite(ops.convert_to_numpy(array)))[0])
            first = int(rows[0] if examples is None else examples[rows[0]])
            of = "".join(f"[{key!r}]" for key in path)
            raise InputError(
                f"`{name}` must hold only finite numbers. Received: {name}{of} of example {first} is not, the first of "
                f"{len(rows)}"
            )
