"""Ways to compute the losses of many perturbations of a model, one for each cell of a block."""

from collections.abc import Callable
from typing import TypeAlias

import keras
from keras import ops

from keras_sharpness.arrays import copies, tree
from keras_sharpness.objective.objective import Objective
from keras_sharpness.typing import Array, Data, State, Weights

Evaluator: TypeAlias = Callable[[Weights, State, Data, Weights, Array], tuple[Array, ...]]
"""From (weights, state, data, delta, examples) to losses and error rates, shape (size,); see `weighted` for more.

`delta` and `examples` have a leading axis of length `size`, one entry for each cell.
"""


def copy_by_copy(objective: Objective, training: bool, size: int) -> Evaluator:
    """Returns the evaluator that calls the model once for each cell, vectorized where there are several.

    Args:
        objective: The loss.
        training: Whether layers run in training mode.
        size: Cells in a block.
    """

    def evaluate(weights: Weights, state: State, data: Data, delta: Weights, examples: Array) -> tuple[Array, Array]:
        def one(delta: Weights, examples: Array) -> tuple[Array, Array]:
            return objective.loss_and_error(tree.add(weights, delta), state, data, examples, training)

        return copies.for_each(one, size)(delta, examples)

    return evaluate


def weighted(objective: Objective, training: bool, size: int, sums: bool) -> Evaluator:
    """Returns the evaluator for pieces of batches whose examples do not count equally: masked ones, or weighted.

    What it returns are means over the examples of a piece, so that pieces average to the batch: the loss times its
    mass, the error rate times its count, mass and count. The batch's loss is a ratio of these.

    Args:
        objective: The loss.
        training: Whether layers run in training mode.
        size: Cells in a block.
        sums: Whether the loss is a sum over examples.

    Returns:
        The evaluator; `Evaluation` takes the ratios.
    """

    def evaluate(weights: Weights, state: State, data: Data, delta: Weights, examples: Array) -> tuple[Array, ...]:
        def one(delta: Weights, examples: Array) -> tuple[Array, ...]:
            point, n = tree.add(weights, delta), examples.shape[0]
            loss, error, mass, count = objective.weighted(point, state, data, examples, training, sums)
            return loss * mass / n, error * count / n, mass / n, count / n

        return copies.for_each(one, size)(delta, examples)

    return evaluate


def stacked(objective: Objective, network: keras.Model, size: int) -> Evaluator:
    """Returns the evaluator that calls one network which holds a copy of a graph network for each cell.

    Args:
        objective: The loss.
        network: What `stack` made of the objective's model.
        size: Cells in a block.
    """

    def evaluate(weights: Weights, state: State, data: Data, delta: Weights, examples: Array) -> tuple[Array, Array]:
        inputs, targets = data
        last_axis = [ops.moveaxis(w + d, 0, -1) for w, d in zip(weights, delta, strict=True)]
        outputs, _ = network.stateless_call(last_axis, state, inputs, training=False)

        def one(outputs: Array, examples: Array) -> tuple[Array, Array]:
            chosen = ops.take(targets, examples, axis=0), ops.take(outputs, examples, axis=0)
            return objective.batch_loss.mean_and_error(*chosen)

        return copies.for_each(one, size)(ops.moveaxis(outputs, -1, 0), examples)

    return evaluate
