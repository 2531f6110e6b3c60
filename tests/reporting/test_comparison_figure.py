"""Several pools in the same axes."""

import io

import numpy as np

from keras_sharpness.reporting.comparison_figure import comparison
from keras_sharpness.reporting.drawing import REFERENCE_COLOUR
from keras_sharpness.reporting.sources import read_groups
from tests.reporting.fake_run import cloud


def draw(make_csv, *tables):
    runs = [make_csv(f"{index}.csv", table) for index, table in enumerate(tables)]
    pools = read_groups(runs[:-1], runs[-1])["models"]
    figure = comparison(pools, title="GAT", loss_name="cross-entropy")
    figure.savefig(io.BytesIO(), format="png")
    return figure


def test_the_reference_lies_open_on_top_of_a_faded_crowd(make_csv):
    figure = draw(make_csv, cloud(50), cloud(5000, seed=1), cloud(60, seed=2))
    for axes in figure.axes:
        assert [len(points.get_offsets()) for points in axes.collections[:3]] == [5000, 50, 60]
        crowd, few, reference = axes.collections[:3]
        assert crowd.get_alpha() < few.get_alpha()
        assert not len(reference.get_facecolor())
    np.testing.assert_allclose(figure.axes[0].collections[2].get_offsets()[:, 0], cloud(60, seed=2)["sharpness"])
    assert [text.get_text().split(":")[0].split("/")[-1] for text in figure.legends[0].get_texts()] == [
        "0.csv",
        "1.csv",
        "2.csv",
    ]
    assert "5000 models" in figure.legends[0].get_texts()[1].get_text()


def test_axes_are_logarithmic_where_levels_differ_by_magnitudes(make_csv):
    assert draw(make_csv, cloud(50), cloud(50, 0.7)).axes[0].get_xscale() == "linear"
    assert draw(make_csv, cloud(5000), cloud(50, 0.001)).axes[0].get_xscale() == "log"
    below_zero = cloud(50).assign(sharpness=lambda table: table["sharpness"] - 0.5)
    figure = draw(make_csv, cloud(50, 500), below_zero)
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "linear"]


def test_lines_through_the_ranks_have_the_sign_of_tau(make_csv):
    rising, falling = draw(make_csv, cloud(50), cloud(50, sign=-1)).axes[1].lines
    assert np.ptp(rising.get_ydata()) > 0 and rising.get_ydata()[1] > rising.get_ydata()[0]
    assert falling.get_ydata()[1] < falling.get_ydata()[0]
    assert falling.get_color() == REFERENCE_COLOUR
