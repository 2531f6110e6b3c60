"""Measures made from first derivatives and norms: gradient norm, Fisher-Rao norm, relative flatness."""

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness import backend, tree
from keras_sharpness.errors import require, require_count, require_options, require_seed
from keras_sharpness.examples import count, to_arrays
from keras_sharpness.losses import LossLike
from keras_sharpness.measures.batches import check_indices
from keras_sharpness.measures.curvature import OPTIONS, Curvature
from keras_sharpness.measures.hessian import Estimate
from keras_sharpness.measures.sample import mask, sample_cells
from keras_sharpness.measures.worst_case import standard_error
from keras_sharpness.objective import values
from keras_sharpness.selection import Selection, select
from keras_sharpness.typing import Array, Cell, Data, State, Weights

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


def fisher_rao_norm(
    model: keras.Model,
    x: Any,
    y: Any = None,
    loss: LossLike = None,
    num_examples: int | None = None,
    seed: int = 0,
    examples: ArrayLike | None = None,
    select: Selection = "all",
    training: bool = False,
    normalize_logits: bool = False,
    plan: str | None = None,
    distribution: Any = None,
) -> Estimate:
    """Measures the Fisher-Rao norm ||w||_fr^2 = E[ <w, gradient of l(w)>^2 ] (arXiv:1711.01530, definition 2).

    The expectation is over examples, l the loss of one. Costs a gradient for each.

    Args:
        model: Built Keras model.
        x: Inputs; see `worst_case_sharpness`.
        y: Targets.
        loss: The loss; None takes the compiled one.
        num_examples: Examples to average over, drawn without replacement; None: all.
        seed: Seed of the draw.
        examples: Indices to draw from; None: all.
        select: Which weights count.
        training: Whether layers run in training mode.
        normalize_logits: Whether logits are normalized before the loss.
        plan: "vectorized" or "sequential"; None: the faster.
        distribution: Devices or processes to share out the work over; see `worst_case_sharpness`.

    Returns:
        The squared norm; `samples` has an entry for each example. The standard error is that of the draw.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require_seed(seed)
    x, y = to_arrays(x, y)
    num_all = count(x, y)
    chosen = np.arange(num_all) if examples is None else check_indices(examples, 1, num_all, "examples")
    if num_examples is not None:
        require_count("num_examples", num_examples)
        chosen = np.random.default_rng(seed).permutation(chosen)[:num_examples]
    options: dict[str, Any] = {"training": training, "normalize_logits": normalize_logits, "plan": plan}
    options["distribution"] = distribution
    cells = sample_cells(model, x, y, loss, batches=chosen[:, None], **options)

    def block(weights: Weights, state: State, data: Data, cell: Cell, mask: Weights | None) -> Array:
        _, gradients = cells.values_and_gradients(weights, state, data, cells.zeros(weights), cell)
        direction = weights if mask is None else tree.multiply(weights, mask)
        return backend.vectorize(lambda gradient: tree.vdot(direction, gradient), in_axes=(0,))(gradients)

    slopes = cells.compile(block)(*values(model), mask(model, select))
    samples = slopes[:, 0].astype(np.float64) ** 2
    return Estimate(float(samples.mean()), standard_error(samples), samples)


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
