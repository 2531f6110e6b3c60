"""How the losses of the pieces of a batch add up to the loss of the batch."""

from typing import Any, Literal, TypeAlias

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend.internals import keras_mask
from keras_sharpness.errors import require
from keras_sharpness.objective.labelled_data import LabelledData, Weighted
from keras_sharpness.objective.measurable import fixed_batch_size
from keras_sharpness.objective.objective import Objective, values
from keras_sharpness.typing import Array, Data, State, Weights

Pieces: TypeAlias = Literal["mean", "sum", "weighted"]
"""The batch's loss is the mean over the examples of its pieces, their sum, or a mean weighted by `Objective.mass`."""
# Examples of each of the two pieces that are tried.
_TRIED = 8


def pieces_of(objective: Objective, data: LabelledData, examples: np.ndarray, training: bool = False) -> Pieces:
    """Returns how pieces add up.

    Keras's own losses say so themselves. With others it is tried, on two small pieces.

    Args:
        objective: The loss.
        data: The data.
        examples: Indices of the examples that the loss is taken of.
        training: Whether layers run in training mode.

    Raises:
        InputError: If the loss of a batch does not follow from the losses of its pieces.
    """
    loss, examples = objective.batch_loss, np.unique(examples)
    uneven = isinstance(data.tensors[1], Weighted) or loss.ignores or _has_masks(objective, data, examples)
    if loss.is_keras:
        return "sum" if loss.sums else "weighted" if uneven else "mean"
    return _try(objective, data, examples[: 2 * _TRIED], training, uneven)


def _has_masks(objective: Objective, data: LabelledData, examples: np.ndarray) -> bool:
    found: list[bool] = []

    def look(weights: Weights, state: State, tensors: Data, indices: Array) -> Any:
        outputs, *_ = objective.outputs(weights, state, tensors, indices, False)
        found.extend(keras_mask(output) is not None for output in keras.tree.flatten(outputs))
        return outputs

    size = _fixed(objective) or 2
    backend.outline(look, *values(objective.model), data.tensors, ops.convert_to_tensor(np.resize(examples, size)))
    return any(found)


def _try(objective: Objective, data: LabelledData, examples: np.ndarray, training: bool, uneven: bool) -> Pieces:
    """Returns how two pieces add up to their whole, at the present weights."""
    fixed = _fixed(objective)
    what = "`batch_size` must be left out for a loss of your own and a model of one batch size"
    require(fixed is None, what, loss=objective.batch_loss.name, batch_size=fixed)
    halves = (examples[: len(examples) // 3 or 1], examples[len(examples) // 3 or 1 :])
    masses = np.array([float(len(half)) for half in halves])
    if len(examples) < 2:
        return "mean"
    at = (*values(objective.model), data.tensors)

    def number(fn: Any, indices: np.ndarray) -> float:
        with backend.repeatable():
            return float(ops.convert_to_numpy(fn(*at, ops.convert_to_tensor(indices), training)))

    whole, again = number(objective.loss, examples), number(objective.loss, examples)
    same = bool(np.isclose(whole, again, rtol=1e-6, atol=0, equal_nan=True))
    require(same, "the loss must be the same when it is evaluated twice", losses=(whole, again))
    parts = np.array([number(objective.loss, half) for half in halves])
    uneven = uneven and objective.takes_outputs
    if uneven:
        masses = np.array([number(objective.mass, half) for half in halves])
    means = np.isclose(np.average(parts, weights=masses), whole, rtol=1e-3)
    sums = np.isclose(parts.sum(), whole, rtol=1e-3)
    what = "`batch_size` must be left out for a loss that is neither a mean nor a sum over examples"
    require(bool(means or sums), what, whole=whole, pieces=parts.tolist())
    return ("weighted" if uneven else "mean") if means else "sum"


def _fixed(objective: Objective) -> int | None:
    return None if objective.on_graph else fixed_batch_size(objective.model)
