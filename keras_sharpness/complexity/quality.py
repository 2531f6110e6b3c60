"""How well a network does, between 0 and 1 for any data: accuracy of a classifier, R^2 of a regression."""

import dataclasses
from typing import cast

import keras
import numpy as np
from keras import ops

from keras_sharpness.complexity.predictions import is_classifier
from keras_sharpness.errors import require
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.labelled_data import Weighted
from keras_sharpness.objective.losses import BatchLoss

TARGET = 0.1
"""How far the quality falls at the radii of PAC-Bayes and of the worst case (Jiang et al. 2020, appendix C)."""


@dataclasses.dataclass(frozen=True)
class Quality:
    """The quality of a network, and how far it falls when its weights are perturbed.

    Accuracy is 1 minus the error rate. R^2 is 1 minus the mean squared error over the variance of the targets, so that
    its fall ignores the units of the targets, as accuracy does.

    Attributes:
        classifier: Whether it is the accuracy.
        variance: Variance of the targets; 1 for a classifier.
    """

    classifier: bool
    variance: float

    def fall(self, loss_rises: np.ndarray, error_rises: np.ndarray) -> np.ndarray:
        """Returns the fall that belongs to rises of loss and error rate."""
        return np.asarray(error_rises if self.classifier else loss_rises / self.variance, np.float64)


def quality_of(sample: Sample) -> Quality:
    """Returns the quality that the loss of a sample stands for.

    Args:
        sample: Model, loss and data.

    Raises:
        InputError: If the loss is neither a cross-entropy of one output nor the mean squared error, or all targets are
            equal.
    """
    if is_classifier(sample):
        return Quality(True, 1.0)
    loss = sample.objective.batch_loss
    part = loss.only_part if isinstance(loss, BatchLoss) else None
    squared = getattr(part, "fn", part) is keras.losses.mean_squared_error and not cast(BatchLoss, loss).sums
    what = "the loss must be a cross-entropy of one output or the mean squared error for accuracy or R^2 to fall"
    require(squared, what, loss=loss.name)
    targets = sample.data.tensors[1]
    targets = ops.convert_to_numpy(targets.y if isinstance(targets, Weighted) else targets).astype(np.float64)
    used = targets[np.unique(sample.places)]
    variance = float(used.reshape(len(used), -1).var(axis=0).mean())
    require(variance > 0, "targets must differ for R^2 to fall", variance=variance)
    return Quality(False, variance)
