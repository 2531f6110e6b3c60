import tracemalloc

import numpy as np
import pytest
import scipy.stats

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import crossed_bootstrap
from keras_sharpness.statistics.correlation import bootstrap_tau


def measured(num_models, rng, link=-0.5, num_batches=10, num_examples=40, noise=1.0):
    """Rises and test losses with effects of models, of batches and examples, and of each pair of these."""
    quality, other = rng.normal(size=(2, num_models))
    loss = link * quality + np.sqrt(1 - link**2) * other
    rises = quality[:, None] + rng.normal(size=num_batches) + noise * rng.normal(size=(num_models, num_batches))
    losses = loss[:, None] + rng.normal(size=num_examples) + 2 * noise * rng.normal(size=(num_models, num_examples))
    return rises, losses


def true_tau(link=-0.5, num_batches=10, num_examples=40, noise=1.0):
    """Over fresh models, batches and examples: means are normal pairs, and what all models share drops out."""
    return 2 / np.pi * np.arcsin(link / np.sqrt((1 + noise**2 / num_batches) * (1 + 4 * noise**2 / num_examples)))


def half_width(r):
    return np.arctanh(r.ci_high) - np.arctanh(r.tau)


def test_tau_is_that_of_the_means():
    rises, losses = measured(30, np.random.default_rng(0))
    r = crossed_bootstrap(rises, losses, num_resamples=20)
    assert r.tau == pytest.approx(scipy.stats.kendalltau(rises.mean(axis=1), losses.mean(axis=1)).statistic)
    assert r.num_models == 30


def test_over_models_it_is_the_plain_bootstrap():
    rises, losses = measured(60, np.random.default_rng(1))
    r = crossed_bootstrap(rises, losses, ["models"], num_resamples=4000)
    spread = np.arctanh(bootstrap_tau(rises.mean(axis=1), losses.mean(axis=1))).std()
    assert half_width(r) == pytest.approx(1.96 * spread, rel=0.05)


@pytest.mark.parametrize("shared", [True, False])
def test_over_batches_and_examples_it_is_resampling_by_hand(shared):
    rng = np.random.default_rng(2)
    rises, losses = measured(40, rng)
    r = crossed_bootstrap(rises, losses, ["batches", "examples"], shared_batches=shared, num_resamples=2000)
    taus = []
    for _ in range(2000):
        columns = rng.integers(10, size=10) if shared else rng.integers(10, size=(40, 10))
        x = rises[:, columns] if shared else np.take_along_axis(rises, columns, axis=1)
        y = losses[:, rng.integers(40, size=40)]
        taus.append(scipy.stats.kendalltau(x.mean(axis=1), y.mean(axis=1)).statistic)
    assert half_width(r) == pytest.approx(1.96 * np.arctanh(taus).std(), rel=0.08)


def test_more_sources_make_a_wider_interval():
    data = measured(40, np.random.default_rng(3))
    widths = [half_width(crossed_bootstrap(*data, over)) for over in (["batches"], ["models"], ["models", "batches"])]
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.slow
@pytest.mark.parametrize("link", [0.0, -0.6])
def test_interval_covers_over_fresh_models_batches_and_examples(link):
    rng, repetitions, covered = np.random.default_rng(4), 200, 0
    for _ in range(repetitions):
        r = crossed_bootstrap(*measured(50, rng, link), num_resamples=100)
        covered += r.ci_low <= true_tau(link) <= r.ci_high
    # Slightly conservative; 100 resamples know their spread to 7 %.
    assert covered >= repetitions - scipy.stats.binom.ppf(0.999, repetitions, 0.06)


def test_memory_is_bounded():
    losses = np.broadcast_to(np.arange(1000, dtype=np.float32)[:, None], (1000, 20_000))  # 160 MB in float64
    rises = np.random.default_rng(5).normal(size=(1000, 5))
    tracemalloc.start()
    crossed_bootstrap(rises, losses, num_resamples=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6


def test_seed_decides():
    data = measured(20, np.random.default_rng(6))
    first, again, other = (crossed_bootstrap(*data, num_resamples=30, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"over": ["seeds"]}, "`over` must be among models, batches, examples"),
        ({"over": []}, "`over` must be among"),
        ({"rises": np.ones(20)}, "`rises` must have a row per model"),
        ({"rises": np.ones((14, 3))}, "at least 15 models"),
        ({"rises": np.ones((20, 1))}, "two batches or more"),
        ({"rises": np.arange(38.0).reshape(19, 2)}, "`rises` and `test_losses` must be of one length"),
        ({"test_losses": np.full((20, 4), np.nan)}, "`test_losses` must be finite"),
        ({"num_resamples": 0}, "`num_resamples`"),
    ],
)
def test_bad_input_is_named(change, message):
    rises, losses = measured(20, np.random.default_rng(7))
    with pytest.raises(InputError, match=message):
        crossed_bootstrap(**({"rises": rises, "test_losses": losses} | change))
