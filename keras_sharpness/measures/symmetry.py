"""Whether second derivatives can be trusted: an operation may have a wrong one, or none at all."""

import contextlib
import logging
from collections.abc import Iterator

import keras
import numpy as np
from scipy.sparse.linalg import LinearOperator

from keras_sharpness.backend.internals import flatten_layers
from keras_sharpness.errors import InputError, reason
from keras_sharpness.execution.compiled import is_keras
from keras_sharpness.measures.resolution import SPACING, compute_dtypes

log = logging.getLogger(__name__)
# Relative to the size of a product; rounding in float32 leaves about 1e-6.
MOST_ASYMMETRY = 1e-3
# What TensorFlow and PyTorch say where an operation has no second derivative; the last of a custom gradient.
_MISSING = ("gradient registry has no entry", "is not implemented", "setup_context")


def check_symmetry(matrix: LinearOperator, model: keras.Model) -> None:
    """Tries two products, and warns if the matrix is not symmetric, as every second derivative is.

    Args:
        matrix: A matrix A of second derivatives.
        model: The model that it is of.

    Raises:
        InputError: If an operation of the model has no second derivative.
    """
    u, v = np.random.default_rng(0).normal(size=(2, matrix.shape[0]))
    with _in_one_line():
        of_u, of_v = matrix.matvec(u), matrix.matvec(v)
    # u'Av of a random u is about as large as Av.
    gap, size = abs(u @ of_v - v @ of_u), np.hypot(np.linalg.norm(of_u), np.linalg.norm(of_v))
    spacing = max(SPACING.get(dtype, 0.0) for dtype in compute_dtypes(model))
    if gap > max(MOST_ASYMMETRY, 16 * spacing) * size:
        log.warning(
            "the matrix is not symmetric, u'Av = %.4g and v'Au = %.4g: a layer's second derivative is wrong%s; "
            'derivatives="differences" does without it. At a loss near zero, all of it may be rounding',
            *(u @ of_v, v @ of_u, _suspects(model)),
        )


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except (LookupError, RuntimeError) as error:
        if not any(word in str(error) for word in _MISSING):
            raise
        raise InputError(
            'every operation must have a second derivative, or `derivatives` be "differences", which does without. '
            f"Received: {reason(error)}"
        ) from error


def _suspects(model: keras.Model) -> str:
    """Returns the names of layers that could be to blame: those that interpolate, and those that are not Keras's."""
    layers = [
        layer.name
        for layer in flatten_layers(model)
        if getattr(layer, "interpolation", "nearest") != "nearest" or not is_keras(type(layer))
    ]
    return f", perhaps of {', '.join(layers)}" if layers else ""
