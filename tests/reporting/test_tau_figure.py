"""Taus of several pools with their intervals."""

import dataclasses

from keras_sharpness.reporting.sources import PUBLISHED_SOURCE, read_groups
from keras_sharpness.reporting.tau_figure import forest
from tests.reporting.fake_run import cloud


def test_taus_and_their_intervals_are_drawn_in_the_order_of_the_names(make_csv):
    falling, rising = (
        read_groups([make_csv(f"{sign}.csv", cloud(50, sign=sign))], "none")["models"] for sign in (-1, 1)
    )
    figure = forest({"A": falling, "B": [*rising, dataclasses.replace(rising[0], is_reference=True)]})
    (axes,) = figure.axes
    assert [label.get_text().split("/")[-1] for label in axes.get_yticklabels()] == [
        "A",
        "-1.csv",
        "B",
        "1.csv",
        "1.csv",
    ]
    bars, dots = axes.lines[:-1:2], axes.lines[1:-1:2]
    for place, pool, bar, dot in zip((1, 3, 4), (*falling, *rising, *rising), bars, dots, strict=True):
        assert (*dot.get_xdata(), *dot.get_ydata()) == (pool.kendall.tau, place)
        assert [*bar.get_xdata()] == [pool.kendall.ci_low, pool.kendall.ci_high]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, False, True]
    assert axes.yaxis_inverted()


def test_names_say_which_procedure_a_run_follows(make_gat, make_csv):
    part = make_gat("part", protocol="released", as_in_paper=["ascent"])
    runs = [make_gat("text"), make_gat("code", protocol="released", as_in_paper=[]), part, make_csv("a.csv", cloud(9))]
    labels = forest({"GAT": read_groups(runs, "published")["gat"]}).axes[0].get_yticklabels()
    assert [label.get_text().split("/")[-1] for label in labels] == [
        "GAT",
        "text, the paper's text",
        "code, the released code",
        "part, the released code in part",
        "a.csv",
        PUBLISHED_SOURCE,
    ]
