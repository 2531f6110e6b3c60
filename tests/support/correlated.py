"""Samples whose rank correlation is known."""

import numpy as np


def pairs(num_models, tau, rng):
    """Bivariate normal pairs whose true tau is given."""
    x, noise = rng.normal(size=(2, num_models))
    r = np.sin(np.pi * tau / 2)
    return x, r * x + np.sqrt(1 - r**2) * noise
