import numpy as np
import pytest

import keras_sharpness as ks
from tests.support.sam_training import fit_noisy, noisy

SEVERAL = pytest.param({"maximizer": ks.APGD(num_steps=2)}, marks=pytest.mark.again)


@pytest.mark.parametrize("options", [{}, {"m": 8, "every": 2}, SEVERAL], ids=str)
def test_statistics_losses_and_seeds_are_those_of_the_first_pass(options):
    # With a rate of zero the weights stay, so that training with one pass sees the same weights.
    plain, sam = fit_noisy(noisy(), rate=0.0), fit_noisy(ks.SAM(noisy(), rho=1.0, **options), rate=0.0)
    for name in plain[0]:
        np.testing.assert_allclose(plain[0][name], sam[0][name], rtol=1e-5)
    for a, b in zip(plain[1], sam[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
