import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.training.next_update import next_update, threshold

OPTIMIZERS = keras.optimizers
GRADIENT = np.array([1.0, -2.0, 0.5], "float32")


def built(optimizer):
    variable = keras.Variable(np.array([1.0, 2.0, -3.0], "float32"))
    optimizer.build([variable])
    return optimizer, variable


@pytest.mark.parametrize(
    "make",
    [
        lambda: OPTIMIZERS.SGD(0.1, momentum=0.9, weight_decay=0.01),
        lambda: OPTIMIZERS.AdamW(OPTIMIZERS.schedules.ExponentialDecay(0.1, 1, 0.5)),
        lambda: OPTIMIZERS.Adam(0.1, gradient_accumulation_steps=3, clipnorm=0.5),
        lambda: OPTIMIZERS.LossScaleOptimizer(OPTIMIZERS.Adam(0.1), initial_scale=8.0),
    ],
)
def test_it_is_what_the_optimizer_then_does(make):
    optimizer, variable = built(make())
    waits = getattr(optimizer, "gradient_accumulation_steps", None) or 1
    if keras.config.backend() == "jax" and isinstance(optimizer, OPTIMIZERS.LossScaleOptimizer):
        pytest.skip("its `apply` works within `fit` only")
    scale = 8.0 if isinstance(optimizer, OPTIMIZERS.LossScaleOptimizer) else 1.0
    for _ in range(2):
        before = ops.convert_to_numpy(variable.value).copy()
        found = next_update(optimizer, [variable.value], [ops.convert_to_tensor(GRADIENT)])
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), before)
        for _ in range(waits):
            optimizer.apply([ops.convert_to_tensor(scale * GRADIENT)], [variable])
        moved = (before - ops.convert_to_numpy(variable.value)) / found.learning_rate
        np.testing.assert_allclose(found.direction[0], moved, rtol=1e-4)


def test_the_preconditioner_is_what_the_first_gradient_is_multiplied_by():
    for make, share in (
        (lambda: OPTIMIZERS.Adam(0.1, beta_1=0.8), 0.2),
        (lambda: OPTIMIZERS.AdamW(0.1, amsgrad=True, weight_decay=0.0), 0.1),
        (lambda: OPTIMIZERS.RMSprop(0.1, centered=True), 1.0),
        (lambda: OPTIMIZERS.Adagrad(0.1), 1.0),
        (lambda: OPTIMIZERS.Adam(0.1, gradient_accumulation_steps=2), 0.1),
    ):
        optimizer, variable = built(make())
        found = next_update(optimizer, [variable.value], [ops.convert_to_tensor(GRADIENT)])
        np.testing.assert_allclose(share * found.preconditioner[0] * GRADIENT, found.direction[0], rtol=1e-4)
    optimizer, variable = built(OPTIMIZERS.SGD(0.1))
    assert next_update(optimizer, [variable.value], [ops.convert_to_tensor(GRADIENT)]).preconditioner is None


@pytest.mark.parametrize(
    ("optimizer", "update", "expected"),
    [
        (OPTIMIZERS.SGD(0.1), lambda w, m, g: (w - 0.1 * g, m), 20.0),
        (
            OPTIMIZERS.SGD(0.1, momentum=0.5),
            lambda w, m, g: (w + 0.5 * m - 0.1 * g, 0.5 * m - 0.1 * g),
            30.0,
        ),
        (
            OPTIMIZERS.SGD(0.1, momentum=0.5, nesterov=True),
            lambda w, m, g: (w + 0.25 * m - 0.15 * g, 0.5 * m - 0.1 * g),
            15.0,
        ),
        (OPTIMIZERS.Adam(0.1), lambda w, m, g: (w - 0.1 * (0.9 * m + 0.1 * g), 0.9 * m + 0.1 * g), 380.0),
    ],
)
def test_the_threshold_is_where_a_quadratic_loss_begins_to_diverge(optimizer, update, expected):
    found = threshold(optimizer, 0.1)
    assert found == pytest.approx(expected)
    for curvature, grows in ((0.99 * found, False), (1.01 * found, True)):
        w, m = 1.0, 0.0
        for _ in range(3000):
            w, m = update(w, m, curvature * w)
        assert (abs(w) > 1) == grows


def test_other_optimizers_have_no_threshold():
    assert np.isnan(threshold(OPTIMIZERS.Lion(0.1), 0.1))
