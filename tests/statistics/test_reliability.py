import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import disattenuated_kendall, split_half_reliability


def measured(num_models, rng, link=-0.5, noise=3.0, num_batches=20):
    """Rises with effects of models, of batches (shared by all), and noise; normal."""
    quality, other = rng.normal(size=(2, num_models))
    rises = quality[:, None] + rng.normal(size=num_batches) + noise * rng.normal(size=(num_models, num_batches))
    return rises, link * quality + np.sqrt(1 - link**2) * other


def tau_of(link):
    return 2 / np.pi * np.arcsin(link)


@pytest.mark.parametrize(("noise", "num_batches"), [(1.0, 10), (3.0, 20), (3.0, 21)])
def test_reliability_is_the_share_of_variance_that_is_not_noise(noise, num_batches):
    rises, _ = measured(3000, np.random.default_rng(0), noise=noise, num_batches=num_batches)
    truth = 1 / (1 + noise**2 / (num_batches // 2 * 2))
    assert split_half_reliability(rises) == pytest.approx(truth, abs=0.02)


def test_two_batches_by_hand():
    rises, loss = measured(40, np.random.default_rng(1), num_batches=2, noise=1.0)
    r = np.sin(np.pi / 2 * scipy.stats.kendalltau(*rises.T).statistic)
    assert split_half_reliability(rises, num_splits=3) == pytest.approx(2 * r / (1 + r))
    found = disattenuated_kendall(rises, loss)
    tau = scipy.stats.kendalltau(rises.mean(axis=1), loss).statistic
    assert (found.tau, found.reliability) == pytest.approx((tau, 2 * r / (1 + r)))
    corrected = 2 / np.pi * np.arcsin(np.sin(np.pi / 2 * tau) / np.sqrt(found.reliability))
    assert found.corrected.tau == pytest.approx(corrected)


def test_interval_leaves_out_each_model():
    rises, loss = measured(30, np.random.default_rng(2), noise=1.0)
    r = disattenuated_kendall(rises, loss)
    z = np.arctanh([disattenuated_kendall(np.delete(rises, i, 0), np.delete(loss, i)).corrected.tau for i in range(30)])
    error = np.sqrt(29 / 30 * np.square(z - z.mean()).sum())
    ends = np.tanh(np.arctanh(r.corrected.tau) + scipy.stats.t.ppf([0.025, 0.975], 29) * error)
    assert (r.corrected.ci_low, r.corrected.ci_high) == pytest.approx(tuple(ends))


@pytest.mark.slow
@pytest.mark.parametrize("link", [0.0, -0.6])
@pytest.mark.parametrize("num_models", [50, 200])
def test_correction_is_unbiased_and_its_interval_covers(num_models, link):
    rng, repetitions = np.random.default_rng([num_models, int(-10 * link)]), 150
    found = [disattenuated_kendall(*measured(num_models, rng, link), num_splits=10) for _ in range(repetitions)]
    assert np.mean([r.corrected.tau for r in found]) == pytest.approx(tau_of(link), abs=0.03)
    if link:
        assert np.mean([r.tau for r in found]) > tau_of(link) + 0.05
    missed = sum(not r.corrected.ci_low <= tau_of(link) <= r.corrected.ci_high for r in found)
    assert missed <= scipy.stats.binom.ppf(0.999, repetitions, 0.06)


def test_sharpness_that_is_not_normal_is_corrected_nearly():
    rises, loss = measured(3000, np.random.default_rng(3), -0.6)
    skewed = np.exp(rises / 2)
    r = disattenuated_kendall(skewed, loss)
    assert abs(r.corrected.tau - tau_of(-0.6)) < 0.5 * abs(r.tau - tau_of(-0.6))


def test_noise_has_no_reliability_and_no_corrected_tau():
    rises = np.random.default_rng(4).normal(size=(5, 20, 4))
    reliabilities = [split_half_reliability(part) for part in rises]
    worst = rises[np.argmin(reliabilities)]
    assert min(reliabilities) < 0
    r = disattenuated_kendall(worst, np.arange(20))
    assert np.isfinite(r.tau)
    assert np.isnan([r.corrected.tau, r.corrected.ci_low, r.corrected.p_value]).all()


def test_seed_decides():
    rises, _ = measured(20, np.random.default_rng(5))
    assert split_half_reliability(rises) == split_half_reliability(rises) != split_half_reliability(rises, seed=1)


@pytest.mark.parametrize(
    ("rises", "message"),
    [
        (np.ones(20), r"`rises` must have shape"),
        (np.ones((20, 1)), "3 models and 2 batches"),
        (np.full((20, 4), np.nan), "`rises` must be finite"),
        (np.ones((20, 4)), "`rises` must not be the same for all models"),
        (np.arange(76.0).reshape(19, 4), "`rises` and `test_loss` must be of one length"),
    ],
)
def test_bad_input_is_named(rises, message):
    with pytest.raises(InputError, match=message):
        disattenuated_kendall(rises, np.arange(20))
