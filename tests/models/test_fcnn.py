import numpy as np
import pytest
from keras import ops

from keras_sharpness.models import fcnn
from tests.support import cases, reference


def test_sizes_are_the_papers():
    assert [v.shape for v in fcnn().trainable_variables] == [(10, 64), (64,), (64, 64), (64,), (64, 1), (1,)]
    assert fcnn().non_trainable_variables == []


def test_outputs_are_those_of_the_float64_reference():
    case = cases.fcnn()
    expected, _ = reference.fcnn(case.weights, case.x.astype(np.float64))
    np.testing.assert_allclose(case.model.predict(case.x, verbose=0), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("output_activation", [None, "elu"])
def test_other_activations(output_activation):
    options = {"num_features": 3, "units": 4, "num_outputs": 2, "activation": "elu"}
    model = cases.randomize(fcnn(**options, output_activation=output_activation))
    kernels = [ops.convert_to_numpy(v.value) for v in model.trainable_variables]
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    hidden = x
    for k, activated in ((0, True), (2, True), (4, output_activation == "elu")):
        hidden = hidden @ kernels[k] + kernels[k + 1]
        hidden = np.where(hidden > 0, hidden, np.expm1(np.minimum(hidden, 0))) if activated else hidden
    np.testing.assert_allclose(model.predict(x, verbose=0), hidden, rtol=1e-4, atol=1e-5)
