"""The Fisher-Rao norm (Liang et al., arXiv:1711.01530)."""

from collections.abc import Callable
from typing import Any, Unpack

import keras
import numpy as np

from keras_sharpness.arrays import tree
from keras_sharpness.errors import require_count, require_seed
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.measures.estimate import Estimate
from keras_sharpness.measures.sample import DataArguments, Sample
from keras_sharpness.measures.streaming import in_order, single_examples
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.statistics import standard_error
from keras_sharpness.typing import Array, Block, Data, State, Weights


def fisher_rao_norm(
    model: keras.Model | Sample,
    x: Any = None,
    y: Any = None,
    loss: LossLike = None,
    num_examples: int | None = None,
    seed: int = 0,
    **data: Unpack[DataArguments],
) -> Estimate:
    """Measures the Fisher-Rao norm ||w||_fr^2 = E[ <w, gradient of l(w)>^2 ] (arXiv:1711.01530, definition 2).

    The expectation is over examples, l the loss of one. Costs a gradient for each.

    Args:
        model: Built Keras model, or a `Sample` in place of model and data.
        x: Inputs; see `Sample`.
        y: Targets; see `Sample`.
        loss: The loss; None takes the compiled one.
        num_examples: Examples to average over, drawn without replacement; None: all.
        seed: Seed of the draw.
        **data: `examples`, `training`, `select`, `normalize_logits`, `regularization`, `sample_weight`, `class_weight`,
            `plan`, `distribution`, `progress`; see `Sample`.

    Returns:
        The squared norm; `samples` has an entry for each example. The standard error is that of the draw.

    Raises:
        InputError: If an argument is out of range or does not fit the others.
    """
    require_seed(seed)
    sample = Sample.of(model, x, y, loss, data, DataArguments, m=None)
    chosen = sample.examples
    if num_examples is not None:
        require_count("num_examples", num_examples)
        chosen = np.random.default_rng(seed).permutation(chosen)[:num_examples]

    def make(evaluation: Evaluation) -> Callable[..., Array]:
        def slopes(weights: Weights, state: State, data: Data, block: Block, mask: Weights | None) -> Array:
            _, gradients = evaluation.values_and_gradients(weights, state, data, evaluation.zeros(weights), block)
            direction = weights if mask is None else tree.multiply(weights, mask)
            return evaluation.for_each(lambda gradient: tree.vdot(direction, gradient))(gradients)

        return slopes

    parts = single_examples(sample, chosen)
    slopes = [grid.compile(make, ("fisher_rao",))(*sample.values(), sample.mask())[:, 0] for grid in parts]
    samples = in_order(slopes, chosen, sample).astype(np.float64) ** 2
    return Estimate(float(samples.mean()), standard_error(samples), samples)
