"""The examples that a pool trains on, or is tested on."""

import dataclasses
import hashlib
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import InputError, require
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import LabelledData, Weighted
from keras_sharpness.objective.layers import hops


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Examples in memory.

    Attributes:
        data: Inputs and targets.
        examples: Indices of the split's examples in them.
    """

    data: LabelledData
    examples: np.ndarray

    def arguments(self) -> dict[str, Any]:
        """Returns the split as `Sample` takes it: `x`, `y`, `sample_weight` and `examples`."""
        inputs, y = self.data.tensors
        y, weight = y if isinstance(y, Weighted) else (y, None)
        x = self.data.graph if self.data.graph is not None else inputs
        return {"x": x, "y": y, "sample_weight": weight, "examples": self.examples}

    def receptive_field(self, model: keras.Model) -> "Split":
        """Returns the part of a graph that a model's outputs for these nodes depend on, where it is known, else itself.

        Args:
            model: The model.
        """
        reach = hops(model) if self.data.graph is not None else None
        if not reach:
            return self
        data, field = self.data.on_field(self.examples, reach)
        return Split(data, field.places(self.examples))

    def checksum(self) -> str:
        """Returns a short text that other examples do not have."""
        digest = hashlib.sha256(np.ascontiguousarray(self.examples).tobytes())
        for tensor in keras.tree.flatten(self.data.tensors):
            digest.update(np.ascontiguousarray(ops.convert_to_numpy(tensor)).tobytes())
        return digest.hexdigest()[:16]


def read_split(name: str, given: Any) -> Split:
    """Reads a split once, whatever form it has.

    Args:
        name: What the user calls it, for errors.
        given: `(x, y)` or `(x, y, sample_weight)`; `(graph, y, nodes)` for some nodes of a `Graph`; or batches of
            (inputs, targets): `tf.data.Dataset`, `keras.utils.PyDataset`, PyTorch `DataLoader`.

    Returns:
        The split.

    Raises:
        InputError: If inputs and targets do not fit together.
    """
    if isinstance(given, Split):
        return given
    try:
        if not isinstance(given, (tuple, list)):
            data = LabelledData(given)
            return Split(data, np.arange(data.num_examples))
        require(len(given) in (2, 3), "must be (x, y), (x, y, sample_weight) or (graph, y, nodes)", length=len(given))
        if isinstance(given[0], Graph):
            return _nodes(*given)
        data = LabelledData(*given)
        return Split(data, np.arange(data.num_examples))
    except InputError as error:
        raise InputError(f"`{name}`: {error}") from None


def _nodes(graph: Graph, y: Any, nodes: Any = None) -> Split:
    data = LabelledData(graph, y)
    chosen = np.arange(data.num_examples) if nodes is None else np.asarray(nodes)
    fits = chosen.ndim == 1 and chosen.size > 0 and chosen.dtype.kind in "iu"
    require(
        bool(fits and 0 <= chosen.min() and chosen.max() < data.num_examples),
        f"nodes must be numbers from 0 to {data.num_examples - 1}",
        shape=chosen.shape,
    )
    return Split(data, chosen)
