"""How much each layer contributes to the worst-case rise."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.errors import require_options
from keras_sharpness.maximizers import Maximizer, restarts_of
from keras_sharpness.measures.grid import STEEPEST_ASCENT
from keras_sharpness.measures.sample import OPTIONS, masks, sample_cells
from keras_sharpness.measures.worst_case import climbs, from_path
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import values
from keras_sharpness.objective.selection import by_layer
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import Array, Cell, Data, State, Weights


def attribute(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    rho: float = 1e-4,
    norm: str = "linf",
    scaling: str = "adaptive",
    eta: float = 0.0,
    maximizer: Maximizer = STEEPEST_ASCENT,
    num_batches: int = 50,
    seed: int = 0,
    filters: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Attributes worst-case sharpness to layers, or to their filters.

    Two answers, which agree where the loss is nearly linear in the ball: the sharpness in the ball restricted to the
    layer, all other weights held; and the layer's share of the first-order rise <gradient, steepest step>.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        rho: Radius of the ball.
        norm: Norm of the ball.
        scaling: Scale of the ball.
        eta: Floor added to the scale.
        maximizer: How to climb.
        num_batches: Batches.
        seed: Seed of their draw.
        filters: Whether to give the first-order share of each filter (slice along the last axis of an array of two or
            more axes) instead of both answers for each layer.
        **options: Further arguments of `worst_case_sharpness`: `m`, `batches`, `training`, `examples`,
            `normalize_logits`, `batch_size`, `plan`, `distribution`.

    Returns:
        A row for each layer, columns layer, num_weights, sharpness, standard_error, first_order_share; or for each
        filter, columns weight, filter, first_order_share. Shares sum to one over all weights.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require_options(options, ("m", "batches", *OPTIONS))
    ball = Ball(rho=rho, norm=norm, scaling=scaling, eta=eta)
    cells = sample_cells(model, x, y, loss, num_batches=num_batches, seed=seed, draws=restarts_of(maximizer), **options)
    shares = _first_order_shares(model, cells, ball)
    if filters:
        return _by_filter(model, shares)
    climb, rows = climbs(cells, ball, maximizer), []
    for layer, chosen in by_layer(model).items():
        r = from_path(climb(*values(model), masks(model, chosen)).path, rho, {})
        mine = [v for v, taken in zip(model.trainable_variables, chosen, strict=True) if taken]
        share = sum(s.sum() for s, taken in zip(shares, chosen, strict=True) if taken)
        size = sum(int(np.prod(v.shape)) for v in mine)
        found = {"sharpness": r.value, "standard_error": r.standard_error}
        rows.append({"layer": layer, "num_weights": size, **found, "first_order_share": share})
    return pd.DataFrame(rows)


def _first_order_shares(model: keras.Model, cells: Any, ball: Ball) -> list[np.ndarray]:
    """Returns each weight's share of <gradient, steepest step>, averaged over the batches; all sum to one."""

    def block(weights: Weights, state: State, data: Data, cell: Cell) -> list[Array]:
        region = ball.around(weights)
        _, gradients = cells.values_and_gradients(weights, state, data, cells.zeros(weights), cell)
        rises = backend.vectorize(lambda g: tree.multiply(g, region.steepest(g)), in_axes=(0,))
        return rises(gradients)

    rises = [rise.astype(np.float64).mean(axis=(0, 1)) for rise in cells.compile(block)(*values(model))]
    total = sum(rise.sum() for rise in rises)
    return [rise / total if total else rise for rise in rises]


def _by_filter(model: keras.Model, shares: list[np.ndarray]) -> pd.DataFrame:
    rows = []
    for variable, share in zip(model.trainable_variables, shares, strict=True):
        if share.ndim > 1:
            of_filters = share.sum(axis=tuple(range(share.ndim - 1)))
            rows += [{"weight": variable.path, "filter": k, "first_order_share": s} for k, s in enumerate(of_filters)]
    return pd.DataFrame(rows)
