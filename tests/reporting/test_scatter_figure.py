"""The scatter plot: what it says and what it shows."""

import io
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_sharpness.reporting.scatter_figure import scatter
from keras_sharpness.statistics import Kendall

KENDALL = Kendall(tau=-0.185, p_value=0.0576, ci_low=-0.36, ci_high=0.002, num_models=50)


def table(x, y, error=0.01):
    return pd.DataFrame({"sharpness": x, "test_loss": y, "sharpness_standard_error": error}, dtype=float)


def draw(models, loss_name="cross-entropy", **options):
    return scatter(models, KENDALL, title="GAT on Cora", loss_name=loss_name, rho=0.02, **options)


def cloud(num_models=50):
    return np.random.default_rng(0).normal([0.5, 1.6], [0.05, 0.1], (num_models, 2)).T


def points(axes):
    return np.concatenate(
        [collection.get_offsets() for collection in axes.collections if hasattr(collection, "get_sizes")]
    )


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_annotation():
    assert texts(draw(table(*cloud())).axes[0]) == ["τ = −0.185 [−0.360, 0.002], p = 0.058, 50 models"]


def test_size_in_pixels():
    buffer = io.BytesIO()
    draw(table(*cloud())).savefig(buffer, format="png")
    with Image.open(buffer) as image:
        assert image.size == (1200, 800)


def test_labels_carry_units():
    axes = draw(table(*cloud())).axes[0]
    assert axes.get_xlabel() == "Adaptive worst-case sharpness, ρ = 0.02 (nats)"
    assert axes.get_ylabel() == "Test cross-entropy (nats)"
    axes = draw(table(*cloud()), "mean squared error", sharpness_name="Worst-case sharpness").axes[0]
    assert axes.get_xlabel() == "Worst-case sharpness, ρ = 0.02 (MSE)"
    assert axes.get_ylabel() == "Test mean squared error"


def test_small_values_move_their_power_of_ten_to_the_label():
    x, y = cloud()
    axes = draw(table(x * 1e-3, y, 1e-5)).axes[0]
    assert axes.get_xlabel().endswith("($10^{-4}$ nats)")


def test_every_model_is_a_point_with_its_error_bar():
    x, y = cloud()
    axes = draw(table(x, y)).axes[0]
    np.testing.assert_allclose(points(axes), np.column_stack([x, y]))
    assert len(axes.collections[0].get_segments()) == 50
    low, high = axes.get_xlim()
    assert low < (x - 0.01).min() and (x + 0.01).max() < high


def test_many_models_have_no_error_bars():
    axes = draw(table(*cloud(5000))).axes[0]
    assert len(axes.collections[0].get_segments()) == 0
    assert len(points(axes)) == 5000


def test_far_models_are_marked_on_the_edge():
    x, y = cloud()
    x[3], y[7] = 40, -9
    axes = draw(table(x, y)).axes[0]
    assert "▲ 2 models outside the axes" in texts(axes)
    assert axes.get_xlim()[1] < 1 and axes.get_ylim()[0] > 1
    assert (points(axes)[:, 0] == axes.get_xlim()[1]).sum() == 1
    assert (points(axes)[:, 1] == axes.get_ylim()[0]).sum() == 1


def test_moderate_outlier_is_shown():
    x, y = cloud()
    x[3] = x.max() + np.ptp(x)
    axes = draw(table(x, y)).axes[0]
    assert axes.get_xlim()[1] > x[3]
    assert len(texts(axes)) == 1


def test_axis_that_spans_magnitudes_is_logarithmic():
    x, y = cloud()
    axes = draw(table(np.exp(40 * x), y)).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert draw(table(np.exp(40 * x) - np.exp(40 * x).max() / 2, y)).axes[0].get_xscale() == "linear"


@pytest.mark.parametrize(
    ("x", "y", "error"),
    [
        ([], [], []),
        ([0.5], [1.0], 0.1),
        ([0.5, 0.5, 0.5], [1.0, 1.0, 1.0], 0.0),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 0.0),
        ([0.1, np.nan, np.inf, 0.3], [1.0, 2.0, 3.0, 4.0], np.nan),
        ([0.1, 0.2], [1.0, 1e300], np.inf),
    ],
)
def test_odd_pools_draw_without_warnings(x, y, error):
    draw(table(x, y, error)).savefig(io.BytesIO(), format="png")


def test_models_that_are_not_finite_are_not_drawn():
    x, y = cloud()
    y[3] = np.nan
    assert len(points(draw(table(x, y)).axes[0])) == 49


def test_no_global_figure_is_made():
    draw(table(*cloud()))
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
