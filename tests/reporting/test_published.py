"""The paper's printed figures."""

import dataclasses

import pytest
import scipy.stats

from keras_sharpness.reporting.published import PUBLISHED, published_points


def test_figure_1():
    assert {model: (p.tau, p.p_value, p.num_models, p.rho) for model, p in PUBLISHED.items()} == {
        "fcnn": (-0.311, 0.0014, 50, 0.025),
        "lenet": (-0.180, 0.065, 50, 0.0001),
        "gat": (-0.185, 0.058, 50, 0.02),
    }


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PUBLISHED["fcnn"].tau = 0.0


@pytest.mark.parametrize("model", PUBLISHED)
def test_points_have_the_printed_tau_up_to_reading(model):
    points = published_points().query("model == @model")
    tau = scipy.stats.kendalltau(points["sharpness"], points["test_loss"]).statistic
    assert len(points) == PUBLISHED[model].num_models
    assert tau == pytest.approx(PUBLISHED[model].tau, abs=0.015)
