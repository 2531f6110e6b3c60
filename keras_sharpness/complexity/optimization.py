"""Measures of the training: how long it took, and how noisy its gradient was (Jiang et al. 2020, appendix C)."""

import math
import weakref
from collections.abc import Callable

import numpy as np
from keras import ops

from keras_sharpness.complexity.definition import Value
from keras_sharpness.complexity.trained_model import TrainedModel
from keras_sharpness.errors import require
from keras_sharpness.execution.plan import EVALUATION_BATCH
from keras_sharpness.measures.gradient import batch_gradient_norms
from keras_sharpness.measures.sample import Sample
from keras_sharpness.perturbations import Ball
from keras_sharpness.statistics import standard_error
from keras_sharpness.typing import State, Weights

# All batches of a sample as one, kept with what is compiled of them.
_pooled: "weakref.WeakKeyDictionary[Sample, Sample]" = weakref.WeakKeyDictionary()


def steps_to(loss: float) -> Callable[[TrainedModel], float]:
    """Returns the measure of the steps until the first epoch whose training loss is a given one or less.

    Steps are updates of the weights, or epochs where the batch size is not known. NaN if no epoch was as good.

    Args:
        loss: The loss.
    """
    return lambda trained: _first_epoch(trained, loss) * _updates(trained)


def steps_between(first: float, second: float) -> Callable[[TrainedModel], float]:
    """Returns the measure of the steps from one training loss to a lower one.

    Args:
        first: The higher loss.
        second: The lower loss.
    """
    return lambda trained: (_first_epoch(trained, second) - _first_epoch(trained, first)) * _updates(trained)


def gradient_noise_first_epoch(trained: TrainedModel) -> Value:
    """Returns the variance of the gradient of an example after the first epoch, mean over the weights."""
    require(trained.first_epoch is not None, "`first_epoch` must be given: weights and state after it")
    weights, state = (list(map(ops.convert_to_tensor, part)) for part in trained.first_epoch or ())
    return gradient_noise(trained.sample, weights, state)


def gradient_noise_final(trained: TrainedModel) -> Value:
    """Returns the variance of the gradient of an example at the end of the training, mean over the weights."""
    return gradient_noise(trained.sample, *trained.sample.values())


def gradient_noise(sample: Sample, weights: Weights, state: State) -> Value:
    """Returns the variance of the gradient of one example's loss, mean over the omega weights.

    From B batches of m examples with the gradients g_b: m / omega * sum_b ||g_b - mean||_2^2 / (B - 1), which is
    without bias for batches drawn independently. Costs two gradients of each batch.

    Args:
        sample: Loss and batches.
        weights: Trainable weights.
        state: Non-trainable variables.

    Raises:
        InputError: If there is only one batch.
    """
    count, m = sample.batches.shape
    require(count > 1, "`num_batches` must be at least 2 for the noise of the gradient", num_batches=count)
    # The sum of squares needs only norms: those of the batches, and that of all their examples together.
    if sample not in _pooled:
        _pooled[sample] = sample.with_batches(sample.batches.reshape(1, -1))
        _pooled[sample].batch_size = sample.batch_size or EVALUATION_BATCH
    ball = Ball(rho=1.0, norm="l2", scaling="none")
    squares, (mean,) = (
        next(iter(batch_gradient_norms(part.grid(), ball)([(weights, state)]))).astype(np.float64) ** 2
        for part in (sample, _pooled[sample])
    )
    factor = m / sum(math.prod(w.shape) for w in weights) * count / (count - 1)
    return Value(float(factor * (squares.mean() - mean)), factor * standard_error(squares))


def _first_epoch(trained: TrainedModel, loss: float) -> float:
    """Returns the number of epochs until the training loss is a given one or less; NaN if it never is."""
    reached = [epoch for epoch, value in enumerate(trained.epoch_losses, start=1) if value <= loss]
    return float(reached[0]) if reached else math.nan


def _updates(trained: TrainedModel) -> int:
    """Returns the updates of an epoch; 1 where the batch size is not known."""
    return 1 if trained.batch_size is None else math.ceil(trained.num_examples / trained.batch_size)
