import numpy as np

from keras_sharpness.reporting.coloured_figure import MOST_PANELS, coloured
from tests.support.pool_tables import HYPER_PARAMETERS, grid_table


def test_each_hyper_parameter_colours_all_models():
    table = grid_table(num_seeds=1)
    panels = [
        axes for axes in coloured(table, "only_rate", "gap", HYPER_PARAMETERS, "title").axes if axes.get_visible()
    ]
    assert [axes.get_legend().get_title().get_text() for axes in panels] == HYPER_PARAMETERS
    for axes, name in zip(panels, HYPER_PARAMETERS, strict=True):
        points = axes.collections[0]
        np.testing.assert_allclose(points.get_offsets(), table[["only_rate", "gap"]])
        assert len(np.unique(points.get_facecolors(), axis=0)) == table[name].nunique()


def test_panels_are_bounded():
    table = grid_table(num_seeds=1)
    figure = coloured(table, "only_rate", "gap", ["width"] * 20, "title")
    assert sum(axes.get_visible() for axes in figure.axes) == MOST_PANELS
