"""Relative flatness of a layer (Petzka et al., arXiv:2001.00939)."""

from typing import Any

import keras
import numpy as np

from keras_sharpness.errors import require, require_count, require_options, require_seed
from keras_sharpness.measures.curvature import Curvature
from keras_sharpness.measures.hessian import Estimate
from keras_sharpness.measures.worst_case import standard_error
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.selection import select


def relative_flatness(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    layer: str | None = None,
    num_products: int = 30,
    seed: int = 0,
    **options: Any,
) -> Estimate:
    """Measures relative flatness of a layer (Petzka et al. 2021, arXiv:2001.00939, definition 3).

        kappa(W) = sum_{s, t} <w_s, w_t> trace(H_st)

    with w_s the weights into neuron s and H_st the block of the Hessian that belongs to w_s and w_t. It ignores
    rescalings of the layer. The sum is the trace of H (I x K'K) for the kernel K; the mean of <ZK, H ZK> over random
    signs Z estimates it without bias.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        layer: Name of the layer, or a pattern; its kernel is taken. None: the last kernel of two axes.
        num_products: Hessian-vector products to spend.
        seed: Seed of the signs.
        **options: Further arguments of `Curvature`: `examples`, `batch_size`, `training`, `normalize_logits`.

    Returns:
        The measure; `samples` are the single estimates.

    Raises:
        InputError: If there is no such layer, or it has no kernel of two axes.
    """
    require_seed(seed)
    require_count("num_products", num_products)
    require_options(options, ("examples", "batch_size", "training", "normalize_logits"))
    variable = _kernel(model, layer)
    curvature = Curvature(model, x, y, loss, select=lambda v: v is variable, **options)
    kernel = curvature.weights.reshape(tuple(variable.shape))
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(num_products, kernel.shape[0], kernel.shape[0]))
    probes = [(z @ kernel).ravel() for z in signs]
    samples = np.array([probe @ curvature.hessian(probe) for probe in probes])
    return Estimate(float(samples.mean()), standard_error(samples), samples)


def _kernel(model: keras.Model, layer: str | None) -> keras.Variable:
    chosen = select(model, "all" if layer is None else layer)
    variables = zip(model.trainable_variables, chosen, strict=True)
    kernels = [v for v, taken in variables if taken and len(v.shape) == 2]
    require(bool(kernels), "`layer` must have a kernel of two axes", layer=layer)
    return kernels[-1]
