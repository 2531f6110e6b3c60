import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError


def test_fisher_rao_norm(small, flat, gradients):
    expected = (gradients @ flat) ** 2
    estimate = ks.fisher_rao_norm(*small)
    assert estimate.value == pytest.approx(expected.mean(), rel=1e-4)
    assert estimate.standard_error == pytest.approx(expected.std(ddof=1) / np.sqrt(20), rel=1e-4)
    some = ks.fisher_rao_norm(*small, num_examples=5, seed=3)
    assert len(some.samples) == 5
    assert set(np.round(some.samples, 4)) <= set(np.round(estimate.samples, 4))
    # The last layer alone: its outputs are linear in it.
    last = ks.fisher_rao_norm(*small, select="out")
    assert last.value == pytest.approx(((gradients[:, -10:] @ flat[-10:]) ** 2).mean(), rel=1e-4)


def test_no_examples_are_refused(small):
    with pytest.raises(InputError, match="`num_examples` must be at least 1"):
        ks.fisher_rao_norm(*small, num_examples=0)
