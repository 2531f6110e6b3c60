import numpy as np
from keras import layers, ops

from keras_sharpness.models import lenet5
from tests.support import cases, reference


def test_sizes_are_those_of_the_papers_code():
    kernels = [v.shape for v in lenet5().trainable_variables if v.path.endswith("kernel")]
    assert kernels == [(5, 5, 1, 12), (5, 5, 12, 32), (512, 256), (256, 128), (128, 10)]


def test_outputs_are_those_of_the_float64_reference():
    case = cases.lenet5()
    moving = [v for v in case.model.non_trainable_variables if "moving" in v.path]
    statistics = [ops.convert_to_numpy(v.value).astype(np.float64) for v in moving]
    expected, _ = reference.lenet5(case.weights, case.x.astype(np.float64), statistics)
    np.testing.assert_allclose(case.model.predict(case.x, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_moving_statistics_follow_a_batch_at_pytorchs_rate():
    model, x = lenet5(), np.random.default_rng(0).normal(size=(50, 28, 28, 1)).astype("float32")
    convolution, normalization = model.layers[:2]
    outputs = ops.convert_to_numpy(convolution(x))
    model(x, training=True)
    expected = 0.1 * outputs.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(ops.convert_to_numpy(normalization.moving_mean), expected, rtol=1e-4, atol=1e-6)


def test_dropout_acts_between_the_dense_layers_in_training_only():
    kinds = [type(layer).__name__ for layer in lenet5().layers[-7:]]
    assert kinds == ["Dense", "Dropout", "ReLU", "Dense", "Dropout", "ReLU", "Dense"]
    rates = [layer.rate for layer in lenet5(dropout=0.3).layers if isinstance(layer, layers.Dropout)]
    assert rates == [0.3, 0.3]
