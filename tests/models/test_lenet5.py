from keras import layers

from keras_sharpness.models import fcnn, lenet5


def test_sizes_are_those_of_the_papers_code():
    kernels = [v.shape for v in lenet5().trainable_variables if v.path.endswith("kernel")]
    assert kernels == [(5, 5, 1, 12), (5, 5, 12, 32), (512, 256), (256, 128), (128, 10)]
    normalization = next(layer for layer in lenet5().layers if isinstance(layer, layers.BatchNormalization))
    assert (normalization.epsilon, normalization.momentum) == (1e-5, 0.9)


def test_fcnn_is_10_64_64_1():
    assert [v.shape for v in fcnn().trainable_variables] == [(10, 64), (64,), (64, 64), (64,), (64, 1), (1,)]


def test_activations_of_fcnn():
    by_default = [layer.activation.__name__ for layer in fcnn().layers]
    released = [layer.activation.__name__ for layer in fcnn(activation="elu", output_activation="elu").layers]
    assert (by_default, released) == (["relu", "relu", "linear"], ["elu", "elu", "elu"])
