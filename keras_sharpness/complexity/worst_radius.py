"""The radius of a box around the weights in which the worst-case training accuracy has fallen by 0.1."""

import numpy as np

from keras_sharpness.complexity.crossing import Crossing, find_crossing
from keras_sharpness.complexity.quality import TARGET, quality_of
from keras_sharpness.maximizers import PGA
from keras_sharpness.measures.climbing import climbs
from keras_sharpness.measures.sample import Sample
from keras_sharpness.perturbations import Ball

# Steps that are shares of the radius, so that they suit all radii.
ASCENT = PGA(num_steps=5, step_size="auto")
START = 2.0**-6


def worst_radius(sample: Sample, magnitude: bool) -> Crossing:
    """Finds alpha with E_S [accuracy(w) - min over |u_i| <= alpha of accuracy(w + u)] = 0.1, over batches S.

    Aware of magnitudes, the box is |u_i| <= alpha |w_i|. The minimum is the lowest accuracy on the path of an ascent of
    the loss on each batch, so that alpha is an upper bound. The papers' single u for all training data is the case of
    one batch of all examples. For a regression, R^2 takes the place of accuracy. Costs an ascent on all batches for
    each alpha that is tried, about 5 of them; one compiled ascent serves all.

    Args:
        sample: Model, loss and batches; batch normalization folded.
        magnitude: Whether the box grows with the weight.

    Returns:
        The radius alpha.

    Raises:
        InputError: If the loss has no accuracy and no R^2.
    """
    quality = quality_of(sample)
    box = Ball(rho=1.0, norm="linf", scaling="adaptive" if magnitude else "none")
    climb = climbs(sample.grid(), box, ASCENT)

    def fall(alpha: float) -> np.ndarray:
        path = climb(*sample.values(), None, alpha).path
        rises = (path[name].max(axis=(1, 2)).astype(np.float64) - path[name][:, 0, 0] for name in ("losses", "errors"))
        return quality.fall(*rises)

    return find_crossing(fall, TARGET, START)
