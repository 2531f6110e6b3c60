"""Axes: their scale, limits and labels."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_sharpness.reporting.axes import axis_label, choose_axis, finish_axis, loss_unit, spans_magnitudes, within

SPREAD = np.geomspace(1, 100, 50)


def test_scale():
    assert choose_axis(np.linspace(1, 2, 50), np.zeros(50))[0] == "linear"
    assert choose_axis(SPREAD, np.zeros(50))[0] == "log"
    assert choose_axis(SPREAD - 50, np.zeros(50))[0] == "linear"


def test_limits_hold_all_values_and_bars():
    _, (low, high) = choose_axis(np.linspace(1, 2, 50), np.full(50, 0.5))
    assert 0 < low < 0.5 and 2.5 < high < 3


def test_one_far_value_is_left_outside():
    values = np.append(np.linspace(1, 2, 50), 90)
    _, limits = choose_axis(values, np.zeros(51))
    assert list(within(values, limits)) == [True] * 50 + [False]


@pytest.mark.parametrize("values", [[], [3.0], [0.0, 0.0]])
def test_degenerate_values_have_limits(values):
    _, (low, high) = choose_axis(np.array(values), np.zeros(len(values)))
    assert low < high


def test_pools_span_magnitudes_together():
    near, far = np.linspace(1, 2, 50), np.linspace(100, 200, 50)
    assert not spans_magnitudes([near, 2 * near])
    assert spans_magnitudes([near, far])
    assert not spans_magnitudes([near - 1.5, far])
    assert not spans_magnitudes([np.empty(0)])


def test_units():
    assert (loss_unit("cross-entropy"), loss_unit("mean squared error"), loss_unit("loss")) == ("nats", "", "")
    assert (axis_label("Loss", "nats"), axis_label("Loss", "")) == ("Loss (nats)", "Loss")


def test_a_power_of_ten_moves_into_the_label():
    axes = Figure().add_subplot()
    axes.set(xlim=(0, 3e-5), ylim=(0, 3))
    finish_axis(axes.xaxis, "Sharpness", "nats")
    finish_axis(axes.yaxis, "Loss", "")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Sharpness ($10^{-5}$ nats)", "Loss")
