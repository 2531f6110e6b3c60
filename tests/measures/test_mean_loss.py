import keras
import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from keras_sharpness.measures.mean_loss import MeanLoss, flatten, unflatten
from tests.support.small_network import loss_at

BACKEND = keras.config.backend()


def sample(small, **options):
    return ks.Sample(*small, m=None, **options)


@pytest.mark.parametrize("batch_size", [None, 7])  # pieces of 7, 7 and 6
@pytest.mark.parametrize("scaling", ["none", "adaptive"])
def test_loss_and_gradient_along_a_scaled_move(small, flat, batch_size, scaling):
    model, x, y, _ = small
    mean_loss = MeanLoss(sample(small, batch_size=batch_size), scaling)
    scale = np.abs(flat) if scaling == "adaptive" else np.ones(26)
    move = 0.1 * np.random.default_rng(0).normal(size=26)
    assert mean_loss.size == 26
    np.testing.assert_allclose(mean_loss.weights, flat, rtol=1e-6)
    assert mean_loss.loss(move) == pytest.approx(loss_at(flat + scale * move, model, x, y), rel=1e-5)
    loss, gradient = mean_loss.gradient()
    assert loss == pytest.approx(loss_at(flat, model, x, y), rel=1e-5)
    steps = 1e-5 * np.diag(scale)
    expected = [(loss_at(flat + e, model, x, y) - loss_at(flat - e, model, x, y)) / 2e-5 for e in steps]
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def test_only_chosen_weights_and_examples_count(small, flat):
    model, x, y, _ = small
    some = [4, 4, 9]
    mean_loss = MeanLoss(sample(small, select="out", examples=some))
    np.testing.assert_allclose(mean_loss.weights, flat[-10:], rtol=1e-6)
    move = np.full(10, 0.3)
    expected = loss_at(np.append(flat[:-10], flat[-10:] + move), model, x[some], y[some])
    assert mean_loss.loss(move) == pytest.approx(expected, rel=1e-5)
    assert mean_loss.gradient()[1].shape == (10,)


def test_a_product_gets_all_weights_and_pieces_are_weighted_by_size(small):
    mean_loss = MeanLoss(sample(small, select="out", batch_size=15), "none")  # pieces of 15 and 5

    def function(weights, direction, state, data, indices):
        return direction * len(indices)

    np.testing.assert_allclose(mean_loss.product(function, np.arange(10)), np.arange(10) * (15 * 15 + 5 * 5) / 20)


def test_flat_entries_become_the_arrays_again():
    arrays = [ops.reshape(ops.arange(6, dtype="float32"), (2, 3)), ops.ones(()), ops.zeros((2,), "bfloat16")]
    vector = flatten(arrays)
    assert keras.backend.standardize_dtype(vector.dtype) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(vector), [0, 1, 2, 3, 4, 5, 1, 0, 0])
    for array, again in zip(arrays, unflatten(vector, arrays), strict=True):
        assert (tuple(again.shape), again.dtype) == (tuple(array.shape), array.dtype)
        np.testing.assert_array_equal(
            ops.convert_to_numpy(ops.cast(again, "float32")), ops.convert_to_numpy(ops.cast(array, "float32"))
        )


def test_float64_weights_stay_float64():
    if BACKEND == "jax":
        pytest.skip("float64 is off by default on JAX")
    arrays = [ops.full((2,), 1 / 3, "float64"), ops.zeros((1,), "float32")]
    np.testing.assert_array_equal(ops.convert_to_numpy(flatten(arrays)), [1 / 3, 1 / 3, 0])


def draw():
    """Returns a number from the backend that is another one each time."""
    if BACKEND == "torch":
        import torch

        return torch.rand(())
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.random.uniform(())
    import jax

    return jax.pure_callback(lambda: np.float32(np.random.default_rng().random()), jax.ShapeDtypeStruct((), "float32"))


class Random(keras.layers.Layer):
    """Random in inference mode too."""

    def call(self, x):
        return x * (1 + draw())


def random_loss(targets, outputs):
    return ops.mean((targets - outputs) ** 2) * (1 + draw())


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")


def network(*layers):
    return keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1)])


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize("where", ["loss", "layer"])
def test_a_random_loss_is_refused(where, batch_size):
    model, loss = (network(), random_loss) if where == "loss" else (network(Random()), "mse")
    with pytest.raises(InputError, match="the loss must be the same when it is evaluated twice"):
        ks.hessian.operator(model, *data(), loss, batch_size=batch_size)


@pytest.mark.skipif(BACKEND != "torch", reason="only PyTorch has a global generator")
def test_draws_from_the_global_generator_are_repeated_in_training_mode_only():
    import torch

    model = network(Random())
    ks.hessian.operator(model, *data(), "mse", training=True)
    torch.manual_seed(5)
    expected = torch.rand(())
    torch.manual_seed(5)
    with pytest.raises(InputError, match="the loss must be the same"):
        ks.hessian.operator(model, *data(), "mse")
    assert torch.rand(()) == expected
    generator = torch.Generator()
    own = lambda targets, outputs: ops.mean(outputs) * torch.rand((), generator=generator)  # noqa: E731
    with pytest.raises(InputError, match="the loss must be the same"):
        ks.hessian.operator(network(), *data(), own, training=True)


def test_noise_of_layers_in_training_mode_is_accepted():
    mean_loss = ks.hessian.operator(network(keras.layers.Dropout(0.5)), *data(), "mse", training=True).mean_loss
    quiet = ks.hessian.operator(network(keras.layers.Dropout(0.5)), *data(), "mse").mean_loss
    assert mean_loss.gradient()[0] != quiet.gradient()[0]
    assert mean_loss.gradient()[0] == mean_loss.gradient()[0]
