import json

import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError

CALLS = {
    "worst case": lambda *a: ks.worst_case_sharpness(*a, rho=0.1).losses,
    "average case": lambda *a: ks.average_case_sharpness(*a, rho=0.1, num_draws=3).losses,
    "grid": lambda *a: ks.sharpness_grid(*a, rhos=[0.1]).table["sharpness"],
    "attribution": lambda *a: ks.attribute(*a, rho=0.1)["sharpness"],
    "keskar": lambda *a: ks.keskar_sharpness(*a).value,
    "eigenvalues": lambda *a: ks.hessian.top_eigenvalues(*a).values,
    "gradient norm": lambda *a: ks.gradient_norm(*a),
    "fisher rao": lambda *a: ks.fisher_rao_norm(*a).value,
    "flatness": lambda *a: ks.relative_flatness(*a).value,
    "critical": lambda *a: ks.critical_sharpness(*a).value,
    "line": lambda *a: ks.landscape.line(*a, num_points=3).losses,
    "plane": lambda *a: ks.landscape.plane(*a, num_points=3).losses,
}


@pytest.fixture(scope="module")
def sample(small):
    return ks.Sample(*small)


@pytest.mark.parametrize("measure", CALLS)
def test_every_measure_of_a_sample_is_that_of_its_parts(small, sample, measure):
    for _ in range(2):
        np.testing.assert_allclose(CALLS[measure](sample), CALLS[measure](*small), rtol=1e-5)


def test_a_sample_sees_the_weights_of_its_model_as_they_are_now(small, sample):
    model = small[0]
    weights, before = model.get_weights(), ks.gradient_norm(sample)
    try:
        model.set_weights([2 * w for w in weights])
        assert ks.gradient_norm(sample) == pytest.approx(ks.gradient_norm(*small), rel=1e-5)
        assert ks.gradient_norm(sample) != pytest.approx(before, rel=1e-3)
    finally:
        model.set_weights(weights)


def test_whole_takes_each_of_the_examples_once(small):
    sample = ks.Sample(*small, examples=[2, 3, 5], m=2, num_batches=4)
    assert sample.batches.shape == (4, 2)
    assert set(sample.batches.ravel()) <= {2, 3, 5}
    assert sample.whole().batches.tolist() == [[2, 3, 5]]
    assert sample.whole() is sample.whole()
    other = sample.with_batches(np.array([[0, 1]]), seed=7)
    assert other.batches.tolist() == [[0, 1]]
    assert sample.batches.shape == (4, 2)


def test_its_description_repeats_the_draw(small):
    sample = ks.Sample(*small, examples=[2, 3, 5], m=2, num_batches=4, seed=3, select=["out"])
    described = json.loads(json.dumps(sample.describe("anything")))
    assert described["examples"] == [2, 3, 5]
    names = ("m", "num_batches", "seed", "examples", "select", "training", "normalize_logits")
    again = ks.Sample(*small, **{name: described[name] for name in names})
    np.testing.assert_array_equal(again.batches, sample.batches)


def test_descriptions_are_of_pythons_own_numbers(small):
    numbers = {"m": np.int64(4), "num_batches": np.int32(2), "seed": np.int64(3)}
    ascent = ks.Restarts(maximizer=ks.PGA(num_steps=np.int64(2), step_size=np.float32(0.5)), num_restarts=np.int8(2))
    layers = small[0].layers
    worst = ks.worst_case_sharpness(*small, rho=np.float32(0.5), maximizer=ascent, select=layers[-1:], **numbers)
    average = ks.average_case_sharpness(*small, rho=np.float64(0.5), select=layers[0].kernel, **numbers)
    described = json.loads(json.dumps(worst.config))
    assert described["rho"] == 0.5
    assert described["maximizer"]["maximizer"]["step_size"] == 0.5
    assert described["select"] == ["out"]
    assert json.loads(json.dumps(average.config))["select"] == layers[0].kernel.path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.zeros((3, 3))}, "a sample must be given without what it holds"),
        ({"m": 3}, "a sample must be given without what it holds"),
        ({"rate": 3}, "further arguments must be among"),
    ],
)
def test_what_a_sample_holds_is_refused_next_to_it(sample, arguments, message):
    with pytest.raises(InputError, match=message):
        ks.worst_case_sharpness(sample, **arguments)


@pytest.mark.parametrize("select", ["nothing", 5, []])
def test_a_selection_that_matches_nothing_is_refused(small, select):
    with pytest.raises(InputError, match="`select` must"):
        ks.Sample(*small, select=select)


SLOW_ONES = {
    "block": lambda *data, **shown: ks.worst_case_sharpness(*data, m=2, num_batches=3, plan="sequential", **shown),
    "product": lambda *data, **shown: ks.hessian.trace(*data, num_products=3, **shown),
    "pass": lambda *data, **shown: ks.gradient_norm(*data, batch_size=5, **shown),
}


@pytest.mark.parametrize("unit", SLOW_ONES)
def test_measures_show_their_steps_unless_told_not_to(small, terminal, unit):
    SLOW_ONES[unit](*small)
    assert unit in terminal()
    SLOW_ONES[unit](*small, progress=False)
    assert terminal() == ""
