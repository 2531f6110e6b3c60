"""The sharpness of Keskar et al. (arXiv:1609.04836, metric 2.1, in the full space)."""

import dataclasses
from typing import Any, Unpack

import keras

from keras_sharpness.errors import require_positive
from keras_sharpness.maximizers import APGD, Maximizer, check_maximizer
from keras_sharpness.measures.readable import Readable, number
from keras_sharpness.measures.sample import DataArguments, Sample
from keras_sharpness.measures.worst_case import WorstCaseSharpness, worst_case
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class KeskarSharpness(Readable):
    """The rise of the loss in the box, relative to the loss.

    Attributes:
        value: 100 (max L(w + delta) - L(w)) / (1 + L(w)), a percentage.
        ascent: The ascent behind it.
    """

    value: float
    ascent: WorstCaseSharpness

    def summary(self) -> dict[str, str]:
        """Returns what is shown of it."""
        return {"value": f"{number(self.value)} %"} | {k: v for k, v in self.ascent.summary().items() if k == "ascent"}


def keskar_sharpness(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    epsilon: float = 1e-3,
    maximizer: Maximizer = APGD(num_steps=20),  # noqa: B008 (frozen)
    **data: Unpack[DataArguments],
) -> KeskarSharpness:
    """Measures 100 (max_{|delta_i| <= epsilon (|w_i| + 1)} L(w + delta) - L(w)) / (1 + L(w)), L over all examples.

    Its authors climb with ten iterations of L-BFGS-B; steepest ascent with momentum finds the same corner of a small
    box.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        epsilon: Size of the box; the paper takes 1e-3 and 5e-4.
        maximizer: How to climb.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`, `plan`, `distribution`, `progress`; see `Sample`.

    Returns:
        The measurement.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require_positive("epsilon", epsilon)
    check_maximizer(maximizer)
    sample = Sample.of(model, x, y, loss, data, DataArguments, m=None).whole()
    r = worst_case(sample, Ball(rho=epsilon, norm="linf", scaling="adaptive", eta=1.0), maximizer)
    r.diagnostics.warn()
    return KeskarSharpness(100 * r.value / (1 + float(r.losses[0, 0])), r)
