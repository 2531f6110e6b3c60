"""Relative flatness of a layer (Petzka et al., arXiv:2001.00939)."""

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count, require_seed
from keras_sharpness.measures.estimate import Estimate
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.selection import select
from keras_sharpness.statistics import standard_error
from keras_sharpness.typing import DerivativesName


class LayerArguments(TypedDict, total=False):
    """Arguments of `Sample` for a measure of one layer; documented there."""

    examples: ArrayLike | None
    training: bool
    normalize_logits: bool
    batch_size: int | None
    sample_weight: Any
    class_weight: Mapping[int, float] | None
    regularization: bool
    derivatives: DerivativesName


def relative_flatness(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    layer: str | None = None,
    num_products: int = 30,
    seed: int = 0,
    **data: Unpack[LayerArguments],
) -> Estimate:
    """Measures relative flatness of a layer (Petzka et al. 2021, arXiv:2001.00939, definition 3).

        kappa(W) = sum_{s, t} <w_s, w_t> trace(H_st)

    with w_s the weights into neuron s and H_st the block of the Hessian that belongs to w_s and w_t. It ignores
    rescalings of the layer. The sum is the trace of H (I x K'K) for the kernel K; the mean of <ZK, H ZK> over random
    signs Z estimates it without bias.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        layer: Name of the layer, or a pattern; its kernel is taken. None: the last kernel of two axes.
        num_products: Hessian-vector products to spend.
        seed: Seed of the signs.
        **data: `examples`, `training`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `batch_size`; see `Sample`. `derivatives`; see `hessian.operator`.

    Returns:
        The measure; `samples` are the single estimates.

    Raises:
        InputError: If there is no such layer, or it has no kernel of two axes.
    """
    require_seed(seed)
    require_count("num_products", num_products)
    derivatives = data.pop("derivatives", "exact")
    sample = Sample.of(model, x, y, loss, data, LayerArguments, m=None)
    variable = _kernel(sample.model, layer)
    from keras_sharpness.measures.curvature import CurvatureOperator

    matrix = CurvatureOperator(sample.with_selection(lambda v: v is variable), derivatives=derivatives)
    kernel = matrix.mean_loss.weights.reshape(tuple(variable.shape))
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(num_products, kernel.shape[0], kernel.shape[0]))
    probes = [(z @ kernel).ravel() for z in signs]
    samples = np.array([probe @ matrix.matvec(probe) for probe in probes])
    return Estimate(float(samples.mean()), standard_error(samples), samples)


def _kernel(model: keras.Model, layer: str | None) -> keras.Variable:
    chosen = select(model, "all" if layer is None else layer)
    variables = zip(model.trainable_variables, chosen, strict=True)
    kernels = [v for v, taken in variables if taken and len(v.shape) == 2]
    require(bool(kernels), "`layer` must have a kernel of two axes", layer=layer)
    return kernels[-1]
