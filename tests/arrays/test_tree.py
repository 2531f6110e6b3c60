"""Each function does to a list of arrays what NumPy does to the vector of all their entries."""

import weakref

import numpy as np
import pytest
from keras import ops

from keras_sharpness.arrays import tree

RNG = np.random.default_rng(0)
SHAPES = [(2, 3), (), (4,), (1, 2, 2)]


def draw():
    return [RNG.normal(size=shape).astype("float32") for shape in SHAPES]


def tensors(arrays):
    return [ops.convert_to_tensor(a) for a in arrays]


def vector(arrays):
    return np.concatenate([np.ravel(ops.convert_to_numpy(a)) for a in arrays])


A, B, C = draw(), draw(), draw()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (tree.add, lambda a, b: a + b),
        (tree.multiply, lambda a, b: a * b),
        (tree.divide, lambda a, b: a / b),
        (lambda a, b: tree.scale(-2.5, a), lambda a, b: -2.5 * a),
        (lambda a, b: tree.add_scaled(a, 0.5, b), lambda a, b: a + 0.5 * b),
        (lambda a, b: tree.zeros_like(a), lambda a, b: 0 * a),
        (lambda a, b: tree.where(ops.convert_to_tensor(True), a, b), lambda a, b: a),
        (lambda a, b: tree.where(ops.convert_to_tensor(False), a, b), lambda a, b: b),
    ],
)
def test_arithmetic(ours, theirs):
    found = ours(tensors(A), tensors(B))
    assert [tuple(x.shape) for x in found] == SHAPES
    np.testing.assert_allclose(vector(found), theirs(vector(A), vector(B)), rtol=1e-6)


def test_divide_by_zero_is_zero():
    found = tree.divide(tensors([np.float32([1, 0, 3])]), tensors([np.float32([0, 0, 2])]))
    np.testing.assert_array_equal(vector(found), [0, 0, 1.5])


@pytest.mark.parametrize(("norm", "order"), [(tree.norm_l1, 1), (tree.norm_l2, 2), (tree.norm_linf, np.inf)])
def test_norms_are_over_all_arrays_together(norm, order):
    assert float(norm(tensors(A))) == pytest.approx(np.linalg.norm(vector(A), order), rel=1e-6)


def test_vdot():
    assert float(tree.vdot(tensors(A), tensors(B))) == pytest.approx(vector(A) @ vector(B), rel=1e-5)


def test_unflatten_is_the_inverse_of_flatten():
    flat = tree.flatten(tensors(A))
    assert tuple(flat.shape) == (6 + 1 + 4 + 4,)
    for ours, theirs in zip(tree.unflatten(flat, tensors(A)), A, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(ours), theirs)


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        tree.add(tensors(A), tensors(A[:2]))


@pytest.mark.parametrize(("first", "second"), [(4, 3), (3, 4)])
def test_that_holds_for_arrays_that_are_computed_late(first, second):
    late = tree.Each(lambda x, y: x + y, iter(tensors(A[:first])), iter(tensors(A[:second])))
    with pytest.raises(ValueError, match="zip"):
        tree.in_turn(late)


def test_what_is_computed_late_lets_go_of_what_it_was_made_from():
    class Mark:
        pass

    marks = [Mark(), Mark()]
    held = [weakref.ref(mark) for mark in marks]
    late = tree.Each(lambda mark: str(mark), map(marks.pop, [0, 0]))
    assert next(late)
    assert held[0]() is None and held[1]() is not None
