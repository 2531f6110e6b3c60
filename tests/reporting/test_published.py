"""The paper's printed figures."""

import dataclasses

import pytest

from keras_sharpness.reporting.published import PUBLISHED


def test_figure_1():
    assert {model: (p.tau, p.p_value, p.num_models, p.rho) for model, p in PUBLISHED.items()} == {
        "fcnn": (-0.311, 0.0014, 50, 0.025),
        "lenet": (-0.180, 0.065, 50, 0.0001),
        "gat": (-0.185, 0.058, 50, 0.02),
    }


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PUBLISHED["fcnn"].tau = 0.0
