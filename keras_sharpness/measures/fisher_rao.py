"""The Fisher-Rao norm (Liang et al., arXiv:1711.01530)."""

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.errors import require_count, require_seed
from keras_sharpness.measures.batches import check_indices
from keras_sharpness.measures.hessian import Estimate
from keras_sharpness.measures.sample import mask, sample_cells
from keras_sharpness.measures.worst_case import standard_error
from keras_sharpness.objective.inputs import count, to_arrays
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import values
from keras_sharpness.objective.selection import Selection
from keras_sharpness.typing import Array, Cell, Data, State, Weights


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
