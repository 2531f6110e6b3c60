import logging

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.measures.diagnostics import Diagnostics

BATCHES = np.random.default_rng(3).integers(0, 64, (3, 16))


@pytest.fixture
def linear():
    """A loss that is linear in the weights, so that what the linearization promises is the truth."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.set_weights([np.array([[1.0], [-2.0], [0.5]]), np.array([3.0])])
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    return model, x, np.zeros(8), lambda y, p: p


@pytest.fixture(scope="module")
def badly_scaled():
    """A trained ReLU network, its units rescaled by 1e-3 to 1e3: the same function, but no step fits all weights."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
    y = np.sin(x[:, :1])
    layers = [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), *layers])
    model.compile("adam", "mean_squared_error")
    model.fit(x, y, epochs=5, verbose=0)
    kernel, bias, out, last = model.get_weights()
    factors = 10.0 ** np.linspace(-3, 3, 16)
    model.set_weights([kernel * factors, bias * factors, out / factors[:, None], last])
    return model, x, y, None


def measure(case, maximizer, **options):
    options = {"rho": 0.01, "batches": BATCHES} | options
    return ks.worst_case_sharpness(*case, maximizer=maximizer, **options)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_linear_loss_tells_exactly_what_is_left(linear, norm):
    options = {"norm": norm, "rho": 0.1, "batches": np.arange(8)[None]}
    full = measure(linear, ks.APGD(), **options).value
    r = measure(linear, ks.PGA(num_steps=2, step_size=0.01), **options)
    assert 0.01 < r.value < 0.9 * full
    found = r.diagnostics
    np.testing.assert_allclose(found.remaining, full / r.value - 1, rtol=1e-3)
    np.testing.assert_allclose(found.single_step_ratio, r.value / full, rtol=1e-4)
    np.testing.assert_allclose(found.radius_share, r.value / full, rtol=1e-4)
    assert not r.settled
    top = measure(linear, ks.APGD(), **options).diagnostics
    assert top.settled
    np.testing.assert_allclose([*top.radius_share, *top.single_step_ratio, *top.remaining], [1, 1, 0], atol=1e-4)


def test_an_ascent_that_stands_still_far_below_the_maximum_has_not_settled(badly_scaled, caplog):
    r, best = measure(badly_scaled, ks.PGA()), measure(badly_scaled, ks.APGD(num_steps=50))
    found = r.diagnostics.means()
    assert r.value < 0.7 * best.value
    # What looked like convergence: hardly any gain, and a weight at the bound.
    assert found["last_gain"] < 0.05 and found["radius_used"] == pytest.approx(1, rel=1e-4)
    assert found["remaining"] == pytest.approx(best.value / r.value - 1, rel=0.2)
    assert found["radius_share"] < 0.7
    assert r.diagnostics.beaten and not r.settled and "not settled: one steepest step rises" in repr(r)
    assert best.settled
    (line,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "steepest step rises" in line.getMessage() and "\n" not in line.getMessage()


@pytest.mark.parametrize("norm", ["linf", *(pytest.param(name, marks=pytest.mark.slow) for name in ("l2", "l1"))])
def test_automatic_steps_are_near_the_maximum(badly_scaled, norm):
    options = {"norm": norm, "rho": {"linf": 0.01, "l2": 0.05, "l1": 0.2}[norm]}
    best, single = (measure(badly_scaled, m, **options) for m in (ks.APGD(num_steps=50), ks.SingleStep()))
    for num_steps in (1, 5):
        r = measure(badly_scaled, ks.PGA(num_steps=num_steps, step_size="auto"), **options)
        assert r.value > 0.97 * best.value
        assert (r.per_batch >= single.per_batch * (1 - 1e-5)).all()
        assert not r.diagnostics.beaten


def test_a_single_step_is_what_the_measure_of_that_name_finds(badly_scaled):
    single = measure(badly_scaled, ks.SingleStep())
    for maximizer in (ks.PGA(), ks.Restarts(maximizer=ks.PGA(), num_restarts=3)):
        np.testing.assert_allclose(
            measure(badly_scaled, maximizer).diagnostics.single_rise, single.per_batch, rtol=1e-4
        )


def test_a_rise_within_rounding_is_not_settled(badly_scaled, caplog):
    r = measure(badly_scaled, ks.APGD(), rho=1e-9)
    assert r.diagnostics.verdict == "not settled: no rise beyond rounding"
    assert not [record for record in caplog.records if record.name.endswith("diagnostics")]


def diagnostics(**fields):
    fields = {"rise": 0.2, "single_rise": 0.1, "last_gain": 0, "remaining": 0, "radius_used": 1} | fields
    fields = {"restart_gap": np.nan, "radius_share": 1, "resolution": 1e-6} | fields
    return Diagnostics(**{name: np.array([value, value], float) for name, value in fields.items()})


@pytest.mark.parametrize(
    ("fields", "verdict", "warns"),
    [
        ({}, "settled", False),
        ({"last_gain": 0.2}, "not settled: the last step added 0.2 of the rise", False),
        ({"remaining": 0.3}, "not settled: the slope promises 0.3 times the rise on top", False),
        ({"remaining": 14.0}, "not settled: the slope promises 14 times the rise on top", True),
        ({"single_rise": 0.3}, "not settled: one steepest step rises 1.5 times as far", True),
        ({"single_rise": 0.206}, "not settled: one steepest step rises 1.03 times as far", False),
        # Rounding of the loss decides nothing.
        ({"rise": 1e-5, "single_rise": 1.05e-5}, "settled", False),
        ({"rise": 0, "single_rise": -1}, "not settled: no rise beyond rounding", False),
        ({"single_rise": np.nan}, "not settled: the loss became non-finite", False),
    ],
)
def test_the_verdict(fields, verdict, warns, caplog):
    found = diagnostics(**fields)
    assert found.verdict == verdict and found.settled is (verdict == "settled")
    assert str(found).startswith(verdict) and "\n" not in repr(found)
    found.warn()
    assert bool(caplog.records) is warns


def test_batches_that_rise_most_count_most():
    found = diagnostics(rise=0.1, remaining=0.0)
    found.rise[1], found.single_rise[1], found.remaining[1] = 1e-5, 1e-5, 100.0
    assert found.means()["remaining"] == pytest.approx(1e-3 / 0.10001)
    assert found.settled
