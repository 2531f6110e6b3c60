"""Norm of the gradient, dual to that of a ball."""

from typing import Any

import keras
import numpy as np

from keras_sharpness.errors import require, require_options
from keras_sharpness.measures.curvature import OPTIONS, Curvature
from keras_sharpness.objective.losses import LossLike

DUALS = {"linf": 1, "l2": 2, "l1": np.inf}


def gradient_norm(
    model: keras.Model, x: Any, y: Any = None, loss: LossLike = None, norm: str = "l2", **options: Any
) -> float:
    """Measures ||c * gradient||_q of the mean loss, q dual to the norm of a ball.

    rho times it is the worst-case sharpness of the loss's linearization in the ball of that norm (arXiv:2010.01412,
    equation 2). Costs one gradient over all examples.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        norm: Norm of the ball: "linf" (q = 1), "l2" (q = 2) or "l1" (q = infinity).
        **options: Further arguments of `Curvature`: `scaling` ("none" by default), `eta`, `examples`, `batch_size`,
            `select`, `training`, `normalize_logits`.

    Returns:
        The norm.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require(norm in DUALS, f"`norm` must be one of {', '.join(DUALS)}", norm=norm)
    require_options(options, OPTIONS)
    return float(np.linalg.norm(Curvature(model, x, y, loss, **options).gradient()[1], DUALS[norm]))
