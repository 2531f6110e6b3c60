import numpy as np
import pytest
from keras import ops

from keras_sharpness.models import gat, lenet5
from keras_sharpness.pools.initialization import INITIALIZATIONS, initialize


@pytest.fixture(scope="module")
def model():
    return lenet5()


def draw(model, initialization="glorot_uniform", seed=0):
    """Returns weights by the end of their path, biases beside their kernels, and the state."""
    weights, state = initialize(model, np.random.default_rng(seed), initialization)
    for variable, weight in zip(model.trainable_variables, weights, strict=True):
        assert (weight.shape, weight.dtype) == (tuple(variable.shape), np.float32)
    return weights, state


def assert_uniform(weight, limit):
    """Many draws come near to both ends, and have the variance of a uniform number."""
    assert 0.98 * limit < weight.max() <= limit
    assert -limit <= weight.min() < -0.98 * limit
    assert weight.var() == pytest.approx(limit**2 / 3, rel=0.1)


# Of LeNet's weights the kernels are 0, 4, 8, 10, 12, each with its bias behind it.
KERNELS = {0: (25, 25 * 12), 4: (25 * 12, 25 * 32), 8: (512, 256), 10: (256, 128), 12: (128, 10)}


def test_glorot_uniform_draws_kernels_and_leaves_biases_at_zero(model):
    weights, _ = draw(model)
    for k, fans in KERNELS.items():
        assert_uniform(weights[k], np.sqrt(6 / sum(fans)))
        assert (weights[k + 1] == 0).all()


def test_torch_default_draws_kernels_and_biases_by_their_fan_in(model):
    weights, _ = draw(model, "torch_default")
    for k, (fan_in, _) in KERNELS.items():
        assert_uniform(weights[k], 1 / np.sqrt(fan_in))
        assert 0 < np.abs(weights[k + 1]).max() <= 1 / np.sqrt(fan_in)
    assert np.abs(weights[9]).max() > 0.9 / np.sqrt(512)


@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_normalizations_start_as_the_models(model, initialization):
    weights, state = draw(model, initialization)
    for k in (2, 6):
        assert (weights[k] == 1).all() and (weights[k + 1] == 0).all()
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        if "moving" in variable.path:
            assert (value == ("variance" in variable.path)).all()


def test_every_seed_generator_gets_a_seed_of_its_own(model):
    is_seed = [v.path.endswith("seed_generator_state") for v in model.non_trainable_variables]
    seeds = [tuple(s.tolist()) for s, seed in zip(draw(model)[1], is_seed, strict=True) if seed]
    assert len(seeds) == len(set(seeds)) == 2
    assert [counter for _, counter in seeds] == [0, 0]


def test_one_seed_one_draw(model):
    for ours, again, other in zip(draw(model)[0], draw(model)[0], draw(model, seed=1)[0], strict=True):
        np.testing.assert_array_equal(ours, again)
        assert ours.ndim == 1 or (ours != other).any()


def test_the_model_itself_keeps_its_weights():
    network = gat(num_features=5)
    before = network.get_weights()
    draw(network)
    for weight, value in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight.value), value)
