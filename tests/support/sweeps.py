"""The numbers of a sweep, made up."""

import numpy as np

from keras_sharpness.studies.sweep_tables import Swept

RHOS = (0.1, 0.01, 1.0)


def swept(num_models=40, curvature=10.0):
    """Sharpness rho g + curvature rho^2, the same at both batch sizes but for noise."""
    rng = np.random.default_rng(0)
    norms = rng.lognormal(size=(num_models, 2))
    radii = np.array(RHOS)[:, None]
    sharpness = radii * norms[:, None] + curvature * radii**2
    return Swept(
        rhos=RHOS,
        ms=(16, "full"),
        sharpness=sharpness,
        gradient_norms=norms,
        test_losses=norms[:, 0] + rng.normal(size=num_models),
    )
