import logging

import keras
import numpy as np
import pytest
from keras import layers

import keras_sharpness as ks

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = np.sin(X[:, :1])
FEW = {"rho": 0.1, "m": 8, "num_batches": 2}
STEPS = ks.PGA(num_steps=2, step_size=0.1)
RESTARTS = ks.Restarts(maximizer=ks.APGD(num_steps=2), num_restarts=2)
MEASURES = {
    "l2": lambda *of: ks.worst_case_sharpness(*of, norm="l2", maximizer=STEPS, **FEW).losses,
    "restarts in l1": lambda *of: ks.worst_case_sharpness(*of, norm="l1", maximizer=RESTARTS, **FEW).losses,
    "average": lambda *of: ks.average_case_sharpness(*of, num_draws=4, **FEW).losses,
    "flatness": lambda *of: ks.relative_flatness(*of, num_products=3).value,
    "line": lambda *of: ks.landscape.line(*of, num_points=3).losses,
}


def network(dtype="float32"):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, activation="tanh", dtype=dtype), layers.Dense(1, dtype=dtype)]
    )
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape, scale=0.5))
    return model


@pytest.fixture(scope="module")
def expected():
    return {name: measure(network(), X, Y, "mse") for name, measure in MEASURES.items()}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("measure", MEASURES)
def test_weights_of_every_type_are_perturbed_in_at_least_float32(expected, dtype, measure):
    if dtype == "float64" and keras.config.backend() == "jax":
        pytest.skip("JAX holds float64 only where it is told to")
    tolerance = {"float16": 5e-3, "bfloat16": 3e-2, "float64": 1e-4}[dtype]
    found = MEASURES[measure](network(dtype), X, Y, "mse")
    np.testing.assert_allclose(found, expected[measure], rtol=tolerance, atol=tolerance)


def about_rounding(caplog):
    return [line for line in caplog.messages if "is below the resolution of bfloat16 for" in line]


@pytest.mark.parametrize("measure", [ks.worst_case_sharpness, ks.average_case_sharpness, ks.attribute])
def test_perturbations_below_the_resolution_are_announced(caplog, measure):
    sample = ks.Sample(network("mixed_bfloat16"), X, Y, "mse", m=8, num_batches=2)
    for _ in range(2):
        measure(sample, rho=1e-5)
    (line,) = about_rounding(caplog)
    assert line.endswith("which stand still: all move from rho=0.0039 on")
    caplog.clear()
    measure(sample, rho=0.004)
    measure(ks.Sample(network(), X, Y, "mse", m=8, num_batches=2), rho=1e-5)
    assert not about_rounding(caplog)


def test_the_share_is_that_of_the_weights_that_do_not_change(caplog):
    caplog.set_level(logging.WARNING)
    model = network("mixed_bfloat16")
    rounded, still, size = keras.ops.cast, 0, 0
    for variable in model.trainable_variables:
        w = np.array(keras.ops.convert_to_numpy(variable.value))
        ends = [keras.ops.convert_to_numpy(rounded(rounded(w + d, "bfloat16"), "float32")) for d in (0, 5e-4, -5e-4)]
        still, size = still + int(((ends[1] == ends[0]) & (ends[2] == ends[0])).sum()), size + w.size
    assert 0 < still < size
    ks.worst_case_sharpness(model, X, Y, "mse", rho=5e-4, scaling="none", m=8, num_batches=2)
    assert f"for {100 * still / size:.0f} % of the weights" in about_rounding(caplog)[0]
