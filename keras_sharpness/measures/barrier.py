"""The barrier between two models: how far the loss rises on the line between them (arXiv:1912.05671)."""

import dataclasses
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count
from keras_sharpness.measures.along import batch_losses
from keras_sharpness.measures.other_models import axis_to
from keras_sharpness.measures.readable import Readable, number, with_error
from keras_sharpness.measures.sample import Sample, SampleArguments
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.statistics import standard_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Barrier(Readable):
    """The loss on the line between two models.

    Attributes:
        positions: Shares alpha of the second model in the weights, from 0 to 1, shape (num_points,).
        losses: Loss of each batch at each, shape (num_batches, num_points).
        names: Names of the two models.
        config: Everything needed to repeat the measurement, JSON-ready.
    """

    positions: np.ndarray
    losses: np.ndarray
    names: tuple[str, str]
    config: dict[str, Any]

    @property
    def highest(self) -> float:
        """Position of the highest mean loss."""
        return float(self.positions[self._top])

    @property
    def rises(self) -> np.ndarray:
        """Loss of each batch minus the mean of its losses at the two models, shape (num_batches, num_points)."""
        losses = self.losses.astype(np.float64)
        return losses - losses[:, [0, -1]].mean(axis=1, keepdims=True)

    @property
    def per_batch(self) -> np.ndarray:
        """The rise of each batch at `highest`, shape (num_batches,)."""
        return self.rises[:, self._top]

    @property
    def value(self) -> float:
        """Mean of `per_batch`: the barrier."""
        return float(self.per_batch.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of `value` over the batches, at the position where their mean is highest."""
        return standard_error(self.per_batch)

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        shown = {"value": with_error(self.value, self.standard_error), "highest": number(self.highest)}
        return shown | {"between": " and ".join(self.names), "batches": str(len(self.losses))}

    def columns(self) -> dict[str, ArrayLike]:
        """Returns the columns of `to_frame`: a row for each point, with the standard error of the rise there."""
        loss, rises = self.losses.mean(axis=0, dtype=np.float64), self.rises
        errors = [standard_error(rise) for rise in rises.T]
        return {"position": self.positions, "loss": loss, "rise": rises.mean(axis=0), "standard_error": errors}

    def plot(self) -> "Figure":
        """Returns a figure of the loss between the models, with the barrier."""
        from keras_sharpness.measures import plots

        text = f"barrier {with_error(self.value, self.standard_error)}"
        return plots.barrier(self.to_frame(), self._top, self.names, text)

    @property
    def _top(self) -> int:
        return int(self.losses.mean(axis=0, dtype=np.float64).argmax())


def barrier(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    *,
    other: keras.Model,
    num_points: int = 31,
    **sample: Unpack[SampleArguments],
) -> Barrier:
    """Measures the barrier on the line between two models of one architecture.

        max over alpha in [0, 1] of L(w_alpha)  -  (L(w_0) + L(w_1)) / 2,    w_alpha = (1 - alpha) w_0 + alpha w_1

    as in arXiv:1912.05671, section 2, with the loss in place of the error. The ends are points of the line: between
    models of different loss, the barrier is at least half of the difference. It costs num_points * num_batches forward
    passes on m examples; all points see the same batches. The models are left as they were.

    Non-trainable variables, such as the statistics of batch normalization, are interpolated as the weights are: each
    model has its own at its own end. `training=True` takes the statistics of each batch instead, at every point.

    Args:
        model: Built Keras model, or a `Sample` in place of model, data and batches.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        other: The other model.
        num_points: Points, the two models among them.
        **sample: `m`, `num_batches`, `seed`, `batches`, `examples`, `training`, `select`, `normalize_logits`,
            `regularization`, `sample_weight`, `class_weight`, `batch_size`, `plan`, `distribution`, `progress`; see
            `Sample`. `m=None` takes all examples once, and has no standard error.

    Returns:
        The measurement.

    Raises:
        InputError: If an argument is out of range or does not fit the others, or the models are of different
            architectures.
    """
    require_count("num_points", num_points)
    require(num_points >= 3, "`num_points` must be at least 3", num_points=num_points)
    work = Sample.of(model, x, y, loss, sample)
    positions = np.linspace(0, 1, num_points)
    losses = batch_losses(work, [axis_to(other, work)], positions[:, None])
    names = (work.model.name, other.name)
    config = work.describe("landscape.barrier", other=other.name, num_points=num_points)
    return Barrier(positions, losses, names, config)
