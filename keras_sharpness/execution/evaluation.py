"""Losses and gradients at perturbations of the weights, as pure functions for use inside compiled ones."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import copies
from keras_sharpness.execution.averaging import Averaging
from keras_sharpness.execution.evaluators import Evaluator
from keras_sharpness.typing import Array, Block, Data, State, Weights


class Values(NamedTuple):
    """What is evaluated at the perturbations of a block, one entry for each cell.

    Attributes:
        losses: Shape (size,).
        errors: Error rates, shape (size,); NaN where they mean nothing.
    """

    losses: Array
    errors: Array


class Evaluation:
    """The losses of a block of cells. Holds no data, so that what is compiled from it can be kept.

    Attributes:
        size: Cells in a block.
        scan: How loops run.
        stepwise: Whether loops are Python's, around a compiled step, instead of part of what is compiled.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        averaging: Averaging,
        size: int,
        scan: Callable[..., Any],
        stepwise: bool = False,
        factor: Callable[[Array], Array] | None = None,
    ) -> None:
        """Puts the parts together.

        Args:
            evaluator: Losses and error rates of a block.
            averaging: Means over the examples of a batch.
            size: Cells in a block.
            scan: How loops run.
            stepwise: Whether loops are Python's.
            factor: From the masses of the batches to what makes their losses of means over pieces; None: these are the
                losses.
        """
        self._evaluate, self._average, self.size = evaluator, averaging, size
        self.scan, self.stepwise, self._factor = scan, stepwise, factor

    def values(self, weights: Weights, state: State, data: Data, delta: Weights, block: Block) -> Values:
        """Returns losses and error rates of a block of cells.

        Args:
            weights: Trainable weights.
            state: Non-trainable variables.
            data: Inputs and targets.
            delta: Perturbations, the weights' shapes after a leading axis of length `size`.
            block: The cells.
        """
        with backend.repeatable():
            found = self._average(block, lambda piece: self._evaluate(weights, state, data, delta, piece))
        return self._ratios(found)[0]

    def values_and_gradients(
        self, weights: Weights, state: State, data: Data, delta: Weights, block: Block
    ) -> tuple[Values, Weights]:
        """Returns the same, and the gradient of each loss with respect to its own perturbation."""

        def total(delta: Weights, piece: Array) -> tuple[Array, tuple[Any, ...]]:
            found = self._evaluate(weights, state, data, delta, piece)
            # A loss depends on its own perturbation only, so the gradient of the sum holds the gradient of each.
            return ops.sum(found[0]), found

        gradients = backend.value_and_grad(total, has_aux=True)

        def evaluate(piece: Array) -> tuple[Any, ...]:
            (_, found), gradient = gradients(delta, piece)
            return found, gradient

        with backend.repeatable():
            found, gradient = self._average(block, evaluate)
        return self._ratios(found, gradient)

    def _ratios(self, found: tuple[Array, ...], gradient: Weights | None = None) -> tuple[Values, Weights]:
        """Returns losses, error rates and gradients of the batches, from their means over pieces."""
        gradient = gradient or []
        if self._factor is None:
            return _values(*found), gradient
        losses, errors, masses, counts = found
        factors = self._factor(masses)
        # Masses depend on no weight.
        scaled = [array * copies.along(factors, array) for array in gradient]
        return _values(losses * factors, ops.divide_no_nan(errors, counts)), scaled

    def zeros(self, weights: Weights) -> Weights:
        """Returns no perturbation for each cell of a block."""
        return [ops.zeros((self.size, *w.shape), w.dtype) for w in weights]

    def for_each(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function of one cell applied to each cell of a block."""
        return copies.for_each(fn, self.size)


def _values(*found: Array) -> Values:
    # Of Keras's float type, as are the numbers that loops carry along.
    return Values(*(ops.cast(value, keras.config.floatx()) for value in found))
