"""Principal components of known paths, and eigenvectors of a known Hessian."""

import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.measures.found_directions import hessian_directions, principal_directions
from tests.support.small_network import unflatten


def _flat(direction):
    return np.concatenate([np.ravel(ops.convert_to_numpy(a)) for a in direction.arrays]).astype(np.float64)


def stacked(directions):
    return np.stack([_flat(direction) for direction in directions])


def path_of(rows, model):
    return [unflatten(row, model) for row in rows]


def rows_in_a_plane(size, seed=0):
    """Points in a plane, the last at its origin."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(size, 2)))[0]
    places = rng.normal(size=(9, 2)) * [3, 1]
    places[-1] = 0
    return places @ basis.T, basis


def components(rows):
    """Principal components by the singular values of the centred rows."""
    moves = rows[:-1] - rows[-1]
    _, singular, vectors = np.linalg.svd(moves - moves.mean(axis=0), full_matrices=False)
    return vectors[:2], singular[:2] ** 2 / np.sum(singular**2)


def same_up_to_sign(found, expected):
    return np.abs(np.sum(found * expected, axis=1)) == pytest.approx(1, rel=1e-6)


def test_they_are_the_principal_components(small):
    size = sum(w.size for w in small[0].get_weights())
    rows = np.random.default_rng(1).normal(size=(6, size)) * np.linspace(1, 3, size)
    directions = principal_directions(path_of(rows, small[0]))
    vectors, shares = components(rows)
    found = stacked(directions)
    assert same_up_to_sign(found, vectors)
    for direction, share in zip(directions, shares, strict=True):
        assert f"({share:.1%} of variance)" in direction.label
        along = (rows[:-1] - rows[-1]) @ _flat(direction)
        assert along[np.abs(along).argmax()] > 0


def test_a_path_in_a_plane_lies_in_the_plane_that_is_found_and_turns_with_it(small, flat):
    rows, basis = rows_in_a_plane(flat.size)
    path = path_of(flat + rows, small[0])
    directions = principal_directions(path)
    plane = ks.landscape.plane(*small, directions=directions, show={"walk": path}, num_points=2)
    walk = plane.shown["walk"]
    assert walk.error < 1e-6
    assert walk.coordinates[-1] == pytest.approx(0, abs=1e-6)
    found = walk.coordinates @ stacked(directions)
    np.testing.assert_allclose(found, rows, atol=1e-5)
    assert plane.first[0] < walk.coordinates[:, 0].min() and plane.first[-1] > walk.coordinates[:, 0].max()
    # In another order before the end, the plane is the same.
    order = [*np.random.default_rng(0).permutation(8), 8]
    again = principal_directions([path[k] for k in order])
    assert stacked(again) == pytest.approx(stacked(directions), abs=1e-6)
    # A rotation of the weights rotates the plane.
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(flat.size,) * 2))[0]
    turned = principal_directions(path_of((flat + rows) @ rotation, small[0]))
    expected = stacked(directions) @ rotation
    assert stacked(turned) == pytest.approx(expected, abs=1e-6)


def test_several_paths_give_their_rows_together(small, flat):
    rows = np.random.default_rng(3).normal(size=(8, flat.size))
    both = principal_directions(path_of(rows[:4], small[0]), path_of(rows[4:], small[0]))
    moves = np.concatenate([rows[:3] - rows[3], rows[4:7] - rows[7]])
    vectors, _ = components(np.concatenate([moves, np.zeros((1, flat.size))]))
    assert same_up_to_sign(stacked(both), vectors)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda size: np.eye(3, size), "at least four checkpoints"),
        (lambda size: np.outer(np.arange(5.0), np.ones(size)), "must not lie on a line"),
    ],
)
def test_paths_without_a_plane_are_refused(small, flat, rows, message):
    with pytest.raises(ks.InputError, match=message):
        principal_directions(path_of(rows(flat.size), small[0]))


def test_eigenvectors_are_those_of_the_dense_hessian(small, dense_hessian):
    values, vectors = np.linalg.eigh(dense_hessian)
    order = np.argsort(-np.abs(values))[:2]
    directions = hessian_directions(*small, progress=False)
    for direction, value, vector in zip(directions, values[order], vectors.T[order], strict=True):
        assert abs(_flat(direction) @ vector) == pytest.approx(1, abs=1e-3)
        assert float(direction.label.split()[-1].rstrip(")")) == pytest.approx(value, rel=1e-3)
    span = 0.05
    line = ks.landscape.line(*small, direction=directions[0], span=span, num_points=3)
    curvature = (line.losses[0] + line.losses[2] - 2 * line.losses[1]) / span**2
    assert curvature == pytest.approx(values[order[0]], rel=0.02)


def test_eigenvectors_of_selected_weights_leave_the_others(small, operator):
    (direction,) = hessian_directions(*small, k=1, select="out", progress=False)
    assert [bool(np.any(ops.convert_to_numpy(a))) for a in direction.arrays] == [False, False, True, True]
    assert hessian_directions(operator, k=1)[0].label.startswith("eigenvector 1 (eigenvalue ")
