"""Worst-case sharpness for several radii and batch sizes in one call."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import keras
from numpy.typing import ArrayLike

from keras_sharpness.errors import require
from keras_sharpness.maximizers import Maximizer, check_maximizer, num_starts
from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.measures.climbing import climbs
from keras_sharpness.measures.directions import STEEPEST_ASCENT
from keras_sharpness.measures.readable import Readable, interval
from keras_sharpness.measures.resolution import warn_of_rounding
from keras_sharpness.measures.sample import DataArguments, Sample
from keras_sharpness.measures.worst_case import WorstCaseSharpness, from_climb
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import NormName, ScalingName

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SharpnessGrid(Readable):
    """Sharpness for each radius and batch size.

    Attributes:
        table: A row for each pair, columns rho, m, sharpness, standard_error, error_rise, last_gain, radius_used,
            radius_share, single_step_ratio, remaining, settled; see `Diagnostics`.
    """

    table: "pd.DataFrame"

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        pairs, settled = len(self.table), int(self.table["settled"].sum())
        return {"sharpness": interval(self.table["sharpness"]), "pairs": str(pairs), "settled": f"{settled} of {pairs}"}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`, which is a copy of `table`."""
        return {name: self.table[name].to_numpy() for name in self.table}

    def plot(self) -> "Figure":
        """Returns a figure of sharpness against rho, a line for each m."""
        from keras_sharpness.measures import plots

        return plots.sharpness_against_rho(self.table)


def sharpness_grid(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    rhos: Sequence[float] = (1e-4, 1e-3, 1e-2),
    ms: Sequence[int | None] = (64,),
    norm: NormName = "linf",
    scaling: ScalingName = "adaptive",
    eta: float = 0.0,
    maximizer: Maximizer = STEEPEST_ASCENT,
    num_batches: int = 50,
    seed: int = 0,
    **data: Unpack[DataArguments],
) -> SharpnessGrid:
    """Measures worst-case sharpness for every pair of a radius and a batch size.

    Each batch size is compiled once; a further radius costs its ascents only.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        rhos: Radii.
        ms: Batch sizes; None among them: one batch of all examples.
        norm: Norm of the ball.
        scaling: Scale of the ball.
        eta: Floor added to the scale.
        maximizer: How to climb. Steps whose length is a share of the radius suit all of them.
        num_batches: Batches for each m.
        seed: Seed of the draws.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`, `plan`, `distribution`, `progress`; see `Sample`.

    Returns:
        The measurements.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    import pandas as pd

    sequences = isinstance(rhos, Iterable) and isinstance(ms, Iterable)
    require(sequences, "`rhos` and `ms` must be sequences, such as [0.01]", rhos=rhos, ms=ms)
    rhos, ms = tuple(rhos), tuple(ms)
    require(len(rhos) > 0 and len(ms) > 0, "`rhos` and `ms` must not be empty", rhos=rhos, ms=ms)
    balls = [Ball(rho=rho, norm=norm, scaling=scaling, eta=eta) for rho in rhos]
    draws = num_starts(check_maximizer(maximizer))
    sample, rows = Sample.of(model, x, y, loss, data, DataArguments, m=None), []
    warn_of_rounding(sample, min(balls, key=lambda ball: ball.rho))
    for m in ms:
        of_size = sample.whole() if m is None else _drawn(sample, m, num_batches, seed)
        climb = climbs(of_size.grid(draws), balls[0], maximizer)
        for ball in balls:
            found = from_climb(climb(*of_size.values(), of_size.mask(), ball.rho), ball.rho, {})
            rows.append({"rho": ball.rho, "m": of_size.batches.shape[1], **_row(found)})
    return SharpnessGrid(pd.DataFrame(rows))


def _drawn(sample: Sample, m: int, num_batches: int, seed: int) -> Sample:
    return sample.with_batches(draw_batches(sample.examples, m, num_batches, seed), seed=seed)


def _row(r: WorstCaseSharpness) -> dict[str, float]:
    convergence = {name: mean for name, mean in r.diagnostics.means().items() if name != "restart_gap"}
    found = {"sharpness": r.value, "standard_error": r.standard_error, "error_rise": r.error_rise}
    return found | convergence | {"settled": r.settled}
