"""How much each layer contributes to the worst-case rise."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np

from keras_sharpness.arrays import tree
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.maximizers import Maximizer, check_maximizer, num_starts
from keras_sharpness.measures.climbing import climbs
from keras_sharpness.measures.directions import STEEPEST_ASCENT
from keras_sharpness.measures.resolution import warn_of_rounding
from keras_sharpness.measures.sample import Sample, SampleArguments, masks
from keras_sharpness.measures.worst_case import from_climb
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.selection import by_layer, select
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, Block, Data, NormName, ScalingName, State, Weights

if TYPE_CHECKING:
    import pandas as pd


def attribute(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    rho: float = 1e-4,
    norm: NormName = "linf",
    scaling: ScalingName = "adaptive",
    eta: float = 0.0,
    maximizer: Maximizer = STEEPEST_ASCENT,
    filters: bool = False,
    **sample: Unpack[SampleArguments],
) -> "pd.DataFrame":
    """Attributes worst-case sharpness to layers, or to their filters.

    Two answers, which agree where the loss is nearly linear in the ball: the sharpness in the ball restricted to the
    layer, all other weights held; and the layer's share of the first-order rise <gradient, steepest step>.

    Args:
        model: Built Keras model, or a `Sample` in place of model, data and batches.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        rho: Radius of the ball.
        norm: Norm of the ball.
        scaling: Scale of the ball.
        eta: Floor added to the scale.
        maximizer: How to climb.
        filters: Whether to give the first-order share of each filter (slice along the last axis of an array of two or
            more axes) instead of both answers for each layer.
        **sample: `m`, `num_batches`, `seed`, `batches`, `examples`, `training`, `select`, `normalize_logits`,
            `regularization`, `sample_weight`, `class_weight`, `batch_size`, `plan`, `distribution`, `progress`; see
            `Sample`.

    Returns:
        A row for each layer, columns layer, num_weights, sharpness, standard_error, first_order_share; or for each
        filter, columns weight, filter, first_order_share. Shares sum to one over the weights that move; rows of others
        are left out.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    ball = Ball(rho=rho, norm=norm, scaling=scaling, eta=eta)
    check_maximizer(maximizer)
    work = Sample.of(model, x, y, loss, sample)
    warn_of_rounding(work, ball)
    shares = _first_order_shares(work, ball)
    return _by_filter(work, shares) if filters else _by_layer(work, ball, maximizer, shares)


def _by_layer(sample: Sample, ball: Ball, maximizer: Maximizer, shares: list[np.ndarray]) -> "pd.DataFrame":
    import pandas as pd

    climb, moves, rows = climbs(sample.grid(num_starts(maximizer)), ball, maximizer), _moves(sample), []
    for layer, members in by_layer(sample.model).items():
        chosen = [of_layer and moving for of_layer, moving in zip(members, moves, strict=True)]
        if not any(chosen):
            continue
        r = from_climb(climb(*sample.values(), masks(sample.model, chosen)), ball.rho, {})
        size = sum(share.size for share, taken in zip(shares, chosen, strict=True) if taken)
        share = sum(share.sum() for share, taken in zip(shares, chosen, strict=True) if taken)
        found = {"sharpness": r.value, "standard_error": r.standard_error}
        rows.append({"layer": layer, "num_weights": size, **found, "first_order_share": share})
    return pd.DataFrame(rows)


def _first_order_shares(sample: Sample, ball: Ball) -> list[np.ndarray]:
    """Returns each weight's share of <gradient, steepest step>, averaged over the batches; all sum to one."""

    def make(evaluation: Evaluation) -> Callable[..., list[Array]]:
        def rises(weights: Weights, state: State, data: Data, block: Block, mask: Weights | None) -> list[Array]:
            region = ball.around(weights, mask)
            _, gradients = evaluation.values_and_gradients(weights, state, data, evaluation.zeros(weights), block)
            return evaluation.for_each(lambda g: tree.multiply(g, region.steepest(g)))(gradients)

        return rises

    run = sample.grid().compile(make, ("first_order_shares", ball))
    rises = [rise.astype(np.float64).mean(axis=(0, 1)) for rise in run(*sample.values(), sample.mask())]
    total = sum(rise.sum() for rise in rises)
    return [rise / total if total else rise for rise in rises]


def _by_filter(sample: Sample, shares: list[np.ndarray]) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for variable, share, moves in zip(sample.model.trainable_variables, shares, _moves(sample), strict=True):
        if share.ndim > 1 and moves:
            of_filters = share.sum(axis=tuple(range(share.ndim - 1)))
            rows += [{"weight": variable.path, "filter": k, "first_order_share": s} for k, s in enumerate(of_filters)]
    return pd.DataFrame(rows)


def _moves(sample: Sample) -> list[bool]:
    return select(sample.model, sample.select)
