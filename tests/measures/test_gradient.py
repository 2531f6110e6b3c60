import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from keras_sharpness.measures.gradient import batch_gradient_norms
from keras_sharpness.perturbations import Ball


@pytest.mark.parametrize(("norm", "order"), [("linf", 1), ("l2", 2), ("l1", np.inf)])
def test_gradient_norm(small, flat, gradients, norm, order):
    mean = gradients.mean(axis=0)
    assert ks.gradient_norm(*small, norm=norm) == pytest.approx(np.linalg.norm(mean, order), rel=1e-4)
    adaptive = ks.gradient_norm(*small, norm=norm, scaling="adaptive")
    assert adaptive == pytest.approx(np.linalg.norm(np.abs(flat) * mean, order), rel=1e-4)
    # rho times it is the sharpness of a small ball.
    r = ks.worst_case_sharpness(*small, rho=1e-4, norm=norm, maximizer=ks.SingleStep(), m=None)
    assert r.value == pytest.approx(1e-4 * adaptive, rel=0.05)


@pytest.mark.parametrize("scaling", ["adaptive", "per_layer"])
def test_chosen_weights_examples_and_pieces(small, flat, gradients, scaling):
    some = [1, 1, 5, 7, 19]
    mean = gradients[some].mean(axis=0)[-10:]
    kernel, bias = flat[-10:-2], flat[-2:]
    scale = np.abs(flat[-10:])
    if scaling == "per_layer":
        scale = np.repeat([np.linalg.norm(kernel), np.linalg.norm(bias)], [8, 2])
    found = ks.gradient_norm(*small, norm="linf", scaling=scaling, eta=0.1, select="out", examples=some, batch_size=2)
    assert found == pytest.approx(np.abs((scale + 0.1) * mean).sum(), rel=1e-4)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("scaling", ["adaptive", "none"])
def test_norms_of_batches_are_those_of_each_by_itself(small, norm, scaling):
    sample = ks.Sample(*small, m=4, num_batches=3)
    (found,) = batch_gradient_norms(sample.grid(), Ball(norm=norm, scaling=scaling))([sample.values()])
    options = {"norm": norm, "scaling": scaling}
    expected = [ks.gradient_norm(*small, examples=batch, **options) for batch in sample.batches]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_sample_measures_again_after_its_weights_change(small):
    model = small[0]
    sample = ks.Sample(*small, m=None)
    before, weights = ks.gradient_norm(sample), model.get_weights()
    assert before == pytest.approx(ks.gradient_norm(*small), rel=1e-6)
    model.set_weights([1.5 * w for w in weights])
    assert ks.gradient_norm(sample) != pytest.approx(before, rel=1e-2)
    model.set_weights(weights)
    assert ks.gradient_norm(sample) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"norm": "l3"}, "`norm` must be one of linf, l2, l1"),
        ({"eta": -1.0}, "`eta` must be finite and non-negative"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"plan": "vectorized"}, "further arguments must be among .*examples"),
    ],
)
def test_bad_arguments_are_refused(small, given, message):
    with pytest.raises(InputError, match=message):
        ks.gradient_norm(*small, **given)
