import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_sharpness.perturbations import Ball
from keras_sharpness.perturbations.scaling import SCALINGS

RNG = np.random.default_rng(0)
# A convolution with its bias, and a dense layer with its own.
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in ((3, 2, 4, 5), (5,), (7, 2), (2,))]


def scale(name, weights=WEIGHTS):
    return [ops.convert_to_numpy(SCALINGS[name](ops.convert_to_tensor(w))) for w in weights]


def test_scales_of_single_weights():
    for c, w in zip(scale("adaptive"), WEIGHTS, strict=True):
        np.testing.assert_array_equal(c, np.abs(w))
    for c, w in zip(scale("none"), WEIGHTS, strict=True):
        np.testing.assert_array_equal(c, np.ones_like(w))


def test_a_filter_is_what_one_output_is_made_from():
    convolution, bias, dense, _ = scale("per_filter")
    for k in range(5):
        np.testing.assert_allclose(convolution[..., k], np.linalg.norm(WEIGHTS[0][..., k]), rtol=1e-6)
    for k in range(2):
        np.testing.assert_allclose(dense[:, k], np.linalg.norm(WEIGHTS[2][:, k]), rtol=1e-6)
    # A bias is no filter.
    np.testing.assert_array_equal(bias, np.abs(WEIGHTS[1]))


def test_a_layers_scale_is_the_norm_of_each_array():
    for c, w in zip(scale("per_layer"), WEIGHTS, strict=True):
        np.testing.assert_allclose(c, np.full(w.shape, np.linalg.norm(w)), rtol=1e-6)


@pytest.mark.parametrize(("name", "degree"), [("adaptive", 1), ("per_filter", 1), ("per_layer", 1), ("none", 0)])
@settings(deadline=None, max_examples=10)
@given(factors=st.lists(st.floats(0.01, 100), min_size=4, max_size=4))
def test_scales_grow_with_the_weights(name, degree, factors):
    """One factor for each array: rescaling layers against each other changes no perturbation in scaled coordinates."""
    factors = np.array(factors, "float32")
    rescaled = scale(name, [f * w for f, w in zip(factors, WEIGHTS, strict=True)])
    for c, f, before in zip(rescaled, factors, scale(name), strict=True):
        np.testing.assert_allclose(c, f**degree * before, rtol=1e-5)


@pytest.mark.parametrize("name", SCALINGS)
def test_the_floor_is_added_to_every_scale(name):
    region = Ball(scaling=name, eta=0.5).around([ops.convert_to_tensor(w) for w in WEIGHTS])
    for c, before in zip(region.scale, scale(name), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(c), before + 0.5, rtol=1e-6)
