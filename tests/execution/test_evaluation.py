"""The losses of a block, by either evaluator, are those of each cell on its own."""

import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.execution.averaging import Averaging
from keras_sharpness.execution.evaluation import Evaluation
from keras_sharpness.execution.evaluators import copy_by_copy, stacked
from keras_sharpness.execution.stack import stack
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective, values
from tests.support import cases

RNG = np.random.default_rng(3)


def perturbations(weights, size):
    return [ops.convert_to_tensor(RNG.normal(scale=0.1, size=(size, *w.shape)).astype("float32")) for w in weights]


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("batch_size", [None, 3])
def test_losses_and_gradients_of_each_cell(size, batch_size):
    case = cases.fcnn()
    objective, data = Objective(case.model, case.loss), LabelledData(case.x, case.y).tensors
    weights, state = values(case.model)
    delta, examples = perturbations(weights, size), RNG.integers(0, len(case.y), (size, 7)).astype("int32")
    averaging = Averaging(7, batch_size, backend.scan, shares=1, mean=lambda structure: structure)
    evaluation = Evaluation(copy_by_copy(objective, False, size), averaging, size, backend.scan)

    @backend.compile
    def run(delta, examples):
        return evaluation.values_and_gradients(weights, state, data, delta, {"examples": examples})

    found, gradients = run(delta, ops.convert_to_tensor(examples))
    alone = backend.compile(backend.value_and_grad(objective.loss))
    for k in range(size):
        at = tree.add(weights, [d[k] for d in delta])
        loss, gradient = alone(at, state, data, ops.convert_to_tensor(examples[k]))
        assert float(found.losses[k]) == pytest.approx(float(loss), rel=1e-5)
        for expected, gradient_of_block in zip(gradient, gradients, strict=True):
            np.testing.assert_allclose(
                ops.convert_to_numpy(gradient_of_block[k]), ops.convert_to_numpy(expected), rtol=1e-3, atol=1e-5
            )


def test_a_stack_has_the_losses_of_its_copies():
    case, size, nodes = cases.gat(), 3, np.array([3, 8, 41])
    objective = Objective(case.model, case.loss, on_graph=True)
    data, field = LabelledData(case.x, case.y).on_field(nodes, 2)
    weights, state = values(case.model)
    delta = perturbations(weights, size)
    places = ops.convert_to_tensor(np.stack([field.places(nodes)] * size).astype("int32"))
    one_by_one = copy_by_copy(objective, False, size)(weights, state, data.tensors, delta, places)
    network = stack(case.model, size, field)
    at_once = stacked(objective, network, size)(weights, state, data.tensors, delta, places)
    for expected, found in zip(one_by_one, at_once, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(expected), rtol=1e-4)


def test_zeros_have_a_cell_for_each():
    evaluation = Evaluation(None, None, 5, backend.scan)
    (zeros,) = evaluation.zeros([ops.ones((2, 3))])
    assert zeros.shape == (5, 2, 3)
    assert float(ops.max(ops.abs(zeros))) == 0
