import keras
import pytest

if keras.config.backend() != "torch":
    pytest.skip("particulars of PyTorch", allow_module_level=True)

import numpy as np
import torch

import keras_sharpness as ks

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = np.sin(X[:, :1])
OPTIONS = {"loss": "mean_squared_error", "rho": 0.05, "m": 8, "num_batches": 3}


def wrapped():
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        *(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Tanh(), torch.nn.Dropout(0.5)), torch.nn.Linear(8, 1)
    )
    model = keras.Sequential([keras.Input((4,)), keras.layers.TorchModuleWrapper(module, output_shape=(None, 1))])
    return model, module


def equal():
    """The same network of Keras's layers."""
    model, module = wrapped()
    layers = [keras.layers.Dense(8), keras.layers.BatchNormalization(epsilon=1e-5), keras.layers.Activation("tanh")]
    twin = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
    first, norm, last = module[0], module[1], module[4]
    kernels = [first.weight.T, first.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var]
    twin.set_weights([a.detach().numpy() for a in (*kernels, last.weight.T, last.bias)])
    return model, twin


def test_its_parameters_are_perturbed():
    model, twin = equal()
    found, expected = (ks.worst_case_sharpness(of, X, Y, **OPTIONS) for of in (model, twin))
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-5)
    assert found.value > 0
    eigenvalues = [ks.hessian.top_eigenvalues(of, X, Y, "mean_squared_error").values for of in (model, twin)]
    np.testing.assert_allclose(*eigenvalues, rtol=1e-3)


@pytest.mark.parametrize("training", [False, True])
def test_it_is_left_as_it_was(training):
    model, module = wrapped()
    module[1].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert ks.worst_case_sharpness(model, X, Y, training=training, **OPTIONS).value > 0
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert [part.training for part in module.modules()] == [True, True, False, True, True, True]
    assert "call" not in vars(model.layers[0])
    assert module[0].weight is model.trainable_variables[0].value


def test_layers_after_it_must_be_built():
    module = torch.nn.Linear(4, 8)
    model = keras.Sequential([keras.Input((4,)), keras.layers.TorchModuleWrapper(module), keras.layers.Dense(1)])
    with pytest.raises(ks.InputError, match=r"`model` must be built: call it on a batch"):
        ks.Sample(model, X, Y, "mean_squared_error")
    model(X)
    assert ks.worst_case_sharpness(model, X, Y, **OPTIONS).value > 0
