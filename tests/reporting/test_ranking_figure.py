import numpy as np

from keras_sharpness.reporting.drawing import POINT_COLOUR, REFERENCE_COLOUR
from keras_sharpness.reporting.pool_folder import read_pool
from keras_sharpness.reporting.ranked_measures import criteria, rank
from keras_sharpness.reporting.ranking_figure import ranking


def test_each_criterion_has_a_dot_for_each_measure_under_its_kind(ranked_pool):
    pool = read_pool(ranked_pool)
    rows = rank(pool, "gap").rows
    rows.loc[rows["measure"] == "shuffled", "tau"] = np.nan
    panels = ranking(rows, criteria(pool), "title").axes
    names = [label.get_text() for label in panels[0].get_yticklabels()]
    assert names == ["sharpness", "oracle", "norm", "opposite", "shuffled", "pac bayes", "only_rate"]
    dots = [[line for line in panel.lines if line.get_marker() == "o"] for panel in panels]
    assert [len(found) for found in dots] == [4, 3, 4, 4]
    assert dots[0][0].get_xdata()[0] == rows["psi"][0] and dots[0][0].get_ydata()[0] == 1
    assert [dot.get_color() for dot in dots[0]] == [POINT_COLOUR, POINT_COLOUR, REFERENCE_COLOUR, POINT_COLOUR]
