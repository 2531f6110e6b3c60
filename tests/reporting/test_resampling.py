"""The distribution of tau over resampled pools."""

import numpy as np

from keras_sharpness.reporting import resampling
from keras_sharpness.reporting.resampling import resampled_tau
from keras_sharpness.statistics import kendall
from tests.reporting.fake_run import cloud


def test_resamples_are_those_of_the_interval():
    models = cloud(40)
    found = kendall(models["sharpness"], models["test_loss"])
    np.testing.assert_allclose(np.quantile(resampled_tau(models), [0.025, 0.975]), [found.ci_low, found.ci_high])


def test_a_large_pool_has_fewer_and_a_larger_one_none(monkeypatch):
    monkeypatch.setattr(resampling, "MOST_MODELS_IN_PAIRS", 10)
    monkeypatch.setattr(resampling, "MOST_DRAWS", 40 * 300)
    taus = resampled_tau(cloud(40))
    assert taus.shape == (300,) and 0 < taus.mean() < 1
    assert resampled_tau(cloud(61)).size == 0
