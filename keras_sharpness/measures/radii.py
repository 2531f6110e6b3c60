"""Worst-case sharpness for several radii and batch sizes in one call."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import pandas as pd
from matplotlib.figure import Figure

from keras_sharpness.errors import require, require_options
from keras_sharpness.maximizers import PGA, Maximizer, restarts_of
from keras_sharpness.measures import plots
from keras_sharpness.measures.sample import OPTIONS, mask, sample_cells
from keras_sharpness.measures.worst_case import climbs, from_path
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import values
from keras_sharpness.objective.selection import Selection
from keras_sharpness.perturbations import Ball

STEEPEST_ASCENT = PGA(num_steps=10, step_size=0.5, direction="steepest")


@dataclasses.dataclass(frozen=True, eq=False)
class SharpnessGrid:
    """Sharpness for each radius and batch size.

    Attributes:
        table: A row for each pair, columns rho, m, sharpness, standard_error, error_rise, last_gain, radius_used.
    """

    table: pd.DataFrame

    def plot(self) -> Figure:
        """Returns a figure of sharpness against rho, a line for each m."""
        return plots.sharpness_against_rho(self.table)


def sharpness_grid(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    rhos: Sequence[float] = (1e-4, 1e-3, 1e-2),
    ms: Sequence[int | None] = (64,),
    norm: str = "linf",
    scaling: str = "adaptive",
    eta: float = 0.0,
    maximizer: Maximizer = STEEPEST_ASCENT,
    num_batches: int = 50,
    seed: int = 0,
    select: Selection = "all",
    **options: Any,
) -> SharpnessGrid:
    """Measures worst-case m-sharpness for every pair of a radius and a batch size.

    The ascent is compiled once for each batch size. All radii climb on the same batches.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        rhos: Radii.
        ms: Batch sizes; None among them: one batch of all examples.
        norm: Norm of the ball.
        scaling: Scale of the ball.
        eta: Floor added to the scale.
        maximizer: How to climb. Steps whose length is a share of the radius suit all of them.
        num_batches: Batches for each m.
        seed: Seed of the draws.
        select: Which weights move.
        **options: Further arguments of `worst_case_sharpness`: `training`, `examples`, `normalize_logits`,
            `batch_size`, `plan`, `distribution`.

    Returns:
        The measurements.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require_options(options, OPTIONS)
    require(len(rhos) > 0 and len(ms) > 0, "`rhos` and `ms` must not be empty", rhos=rhos, ms=ms)
    balls = [Ball(rho=rho, norm=norm, scaling=scaling, eta=eta) for rho in rhos]
    draws = restarts_of(maximizer)
    moves, rows = mask(model, select), []
    for m in ms:
        cells = sample_cells(model, x, y, loss, m=m, num_batches=num_batches, seed=seed, draws=draws, **options)
        climb = climbs(cells, balls[0], maximizer)
        for ball in balls:
            r = from_path(climb(*values(model), moves, ball.rho).path, ball.rho, {})
            settled = {"last_gain": r.diagnostics.last_gain.mean(), "radius_used": r.diagnostics.radius_used.mean()}
            found = {"sharpness": r.value, "standard_error": r.standard_error, "error_rise": r.error_rise}
            rows.append({"rho": ball.rho, "m": cells.batches.shape[1], **found, **settled})
    return SharpnessGrid(pd.DataFrame(rows))
