"""Critical sharpness: the curvature along an update direction (arXiv:2601.16979)."""

import dataclasses
from typing import Any, Unpack

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import InputError, require, require_positive
from keras_sharpness.measures.mean_loss import MeanLoss
from keras_sharpness.measures.readable import Readable, number
from keras_sharpness.measures.sample import LossArguments, Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.typing import ScalingName


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CriticalSharpness(Readable):
    """The largest learning rate that still lowers the loss, as a curvature.

    Attributes:
        value: 2 / critical_rate.
        critical_rate: Smallest learning rate at which a step raises the loss.
        evaluations: Forward passes over all examples.
    """

    value: float
    critical_rate: float
    evaluations: int

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        rate = number(self.critical_rate)
        return {"value": number(self.value), "critical_rate": rate, "evaluations": str(self.evaluations)}


def critical_sharpness(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    direction: list[ArrayLike] | None = None,
    first_rate: float = 0.1,
    tolerance: float = 0.01,
    scaling: ScalingName = "none",
    eta: float = 0.0,
    **data: Unpack[LossArguments],
) -> CriticalSharpness:
    """Measures lambda_c = 2 / t_c, t_c the smallest t > 0 with L(w - t * direction) > L(w).

    t is doubled or halved until it lies within a factor of two of t_c, then found by bisection. On a quadratic loss and
    along the gradient g, lambda_c is g'Hg / g'g, at most the largest eigenvalue.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        direction: Update that a step subtracts, an array for each trainable weight; None: the gradient.
        first_rate: Where the search begins.
        tolerance: Relative accuracy of t_c.
        scaling: Scale D of the coordinates: the step is D times the update.
        eta: Floor added to the scale.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`, `progress`; see `Sample`.

    Returns:
        The measurement.

    Raises:
        InputError: If an argument is out of range, the loss does not fall along `direction`, or no rate between 1e-12
            and 1e12 is critical.
    """
    require_positive("first_rate", first_rate)
    require_positive("tolerance", tolerance)
    mean_loss = MeanLoss(Sample.of(model, x, y, loss, data, LossArguments, m=None), scaling, eta)
    start, gradient = mean_loss.gradient()
    update = gradient if direction is None else np.concatenate([np.ravel(a) for a in direction])
    require(update.shape == gradient.shape, "`direction` must have the size of the weights that move", size=update.size)
    # Uphill, rounding would decide where the loss first rises.
    slope = -float(gradient @ update)
    require(slope < 0, "the loss must fall for small steps along `direction`", slope=slope)
    evaluations = 1

    def rises(rate: float) -> bool:
        nonlocal evaluations
        evaluations += 1
        # A loss that is not a number counts as risen.
        return not mean_loss.loss(-rate * update) <= start

    low, high = _bracket(rises, first_rate)
    while high > low * (1 + tolerance):
        middle = np.sqrt(low * high)
        low, high = (low, middle) if rises(middle) else (middle, high)
    return CriticalSharpness(float(2 / high), float(high), evaluations)


def _bracket(rises: Any, rate: float) -> tuple[float, float]:
    """Returns two rates, one twice the other, between which the loss begins to rise.

    Args:
        rises: Whether a step of a rate raises the loss.
        rate: Where to begin.

    Raises:
        InputError: If there are none.
    """
    up = not rises(rate)
    while 1e-12 < rate < 1e12:
        following = rate * 2 if up else rate / 2
        if rises(following) == up:
            return min(rate, following), max(rate, following)
        rate = following
    raise InputError("the loss must fall for small steps along `direction` and rise for large ones. Received: neither")
