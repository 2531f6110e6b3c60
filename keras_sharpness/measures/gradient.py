"""Norm of the gradient, dual to that of a ball."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Unpack

import keras
import numpy as np

from keras_sharpness.arrays import tree
from keras_sharpness.errors import require
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.execution.grid import Grid
from keras_sharpness.measures.mean_loss import MeanLoss
from keras_sharpness.measures.sample import LossArguments, Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, Block, Data, NormName, ScalingName, State, Weights

DUALS = {"linf": 1, "l2": 2, "l1": np.inf}


def gradient_norm(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    norm: NormName = "l2",
    scaling: ScalingName = "none",
    eta: float = 0.0,
    **data: Unpack[LossArguments],
) -> float:
    """Measures ||c * gradient||_q of the mean loss, q dual to the norm of a ball.

    rho times it is the worst-case sharpness of the loss's linearization in the ball of that norm (arXiv:2010.01412,
    equation 2). Costs one gradient over all examples.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        norm: Norm of the ball: "linf" (q = 1), "l2" (q = 2) or "l1" (q = infinity).
        scaling: Scale c of the ball.
        eta: Floor added to the scale.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`, `progress`; see `Sample`.

    Returns:
        The norm.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require(norm in DUALS, f"`norm` must be one of {', '.join(DUALS)}", norm=norm)
    sample = Sample.of(model, x, y, loss, data, LossArguments, m=None)
    return float(np.linalg.norm(MeanLoss(sample, scaling, eta).gradient()[1], DUALS[norm]))


def batch_gradient_norms(grid: Grid, ball: Ball) -> Callable[[Iterable[tuple[Weights, State]]], Iterator[np.ndarray]]:
    """Compiles ||c * gradient of L_S||_q of each batch S of a grid.

    rho times their mean is the worst-case sharpness to first order. Costs one gradient of each batch.

    Args:
        grid: The loss and the batches.
        ball: The set of perturbations; its radius does not matter.

    Returns:
        A function from the (weights, state) of models to an iterator of their norms, shape (num_batches,).
    """

    def make(evaluation: Evaluation) -> Callable[..., Array]:
        def norms(weights: Weights, state: State, data: Data, block: Block) -> Array:
            region, start = ball.around(weights, rho=1.0), evaluation.zeros(weights)
            _, gradients = evaluation.values_and_gradients(weights, state, data, start, block)
            # The dual norm is the product with the steepest direction.
            return evaluation.for_each(lambda gradient: tree.vdot(region.steepest(gradient), gradient))(gradients)

        return norms

    run = grid.compile(make, ("gradient norms", ball.norm, ball.scaling, ball.eta))
    return lambda models: (found[:, 0] for found in run.over(models))
