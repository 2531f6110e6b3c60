import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.execution.stack import stack
from keras_sharpness.objective.layers import is_stackable
from tests.support import cases


@pytest.mark.parametrize("density", [0.05, 0.5])
def test_a_stack_computes_what_each_copy_does(density):
    case, nodes, copies = cases.gat(), np.array([3, 8, 41]), 4
    rng = np.random.default_rng(0)
    case.x.features[:] = (rng.random(case.x.features.shape) < density) * rng.normal(size=case.x.features.shape)
    field = case.x.field(nodes, hops=2)
    network = stack(case.model, copies, field)
    weights = [rng.normal(size=(*v.shape, copies)).astype("float32") for v in case.model.trainable_variables]
    network.set_weights(weights)
    outputs = ops.convert_to_numpy(network(field.graph.inputs))
    assert outputs.shape == (3, 7, copies)
    for k in range(copies):
        for variable, weight in zip(case.model.trainable_variables, weights, strict=True):
            variable.assign(weight[..., k])
        expected = ops.convert_to_numpy(case.model(case.x.inputs))
        np.testing.assert_allclose(outputs[field.places(nodes), :, k], expected[nodes], rtol=1e-4, atol=1e-5)


def test_only_networks_whose_every_step_is_known_can_be_stacked():
    model = cases.gat().model
    assert is_stackable(model)
    assert not is_stackable(keras.Model(model.input, keras.layers.Dense(3)(model.output)))
    assert not is_stackable(keras.Model(model.input, ops.softmax(model.output)))
    assert not is_stackable(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
