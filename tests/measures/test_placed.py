import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.measures.along import Axis
from keras_sharpness.measures.placed import place

ORIGIN = [np.array([[1.0, 2.0]]), np.array([3.0, 4.0])]
# Two directions that are neither orthogonal nor of length one.
AXES = [
    Axis([np.array([[2.0, 0.0]]), np.array([0.0, 0.0])], "first"),
    Axis([np.array([[1.0, 1.0]]), np.array([0.0, 0.0])], "second"),
]


def at(first, second, off):
    moves = [first * a + second * b for a, b in zip(AXES[0].vector, AXES[1].vector, strict=True)]
    return [ORIGIN[0] + moves[0], ORIGIN[1] + moves[1] + np.array([off, 0.0])]


def test_points_are_projected_and_their_distances_said():
    path = [at(1, 0, 0), at(0, 2, 1), at(0, 0, 0)]
    placed = place(path, [ops.convert_to_tensor(w) for w in ORIGIN], AXES)
    np.testing.assert_allclose(placed.coordinates, [[1, 0], [0, 2], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(placed.distances, [2, 3, 0], atol=1e-6)
    np.testing.assert_allclose(placed.off_plane, [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(placed.errors, [0, 1 / 3, 0], atol=1e-6)
    assert placed.error == pytest.approx(1 / np.sqrt(13))
    assert placed.to_frame()["step"].tolist() == [0, 1, 2]
    assert repr(placed) == "Placed(points=3, projection_error=27.7%)"


def test_paths_that_do_not_fit_are_refused(small):
    with pytest.raises(ks.InputError, match="`show` must hold weights of the model's shapes"):
        ks.landscape.plane(*small, show=[[np.zeros(3)]], num_points=2)
    with pytest.raises(ks.InputError, match="a path must hold checkpoints"):
        ks.landscape.plane(*small, show=ks.Trajectory(), num_points=2)
