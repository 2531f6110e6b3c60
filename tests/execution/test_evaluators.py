import numpy as np
from keras import ops

from keras_sharpness.execution.evaluators import copy_by_copy
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective, values
from tests.support import cases


def test_every_cell_has_its_own_perturbation_and_examples():
    case = cases.fcnn()
    objective, data = Objective(case.model, case.loss), LabelledData(case.x, case.y).tensors
    weights, state = values(case.model)
    delta = [ops.convert_to_tensor(np.stack([np.zeros(w.shape), np.ones(w.shape)]).astype("float32")) for w in weights]
    examples = np.array([[0, 1, 2], [3, 4, 5]], "int32")
    losses, errors = copy_by_copy(objective, False, 2)(weights, state, data, delta, ops.convert_to_tensor(examples))
    own = case.model.get_weights()
    for k in range(2):
        case.model.set_weights([w + k for w in own])
        outputs = case.model.predict(case.x[examples[k]], verbose=0)
        expected = np.mean((outputs - case.y[examples[k]]) ** 2)
        np.testing.assert_allclose(ops.convert_to_numpy(losses)[k], expected, rtol=1e-5)
    assert np.isnan(ops.convert_to_numpy(errors)).all()
