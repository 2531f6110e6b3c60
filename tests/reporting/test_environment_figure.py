import numpy as np

from keras_sharpness.reporting.environment_figure import environments


def test_median_and_worst_of_each_measure_are_marked():
    axes = environments({"one": np.array([0.1, 0.2, 0.9]), "other": np.array([0.5])}, "title").axes[0]
    marked = [(line.get_marker(), line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines]
    assert [mark for mark in marked if mark[0] in "ox"] == [("o", 0.2, 0), ("x", 0.9, 0), ("o", 0.5, 1), ("x", 0.5, 1)]
