"""Barriers of double wells, which have a closed form."""

import keras
import numpy as np
import pytest

import keras_sharpness as ks

X = np.ones((40, 1), "float32")
# The depth of each example's well.
Y = np.random.default_rng(0).uniform(1, 3, (40, 1)).astype("float32")
BATCHES = np.arange(40).reshape(5, 8)


def at(place):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[place]])])
    return model


def well(y_true, y_pred):
    """Two wells, at the weights -1 and 1, the second of which is higher."""
    return y_true * (y_pred**2 - 1) ** 2 + 0.1 * y_pred


@pytest.fixture(scope="module")
def found():
    return ks.landscape.barrier(at(-1.0), X, Y, well, other=at(1.0), num_points=21, batches=BATCHES)


def test_a_double_well_has_its_barrier_in_each_batch(found):
    w = 2 * np.linspace(0, 1, 21) - 1
    depths = Y[BATCHES][..., 0].astype(np.float64).mean(axis=1)
    losses = depths[:, None] * (w**2 - 1) ** 2 + 0.1 * w
    np.testing.assert_allclose(found.losses, losses, rtol=1e-5, atol=1e-6)
    # The tilt is the same at the top, at the weight zero, as in the mean of the ends.
    assert found.highest == 0.5
    np.testing.assert_allclose(found.per_batch, depths, rtol=1e-5)
    assert found.value == pytest.approx(depths.mean(), rel=1e-5)
    assert found.standard_error == pytest.approx(depths.std(ddof=1) / np.sqrt(5), rel=1e-5)


def test_it_is_shown(found):
    assert repr(found).startswith("Barrier(value=") and "\n" not in repr(found)
    table = found.to_frame()
    assert table["loss"].max() - table["loss"].iloc[[0, -1]].mean() == pytest.approx(found.value, rel=1e-5)
    top = table["rise"].idxmax()
    assert table["rise"][top] == pytest.approx(found.value)
    assert table["standard_error"][top] == pytest.approx(found.standard_error)
    title = found.plot().axes[0].get_title()
    assert title.startswith("barrier ") and "+-" in title


def test_models_in_one_well_have_half_of_their_difference():
    found = ks.landscape.barrier(at(1.0), X, Y, well, other=at(1.5), num_points=5, m=None)
    assert found.highest == 1.0 and np.isnan(found.standard_error)
    assert found.value == pytest.approx((found.losses[0, -1] - found.losses[0, 0]) / 2, rel=1e-5)
    with pytest.raises(ks.InputError, match="`num_points` must be at least 3"):
        ks.landscape.barrier(at(1.0), X, Y, well, other=at(1.5), num_points=2)
