import numpy as np
import pandas as pd

from keras_sharpness.measures import plots


def test_paths_show_the_rise_of_each_batch_and_their_mean():
    losses = np.array([[1.0, 1.5, 2.0], [2.0, 2.5, 4.0]])
    axes = plots.paths(losses).axes[0]
    lines = [line.get_ydata() for line in axes.get_lines()]
    for expected in (losses[0] - 1.0, losses[1] - 2.0, (losses - losses[:, :1]).mean(axis=0)):
        assert any(len(line) == 3 and np.allclose(line, expected) for line in lines)


def test_sharpness_against_rho_has_a_line_for_each_batch_size():
    table = pd.DataFrame({"rho": [0.1, 0.2] * 2, "m": [4, 4, 8, 8], "sharpness": [1.0, 2, 3, 4], "standard_error": 0.1})
    axes = plots.sharpness_against_rho(table).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["m = 4", "m = 8"]


def test_levels_are_of_equal_ratio_where_losses_differ_much():
    places = {"a path": np.array([[0, 0], [1, 1.0]]), "a model": np.array([[0, 1.0]])}
    losses = np.array([[0.01, 1.0], [10.0, np.inf]])
    figure = plots.plane(np.array([0, 1]), np.array([0, 1]), losses, ("random", "to b (distance)"), places)
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("random direction", "to b (distance)")
    assert bar.get_yscale() == "log" and bar.get_ylim()[0] == 0.01
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(places)
    even = plots.plane(np.array([0, 1]), np.array([0, 1]), np.array([[1.0, 2], [3, 4]]), ("random", "random"))
    assert even.axes[1].get_yscale() != "log"
