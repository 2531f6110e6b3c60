import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from keras_sharpness.measures.directions import AscentDirection, GivenDirection, RandomDirection


def arrays(vector):
    return [ops.convert_to_numpy(a) for a in vector]


def test_random_directions_have_the_filter_norms_of_the_weights(small):
    sample = ks.Sample(*small)
    vector = arrays(RandomDirection(seed=3).vector(sample))
    for weight, direction in zip(small[0].get_weights(), vector, strict=True):
        assert weight.shape == direction.shape
        if weight.ndim > 1:
            np.testing.assert_allclose(np.linalg.norm(direction, axis=0), np.linalg.norm(weight, axis=0), rtol=1e-5)
    other = arrays(RandomDirection(seed=3, number=1).vector(sample))
    assert abs(other[0] - vector[0]).min() > 0


def test_weights_that_do_not_move_have_no_direction(small):
    for direction in (RandomDirection(), AscentDirection()):
        vector = arrays(direction.vector(ks.Sample(*small, select="out")))
        assert abs(np.concatenate([a.ravel() for a in vector[:2]])).max() == 0
        assert abs(vector[2]).max() > 0


def test_the_ascent_ends_on_its_ball(small):
    vector = arrays(AscentDirection(ball=ks.Ball(rho=0.1)).vector(ks.Sample(*small)))
    largest = max(abs(v / w).max() for v, w in zip(vector, small[0].get_weights(), strict=True))
    assert largest == pytest.approx(0.1, rel=1e-4)


def test_a_line_along_given_arrays(small, flat):
    weights = small[0].get_weights()
    line = ks.landscape.line(*small, direction=[-w for w in weights], num_points=3)
    model, x, y, _ = small
    # At one times minus the weights, all weights and outputs are zero.
    assert line.losses[2] == pytest.approx(np.mean(y.astype(np.float64) ** 2), rel=1e-5)
    assert line.label == "given"


def test_arrays_of_other_shapes_are_refused(small):
    with pytest.raises(InputError, match="an array of the shape of each weight"):
        GivenDirection(arrays=[np.zeros(3)]).vector(ks.Sample(*small))
