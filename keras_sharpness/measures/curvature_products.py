"""Products of a curvature matrix of a batch's mean loss L with a direction v.

    hessian   H v, H the second derivative of L
    ggn       J' M J v, J the derivative of the outputs, M the second derivative of L with respect to the outputs
    fisher    1/m sum_i g_i g_i' v, g_i the gradient of the loss of example i, which is J_i' r_i with r_i the gradient
              with respect to its outputs: J' M J v with the blocks M_i = r_i r_i' / m

Schraudolph (2002, Neural Computation 14(7), 1723-1738) multiplies by J, M and J' one after another; Martens (2014,
arXiv:1412.1193) shows where "ggn" is the Fisher matrix. Nothing larger than the outputs and the weights is formed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, cast

import keras
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import copies
from keras_sharpness.backend.internals import keras_mask, set_keras_mask
from keras_sharpness.measures import finite_differences
from keras_sharpness.measures.mean_loss import flatten, precision, unflatten
from keras_sharpness.objective.objective import Objective
from keras_sharpness.objective.own_loss import AnyLoss
from keras_sharpness.typing import Array, CurvatureName, Data, DerivativesName, State, Weights

Product: TypeAlias = Callable[[Weights, Array, State, Data, Array], Array]
"""From (weights, direction, state, data, indices) to the product; direction and product are flat."""

Middle: TypeAlias = Callable[[AnyLoss, Any, Any, list[Array]], list[Array]]
"""From (loss, targets, outputs, J v) to M J v, a tensor for each output."""


class Derivatives(Protocol):
    """Derivatives along a direction: those of `backend` or of `finite_differences`."""

    def hvp(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """As of `backend.contract.Backend`."""

    def jvp(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """As of `backend.contract.Backend`."""


DERIVATIVES: dict[DerivativesName, Derivatives] = {
    "exact": cast(Derivatives, backend),
    "differences": finite_differences,
}


def hessian(objective: Objective, training: bool, derivatives: Derivatives) -> Product:
    """Returns the product with the Hessian.

    Args:
        objective: The loss of a batch.
        training: Whether layers run in training mode.
        derivatives: Where derivatives along a direction come from.
    """

    def product(weights: Weights, direction: Array, state: State, data: Data, indices: Array) -> Array:
        def loss(point: Weights) -> Array:
            return objective.loss(point, state, data, indices, training)

        return flatten(derivatives.hvp(loss)(weights, unflatten(direction, weights)))

    return product


def ggn(objective: Objective, training: bool, derivatives: Derivatives) -> Product:
    """Returns the product with the generalized Gauss-Newton matrix; arguments as of `hessian`."""

    def middle(batch_loss: AnyLoss, targets: Any, outputs: Any, moves: list[Array]) -> list[Array]:
        loss, point = _loss_of_outputs(batch_loss, targets, outputs, _masks(outputs)), keras.tree.flatten(outputs)
        return backend.hvp(loss)(point, moves)

    return _through_outputs(objective, training, derivatives, middle)


def fisher(objective: Objective, training: bool, derivatives: Derivatives) -> Product:
    """Returns the product with the empirical Fisher matrix; arguments as of `hessian`."""

    def middle(batch_loss: AnyLoss, targets: Any, outputs: Any, moves: list[Array]) -> list[Array]:
        slopes = _slopes_of_examples(batch_loss, targets, outputs)
        # g_i'v, for each example.
        slopes_along = sum(_sum_of_each(slope * move) for slope, move in zip(slopes, moves, strict=True))
        return [slope * copies.along(slopes_along / ops.shape(slope)[0], slope) for slope in slopes]

    return _through_outputs(objective, training, derivatives, middle)


PRODUCTS: dict[CurvatureName, Callable[[Objective, bool, Derivatives], Product]] = {
    "hessian": hessian,
    "ggn": ggn,
    "fisher": fisher,
}


def _through_outputs(objective: Objective, training: bool, derivatives: Derivatives, middle: Middle) -> Product:
    """Returns the product with J' M J."""

    def product(weights: Weights, direction: Array, state: State, data: Data, indices: Array) -> Array:
        def run(point: Weights) -> tuple[Any, ...]:
            # Each pass draws the same noise.
            with backend.repeatable():
                return objective.outputs(point, state, data, indices, training)

        def flat_outputs(point: Weights) -> list[Array]:
            return keras.tree.flatten(run(point)[0])

        # A pass of its own, since tensors that pass through a derivative lose the masks that Keras attaches.
        outputs, targets, _ = run(weights)
        _, moves = derivatives.jvp(flat_outputs)(weights, unflatten(direction, weights))
        return flatten(backend.vjp(flat_outputs)(weights, middle(objective.batch_loss, targets, outputs, moves))[1])

    return product


def _slopes_of_examples(batch_loss: AnyLoss, targets: Any, outputs: Any) -> list[Array]:
    """Returns the gradient of each example's loss with respect to its outputs, shaped as the outputs."""

    def slopes(*example: Any) -> list[Array]:
        target, output, masks = keras.tree.map_structure(lambda a: ops.expand_dims(a, 0), example)
        loss = _loss_of_outputs(batch_loss, target, output, masks)
        return [slope[0] for slope in backend.value_and_grad(loss)(keras.tree.flatten(output))[1]]

    return backend.vectorize(slopes, (0, 0, 0))(targets, outputs, _masks(outputs))


def _loss_of_outputs(
    batch_loss: AnyLoss, targets: Any, outputs: Any, masks: Mapping[int, Array]
) -> Callable[[list[Array]], Array]:
    """Returns the mean loss as a function of the outputs, a list of tensors.

    Args:
        batch_loss: The loss.
        targets: Targets of the batch.
        outputs: Outputs, for their structure.
        masks: Their masks, by position; some may have none.
    """

    def loss(tensors: list[Array]) -> Array:
        # Copies, since Keras may attach to a softmax's own output the logits, and take the loss of these.
        tensors = [ops.copy(tensor) for tensor in tensors]
        for position, mask in masks.items():
            set_keras_mask(tensors[position], mask)
        return batch_loss.mean(targets, keras.tree.pack_sequence_as(outputs, tensors))

    return loss


def _masks(outputs: Any) -> dict[int, Array]:
    masks = {position: keras_mask(output) for position, output in enumerate(keras.tree.flatten(outputs))}
    return {position: mask for position, mask in masks.items() if mask is not None}


def _sum_of_each(array: Array) -> Array:
    """Returns the sum over all axes but the first."""
    rows = ops.reshape(array, (ops.shape(array)[0], -1))
    return ops.sum(ops.cast(rows, precision([array])), axis=1)
