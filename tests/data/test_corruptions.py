import numpy as np
import pytest

from keras_sharpness.data.corruptions import CORRUPTIONS, corrupt
from keras_sharpness.errors import InputError

X = np.random.default_rng(0).uniform(0.3, 0.6, (40, 28, 28, 1)).astype("float32")


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_severities_get_worse_and_draws_repeat(name):
    changes = [np.abs(corrupt(X, name, severity) - X).mean() for severity in range(1, 6)]
    assert changes[0] > 0 and changes == sorted(changes)
    corrupted = corrupt(X, name, 5, seed=1)
    assert corrupted.dtype == X.dtype and corrupted.shape == X.shape and 0 <= corrupted.min() <= corrupted.max() <= 1
    np.testing.assert_array_equal(corrupted, corrupt(X, name, 5, seed=1))


def test_strengths_are_what_they_say():
    assert (corrupt(X, "gaussian_noise", 5) - X).std() == pytest.approx(0.10, rel=0.02)
    assert (corrupt(X, "shot_noise", 5) - X).std() == pytest.approx(np.sqrt(X.mean() / 50), rel=0.02)
    hit = corrupt(X, "impulse_noise", 5)
    assert np.isin(hit, [0, 1]).mean() == pytest.approx(0.07, rel=0.1)
    assert (hit == 1).mean() == pytest.approx(0.035, rel=0.1)
    np.testing.assert_allclose(corrupt(X, "brightness", 5), X + 0.3, atol=1e-6)
    assert corrupt(X, "contrast", 5)[0].std() == pytest.approx(0.15 * X[0].std(), rel=1e-4)
    # A blur leaves the mean brightness, and does not mix pictures.
    point = np.zeros((2, 28, 28, 1))
    point[0, 14, 14] = 1
    blurred = corrupt(point, "gaussian_blur", 5)
    assert blurred[0].sum() == pytest.approx(1) and blurred[1].sum() == 0
    assert blurred[0, 14, 15, 0] / blurred[0, 14, 14, 0] == pytest.approx(np.exp(-0.5), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, "snow"), "`name` must be one of gaussian_noise"),
        ((X, "contrast", 6), "from 1 to 5"),
        ((X * 3, "contrast"), "values from 0 to 1"),
        ((X[0], "contrast"), "shape"),
    ],
)
def test_bad_input_gets_one_line(arguments, message):
    with pytest.raises(InputError, match=message):
        corrupt(*arguments)
