import numpy as np
import pytest

from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools import evaluation
from keras_sharpness.pools.minibatches import split_batches
from tests.support import cases


def test_mean_loss_counts_every_example_once(monkeypatch):
    monkeypatch.setattr(evaluation, "CHUNK", 16)  # 40 examples: two chunks and a smaller third
    case = cases.lenet5()
    objective = Objective(case.model, case.loss, case.x, case.y)
    weights, state = (
        [v.value for v in vs] for vs in (case.model.trainable_variables, case.model.non_trainable_variables)
    )
    loss, error = evaluation.compile_evaluation(objective, classification=True)(weights, state, np.arange(40))
    assert loss == pytest.approx(case.reference(np.arange(40))(case.weights)[0], rel=1e-5)
    assert 0 <= error <= 1


def test_split_batches_keeps_order_and_the_smaller_last_batch():
    whole, rest = split_batches(np.arange(10), 4)
    np.testing.assert_array_equal(whole, [[0, 1, 2, 3], [4, 5, 6, 7]])
    np.testing.assert_array_equal(rest, [[8, 9]])
    assert len(split_batches(np.arange(8), 4)) == 1
    (rest,) = split_batches(np.arange(3), 4)
    np.testing.assert_array_equal(rest, [[0, 1, 2]])


def test_split_batches_puts_batches_before_members():
    whole, rest = split_batches(np.arange(10).reshape(2, 5), 2)
    np.testing.assert_array_equal(whole, [[[0, 1], [5, 6]], [[2, 3], [7, 8]]])
    np.testing.assert_array_equal(rest, [[[4], [9]]])
