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


def test_only_the_examples_are_drawn_from(small, flat, gradients):
    some = [2, 3, 11]
    estimate = ks.fisher_rao_norm(*small, examples=some)
    np.testing.assert_allclose(estimate.samples, (gradients[some] @ flat) ** 2, rtol=1e-4)
    # More than there are: all, each once.
    more = ks.fisher_rao_norm(*small, examples=some, num_examples=9, seed=1)
    np.testing.assert_allclose(sorted(more.samples), sorted(estimate.samples), rtol=1e-5)
    assert np.isnan(ks.fisher_rao_norm(*small, num_examples=1).standard_error)


def test_a_sample_will_do(small):
    sample = ks.Sample(*small, m=4, num_batches=2)
    np.testing.assert_allclose(ks.fisher_rao_norm(sample).samples, ks.fisher_rao_norm(*small).samples, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_examples": 0}, "`num_examples` must be at least 1"),
        ({"seed": -1}, "`seed` must be"),
        ({"m": 3}, "further arguments must be among examples"),
    ],
)
def test_bad_arguments_are_refused(small, given, message):
    with pytest.raises(InputError, match=message):
        ks.fisher_rao_norm(*small, **given)
