"""The grid of (perturbation, batch) that every measure works through, in blocks of cells that run at once."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from keras import ops

from keras_sharpness import backend, tree
from keras_sharpness.models.stack import is_stackable, stack
from keras_sharpness.objective import Objective
from keras_sharpness.plan import choose_plan
from keras_sharpness.typing import Array, Data, State, Weights


class Cells:
    """Losses at perturbations of the weights, each on its batch of examples.

    On a graph, only what the batches' nodes depend on is kept, where that is known.

    Attributes:
        size: Cells in a block.
        scan: How loops run.
    """

    def __init__(self, objective: Objective, batches: np.ndarray, training: bool = False, plan: str | None = None):
        """Lays out the work.

        Args:
            objective: The loss.
            batches: Examples of each cell, integers of shape (num_cells, m).
            training: Whether layers run in training mode.
            plan: "vectorized" or "sequential"; None: the faster.

        Raises:
            InputError: If there is no such plan, or it does not fit the model.
        """
        chosen = choose_plan(objective, plan)
        field = None
        if objective.graph is not None and objective.hops and not training:
            objective, field = objective.on_field(np.unique(batches))
            batches = field.places(batches)
        self._objective, self._training, self._batches = objective, training, batches.astype(np.int32)
        # Blocks of equal size, so that the compiled function is always the same.
        num_blocks = math.ceil(len(batches) / chosen.most_copies)
        self.size, self.scan = math.ceil(len(batches) / num_blocks), chosen.scan
        self._stack = None
        if field is not None and chosen.vectorized and is_stackable(objective.model):
            self._stack = stack(objective.model, self.size, field)

    def losses(self, weights: Weights, state: State, data: Data, delta: Weights, batches: Array) -> Array:
        """Returns the losses of a block of cells, shape (size,), for use in the function given to `compile`.

        Args:
            weights: Trainable weights.
            state: Non-trainable variables.
            data: As given to the function.
            delta: Perturbations, the weights' shapes after a leading axis of length `size`.
            batches: As given to the function.
        """
        if self._stack is not None:
            return self._stacked_losses(weights, state, data, delta, batches)
        if self.size == 1:
            return ops.reshape(self._loss(weights, state, data, [d[0] for d in delta], batches[0]), (1,))
        each = backend.vectorize(lambda d, batch: self._loss(weights, state, data, d, batch), in_axes=(0, 0))
        return each(delta, batches)

    def compile(self, block: Callable[[Weights, State, Data, Array], Array]) -> Callable[[Weights, State], np.ndarray]:
        """Compiles a function of one block, and runs it on all.

        Args:
            block: Function of (weights, state, data, batches) that returns an array whose first axis is the cells.

        Returns:
            A function of (weights, state) that returns the results of all cells, in order.
        """
        compiled = backend.compile(block)

        def run(weights: Weights, state: State) -> np.ndarray:
            parts = [compiled(weights, state, self._objective.data, batches) for batches in self._blocks()]
            return np.concatenate([ops.convert_to_numpy(part) for part in parts])[: len(self._batches)]

        return run

    def zeros(self, weights: Weights) -> Weights:
        """Returns no perturbation for each cell of a block."""
        return [ops.zeros((self.size, *w.shape), w.dtype) for w in weights]

    def _blocks(self) -> Iterator[Any]:
        for start in range(0, len(self._batches), self.size):
            block = self._batches[start : start + self.size]
            # The last block is filled up with copies of its last cell.
            block = block[np.minimum(np.arange(self.size), len(block) - 1)]
            yield ops.convert_to_tensor(block)

    def _loss(self, weights: Weights, state: State, data: Data, delta: Weights, batch: Array) -> Array:
        return self._objective.loss(tree.add(weights, delta), state, data, batch, self._training)

    def _stacked_losses(self, weights: Weights, state: State, data: Data, delta: Weights, batches: Array) -> Array:
        inputs, targets = data
        copies = [ops.moveaxis(w + d, 0, -1) for w, d in zip(weights, delta, strict=True)]
        outputs, _ = self._stack.stateless_call(copies, state, inputs, training=False)

        def loss(outputs: Array, batch: Array) -> Array:
            chosen = ops.take(targets, batch, axis=0), ops.take(outputs, batch, axis=0)
            return self._objective.mean_loss(*chosen)

        return backend.vectorize(loss, in_axes=(0, 0))(ops.moveaxis(outputs, -1, 0), batches)
