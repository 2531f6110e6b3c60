"""Each private name of Keras and TensorFlow is there and does what it is used for.

A failure after an update of Keras shows the documentation of the function, which says what to do.
"""

import contextlib
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

try:
    from keras_sharpness.backend import internals
except ImportError as error:
    pytest.fail(f"Keras has dropped a private name: {error}. See {ROOT / 'keras_sharpness/backend/internals.py'}.")


@contextlib.contextmanager
def advice(function):
    """Adds to any failure what the function's documentation advises."""
    try:
        yield
    except (AttributeError, AssertionError, TypeError) as error:
        pytest.fail(f"{function.__name__}: {error}\n{inspect.getdoc(function)}")


class WithoutTraining(keras.Model):
    def call(self, inputs):
        return inputs


class WithTraining(keras.Model):
    def call(self, inputs, training=False):
        return inputs


class Wrapping(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Conv1D(1, 1)

    def call(self, inputs):
        return self.inner(inputs)


def test_flatten_layers_finds_layers_inside_layers():
    nested = keras.Sequential([keras.Input((3, 2)), Wrapping()])
    model = keras.Sequential([keras.Input((3, 2)), nested, keras.layers.Flatten()])
    with advice(internals.flatten_layers):
        layers = internals.flatten_layers(model)
        assert {nested, nested.layers[0], nested.layers[0].inner, model.layers[1]} <= set(layers)
        assert model not in layers


def test_flatten_layers_without_those_inside_layers():
    model = keras.Sequential([keras.Input((3, 2)), Wrapping()])
    with advice(internals.flatten_layers):
        assert model.layers[0].inner not in internals.flatten_layers(model, recursive=False)
        assert internals.flatten_layers(model.layers[0], recursive=False) == [model.layers[0].inner]


def test_producers_go_depth_first():
    x = keras.Input((2,), name="x")
    first = keras.layers.Dense(2, name="a2")(keras.layers.Dense(2, name="a1")(x))
    second = keras.layers.Dense(2, name="b")(x)
    model = keras.Model(x, keras.layers.Add(name="sum")([first, second]))
    with advice(internals.producers):
        assert [step.name for step in internals.producers(model)] == ["x", "a1", "a2", "b", "sum"]
        assert [step.name for step in internals.producers(model, backwards=True)] == ["x", "b", "a1", "a2", "sum"]


def test_call_takes_training():
    with advice(internals.call_takes_training):
        assert internals.call_takes_training(WithTraining())
        assert not internals.call_takes_training(WithoutTraining())


def test_producer_of_an_output():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with advice(internals.producer):
        assert internals.producer(model.outputs[0]) is model.layers[-1]


def test_compiled_loss_weights():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with advice(internals.compiled_loss_weights):
        assert internals.compiled_loss_weights(model) is None
        model.compile(loss="mean_squared_error")
        assert internals.compiled_loss_weights(model) is None
        model.compile(loss=["mean_squared_error"], loss_weights=[0.25])
        assert internals.compiled_loss_weights(model) == [0.25]


def test_a_loss_heeds_the_mask_of_an_output():
    embedding = keras.layers.Embedding(3, 2, mask_zero=True)
    with advice(internals.keras_mask):
        mask = internals.keras_mask(embedding(np.array([[1, 0]])))
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(mask), [[True, False]])
        assert internals.keras_mask(keras.ops.ones((1, 2))) is None
    outputs = keras.ops.convert_to_tensor(np.array([[[1.0], [5.0]]], "float32"))
    with advice(internals.set_keras_mask):
        internals.set_keras_mask(outputs, mask)
        assert internals.keras_mask(outputs) is mask
        assert float(keras.losses.MeanSquaredError()(np.zeros((1, 2, 1)), outputs)) == 1


def test_unscale_loss_undoes_the_division_by_replicas():
    with advice(internals.unscale_loss):
        assert float(internals.unscale_loss(keras.ops.convert_to_tensor(3.0))) == 3
        if keras.config.backend() == "tensorflow":
            import tensorflow as tf

            with tf.distribute.MirroredStrategy(["CPU:0"]).scope() as scope:
                del scope
                loss = keras.losses.MeanSquaredError()(np.ones((2, 1)), np.zeros((2, 1)))
                assert float(internals.unscale_loss(loss)) == 1


@pytest.mark.parametrize("name", ["Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D"])
def test_convolutions_are_those_of_keras(name):
    layer = getattr(keras.layers, name)(**({} if "Depth" in name else {"filters": 1}), kernel_size=1)
    assert isinstance(layer, internals.CONVOLUTIONS), "see CONVOLUTIONS in backend/internals.py"
    assert not isinstance(keras.layers.Dense(1), internals.CONVOLUTIONS)


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5),
    "adam": lambda: keras.optimizers.Adam(0.1, amsgrad=True, global_clipnorm=0.5),
    "adamw": lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=2),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.1, momentum=0.9, centered=True),
    "lion": lambda: keras.optimizers.Lion(0.1),
    "adafactor": lambda: keras.optimizers.Adafactor(0.1),
    "nadam": lambda: keras.optimizers.Nadam(0.1),
    "accumulating": lambda: keras.optimizers.Adam(0.1, gradient_accumulation_steps=2),
    "scaling": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), initial_scale=4.0),
}
if keras.config.backend() == "jax":
    # Its `apply` works within `fit` only, so that there is nothing to compare with.
    del OPTIMIZERS["scaling"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_pure_optimizer_takes_the_steps_of_the_real_one_and_leaves_it_as_it_was(name):
    def start():
        shapes = {"kernel": (3, 2), "bias": (2,)}
        values = {part: np.arange(1, 1 + np.prod(shape)).reshape(shape) for part, shape in shapes.items()}
        return [keras.Variable(value / 4, dtype="float32", name=part) for part, value in values.items()]

    def numbers(tensors):
        return [keras.ops.convert_to_numpy(tensor) for tensor in tensors]

    variables, optimizer, rng = start(), OPTIMIZERS[name](), np.random.default_rng(0)
    if name == "adamw":
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(variables)
    first = numbers(optimizer.variables)
    with advice(internals.pure_optimizer):
        pure = internals.pure_optimizer(optimizer)
        weights, state = [v.value for v in start()], [v.value for v in optimizer.variables]
        steps = [[rng.normal(size=v.shape).astype("float32") for v in variables] for _ in range(4)]
        for step in steps:
            gradients = [keras.ops.convert_to_tensor(g) for g in step]
            weights, state = pure.stateless_apply(state, gradients, weights)
    for before, after in zip(first, numbers(optimizer.variables), strict=True):
        np.testing.assert_array_equal(before, after)
    for step in steps:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in step], variables)
    for ours, real in zip(numbers([*weights, *state]), numbers([*variables, *optimizer.variables]), strict=True):
        np.testing.assert_allclose(ours, real, rtol=1e-5, atol=1e-7)


def test_losses_are_built_and_tracked():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, [keras.layers.Dense(1, name=name)(inputs) for name in "ab"])
    model.compile("sgd", ["mse", "mae"])
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    with advice(internals.build_losses):
        internals.build_losses(model, (x, [y, y], None))
        assert {"loss", "a_loss", "b_loss"} == {metric.name for metric in model.metrics}
    with advice(internals.track_loss):
        internals.track_loss(model, keras.ops.convert_to_tensor(3.0), x)
        internals.track_loss(model, keras.ops.convert_to_tensor(6.0), x[:2])
        assert float(model.metrics[0].result()) == 4


def test_preconditioner_of_the_optimizers_that_have_one():
    for kind in (keras.optimizers.Adam, keras.optimizers.RMSprop, keras.optimizers.Adagrad, keras.optimizers.SGD):
        variable, optimizer = keras.Variable(np.zeros(2)), kind(0.1)
        optimizer.build([variable])
        state = {id(v): keras.ops.ones_like(v.value) for v in optimizer.variables}
        with advice(internals.preconditioner):
            found = internals.preconditioner(optimizer, state)
            assert (found is None) == (kind is keras.optimizers.SGD)
            if found is not None:
                factor = 0.001**0.5 / 0.1 if kind is keras.optimizers.Adam else 1.0
                np.testing.assert_allclose(keras.ops.convert_to_numpy(found[0]), factor, rtol=1e-4)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="a name of TensorFlow's")
def test_allow_many_functions_keeps_tensorflow_from_warning():
    import tensorflow as tf

    with advice(internals.allow_many_functions):
        compiled = tf.function(lambda x: x)
        assert compiled._omit_frequent_tracing_warning is False
        internals.allow_many_functions(compiled)
        assert compiled._omit_frequent_tracing_warning is True


def test_no_other_module_uses_a_private_name_of_keras():
    names = (r"keras\.src", r"\._flatten_layers", r"\._call_has_training_arg", r"\._compile_loss\b", "_keras_history")
    private = re.compile("|".join((*names, "_omit_frequent")))
    for path in (*(ROOT / "keras_sharpness").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")):
        if path.name != "internals.py":
            assert not private.search(path.read_text()), f"{path} must go through backend/internals.py"


def test_keras_is_bounded_from_above():
    assert re.search(r"^ +keras >= \d\.\d+, < \d\.\d+$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="particulars of TensorFlow")
def test_tensorflow_moments_reach_a_normalization():
    layer = keras.layers.LayerNormalization(epsilon=0.0)
    with advice(internals.tensorflow_moments), internals.tensorflow_moments(lambda x, axes, keepdims: (x, 0 * x + 1)):
        assert not np.any(layer(np.arange(4.0)[None]))


def test_rebuilt_makes_each_step_anew_inside_models_too():
    inputs = keras.Input((3,))
    hidden = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="inner")])(inputs)
    model = keras.Model(inputs, keras.layers.Concatenate()([hidden, keras.layers.BatchNormalization()(inputs)]))
    seen = []

    def replace(step):
        seen.append(step)
        if isinstance(step, keras.Model):
            return internals.rebuilt(step, replace)
        return type(step).from_config(step.get_config())

    with advice(internals.rebuilt):
        other = internals.rebuilt(model, replace)
        assert {step.name for step in seen} >= {"inner", model.layers[-1].name}
        assert not {id(v) for v in other.variables} & {id(v) for v in model.variables}
        assert other(np.ones((2, 3))).shape == (2, 6)
        assert all(len(layer._inbound_nodes) == 1 for layer in model.layers)


def test_a_backend_that_has_computed_runs_in_threads():
    with advice(internals.runs_in_threads):
        keras.ops.convert_to_numpy(keras.ops.zeros(()))
        assert internals.runs_in_threads() == (keras.config.backend() != "torch")
