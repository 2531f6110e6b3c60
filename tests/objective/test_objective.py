import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_sharpness import backend
from keras_sharpness.errors import InputError
from keras_sharpness.models import fcnn
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective, values
from tests.support import cases

BATCH = np.array([3, 17, 3, 39])


@pytest.fixture(params=cases.CASES)
def case(request):
    return cases.CASES[request.param]()


def posed(case):
    """Returns the objective and the arguments (weights, state, data, batch) that it is evaluated at."""
    at = (*values(case.model), case.data.tensors, ops.convert_to_tensor(BATCH))
    return case.objective, at


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def test_loss_and_gradient_are_those_of_the_float64_reference(case):
    objective, at = posed(case)
    loss, gradient = backend.compile(backend.value_and_grad(objective.loss))(*at)
    expected, gradients = case.reference(BATCH)(case.weights)
    assert number(loss) == pytest.approx(expected, rel=1e-5)
    for ours, theirs in zip(gradient, gradients, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs, rtol=1e-3, atol=1e-5)


def test_repeated_examples_count_repeatedly(case):
    objective, at = posed(case)
    single = [number(objective.loss(*at[:3], ops.convert_to_tensor(BATCH[k : k + 1]))) for k in range(4)]
    assert number(objective.loss(*at)) == pytest.approx(np.mean(single), rel=1e-5)
    assert single[0] == single[2]


def test_nothing_is_left_behind_in_the_model():
    case = cases.lenet5()
    before = [ops.convert_to_numpy(v.value) for v in case.model.variables]
    objective, at = posed(case)
    loss, state = objective.loss_and_state(*at, training=True)
    # Batch statistics and the counters of dropout move on in what is returned, and only there.
    for old, new in zip(at[1], state, strict=True):
        assert (ops.convert_to_numpy(old) != ops.convert_to_numpy(new)).any()
    for variable, value in zip(case.model.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), value)
    _, again = objective.loss_and_state(*at, training=True)
    assert number(objective.loss(*at, training=True)) == number(loss)
    for a, b in zip(state, again, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


def test_weights_and_state_are_those_given():
    case = cases.lenet5()
    objective, (weights, state, *rest) = posed(case)
    loss = number(objective.loss(weights, state, *rest))
    moved = [w + 0.1 for w in weights]
    assert number(objective.loss(moved, state, *rest)) != pytest.approx(loss, rel=1e-3)
    larger = [4 * s if "float" in str(s.dtype) else s for s in state]
    assert number(objective.loss(weights, larger, *rest)) != pytest.approx(loss, rel=1e-3)


def test_inference_mode_keeps_the_state():
    objective, at = posed(cases.lenet5())
    _, state = objective.loss_and_state(*at, training=False)
    for old, new in zip(at[1], state, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(old), ops.convert_to_numpy(new))


def test_the_error_rate_is_the_share_of_wrong_predictions():
    case = cases.lenet5()
    predicted = case.model.predict(case.x, verbose=0).argmax(axis=1)
    case.y[:] = predicted
    case.y[3] = (predicted[3] + 1) % 10
    objective, at = posed(case)
    assert number(objective.error(*at)) == pytest.approx(0.5)  # example 3 is in the batch twice
    loss, error = objective.loss_and_error(*at, training=False)
    assert number(error) == pytest.approx(0.5)
    assert number(loss) == pytest.approx(number(objective.loss(*at)), rel=1e-6)


def test_regression_has_no_error_rate():
    objective, at = posed(cases.fcnn())
    assert np.isnan(number(objective.loss_and_error(*at, training=False)[1]))


def test_the_compiled_loss_is_the_default():
    case = cases.fcnn()
    case.model.compile(loss="mean_absolute_error")
    case.loss = None
    # First of all, since on JAX Keras gives the model new arrays in place of those that it has.
    expected = np.abs(case.model.predict(case.x[BATCH], verbose=0) - case.y[BATCH]).mean()
    objective, at = posed(case)
    assert number(objective.loss(*at)) == pytest.approx(expected, rel=1e-5)


class NoTrainingArgument(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(x)


@pytest.mark.parametrize("training", [False, True])
def test_a_model_whose_call_takes_no_training(training):
    model, x = NoTrainingArgument(), np.ones((2, 3), "float32")
    model(x)
    data = LabelledData(x, np.zeros((2, 1), "float32"))
    batch = ops.convert_to_tensor(np.arange(2))
    loss = Objective(model, "mse").loss(*values(model), data.tensors, batch, training=training)
    assert number(loss) == pytest.approx(float(np.mean(model.predict(x, verbose=0) ** 2)), rel=1e-5)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: "fcnn", "`model` must be a Keras model. Received: model='str'"),
        (lambda: keras.Sequential([layers.Dense(1)]), "`model` must be built"),
    ],
)
def test_what_is_no_built_model_is_refused(model, message):
    with pytest.raises(InputError, match=message):
        Objective(model(), "mse")


@pytest.mark.parametrize(
    ("x", "y", "loss", "message"),
    [
        (np.ones((4, 9)), np.ones((4, 1)), "mse", "`x` must be inputs that the model takes"),
        (np.ones((4, 10)), np.ones((4, 3, 2)), "mse", "`y` must be targets that the loss takes"),
        (np.full((4, 10), np.nan), np.ones((4, 1)), "mse", "`x` must hold only finite numbers"),
        (np.ones((4, 10)), np.full((4, 1), 2), "binary_crossentropy", "from 0 to 1"),
    ],
)
def test_data_that_do_not_fit_are_refused_before_anything_is_computed(x, y, loss, message):
    data = LabelledData(x, y)
    with pytest.raises(InputError, match=message) as error:
        Objective(fcnn(), loss).check(data, np.arange(4))
    assert "\n" not in str(error.value)


def test_targets_outside_the_examples_do_not_matter():
    y = np.ones((4, 1))
    y[3] = np.nan
    Objective(fcnn(), "mse").check(LabelledData(np.ones((4, 10)), y), np.arange(3))
