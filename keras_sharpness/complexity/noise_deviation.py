"""The deviation sigma of Gaussian noise on the weights at which the mean training accuracy has fallen by 0.1."""

import math
from collections.abc import Callable

import numpy as np
from keras import ops

from keras_sharpness.arrays import noise, tree
from keras_sharpness.complexity.crossing import Crossing, find_crossing
from keras_sharpness.complexity.quality import TARGET, quality_of
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.measures.sample import Sample
from keras_sharpness.typing import Array, Block, Data, State, Weights

FLOOR = 1e-3
"""The least deviation of magnitude-aware noise, epsilon (Jiang et al. 2020)."""
# Perturbations that the mean is taken over, at least; batches have their own.
LEAST_PERTURBATIONS = 100
START = 2.0**-6


def noise_deviation(sample: Sample, magnitude: bool, seed: int = 0) -> Crossing:
    """Finds sigma with E_S E_u [accuracy(w) - accuracy(w + u)] = 0.1, over the batches S of a sample.

    The entries of u are independent and normal. Their deviation is sigma or, aware of magnitudes,
    sqrt(sigma^2 w_i^2 + epsilon^2). Pairs u, -u and the same noise for all sigma keep the error of the mean small. For
    a regression, R^2 takes the place of accuracy. Costs 100 forward passes on m examples, or two on each batch if these
    are more than 50, for each sigma that is tried, about 5 of them.

    Args:
        sample: Model, loss and batches; batch normalization folded.
        magnitude: Whether the deviation grows with the weight.
        seed: Seed of the noise, which is the same on every backend.

    Returns:
        The deviation sigma.

    Raises:
        InputError: If the loss has no accuracy and no R^2.
    """
    quality = quality_of(sample)
    pairs = math.ceil(LEAST_PERTURBATIONS / (2 * len(sample.batches)))
    run = sample.grid(2 * pairs).compile(_make(magnitude, seed), ("noise deviation", magnitude, seed))

    def means(sigma: float, amount: float) -> np.ndarray:
        found = run(*sample.values(), np.float32(sigma), np.float32(amount))
        return np.stack([values.astype(np.float64).mean(axis=1) for values in found])

    unperturbed = means(1.0, amount=0.0)

    def fall(sigma: float) -> np.ndarray:
        return quality.fall(*means(sigma, amount=1.0) - unperturbed)

    return find_crossing(fall, TARGET, START)


def _make(magnitude: bool, seed: int) -> Callable[[Evaluation], Callable[..., tuple[Array, ...]]]:
    def make(evaluation: Evaluation) -> Callable[..., tuple[Array, ...]]:
        def values(
            weights: Weights, state: State, data: Data, block: Block, sigma: Array, amount: Array
        ) -> tuple[Array, ...]:
            deviations = tree.scale(amount, [_deviation(w, sigma, magnitude) for w in weights])
            draw = evaluation.for_each(lambda batch, draw: _draw(deviations, seed, batch, draw))
            return tuple(evaluation.values(weights, state, data, draw(block["batch"], block["draw"]), block))

        return values

    return make


def _deviation(weight: Array, sigma: Array, magnitude: bool) -> Array:
    """Returns the standard deviation of the noise on each entry: a deviation, never a variance."""
    sigma = ops.cast(sigma, weight.dtype)
    if not magnitude:
        return sigma * ops.ones_like(weight)
    return ops.sqrt(ops.square(sigma * weight) + FLOOR**2)


def _draw(deviations: Weights, seed: int, batch: Array, draw: Array) -> Weights:
    """Returns the noise of a draw; draws 0 and 1, 2 and 3 and so on differ by their sign."""
    drawn = [noise.normal(d.shape, seed, batch, draw // 2, k) for k, d in enumerate(deviations)]
    sign = ops.cast(1 - 2 * (draw % 2), "float32")
    return tree.scale(sign, tree.multiply(deviations, tree.cast_like(drawn, deviations)))
