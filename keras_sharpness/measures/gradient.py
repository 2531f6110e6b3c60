"""Norm of the gradient, dual to that of a ball."""

from typing import Any, Unpack

import keras
import numpy as np

from keras_sharpness.errors import require
from keras_sharpness.measures.mean_loss import MeanLoss
from keras_sharpness.measures.sample import LossArguments, Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.typing import NormName, ScalingName

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
            `batch_size`; see `Sample`.

    Returns:
        The norm.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require(norm in DUALS, f"`norm` must be one of {', '.join(DUALS)}", norm=norm)
    sample = Sample.of(model, x, y, loss, data, LossArguments, m=None)
    return float(np.linalg.norm(MeanLoss(sample, scaling, eta).gradient()[1], DUALS[norm]))
