"""The page and the table of a comparison."""

import dataclasses

import numpy as np

from keras_sharpness.reporting.comparison_page import page, row
from keras_sharpness.reporting.sources import Pool, read_groups
from tests.reporting.fake_run import cloud


def pool(source, model="gat", seeds=False, **settings):
    points = cloud(20).assign(seed=range(20)) if seeds else cloud(20)
    return Pool(source=source, model=model, points=points, settings=settings)


def test_every_model_has_its_section_findings_and_figure():
    text = page({"gat": [pool("a")], "mlp": [pool("b", "mlp")]}, {"gat": ["found a"], "mlp": ["found b", "more"]})
    assert text.startswith("# Comparison of pools\n")
    for words in ("## GAT on Cora", "## mlp", "**found a**", "**more**", "(compare_mlp.png)", "## How to read this"):
        assert words in text
    assert "published points" not in text and "difference of tau" not in text


def test_a_difference_says_what_it_is_over():
    text = page({"gat": [pool("a", seeds=True), pool("b", seeds=True), pool("c")]}, {"gat": []})
    assert "| a minus b | 0.000 | [0.000, 0.000] | 1 | 20 networks in both pools |" in text
    (line,) = (line for line in text.splitlines() if line.startswith("| a minus c | 0.000 | ["))
    assert line.endswith("| independent pools |")


def test_the_published_figures_are_quoted_with_the_published_points(make_gat):
    text = page(read_groups([make_gat()], "published"), {"gat": []})
    assert "which prints tau = -0.185 (p = 0.058)" in text


def test_settings_that_differ():
    pools = [pool("a", rho=0.1, m=64, command="x"), pool("b", rho=0.2, m=64, command="y"), pool("c")]
    text = page({"gat": pools}, {"gat": []})
    assert "|  | a | b |\n| --- | --- | --- |\n| rho | 0.1 | 0.2 |\n\n" in text
    assert "| m |" not in text and "command" not in text
    same = [pools[0], dataclasses.replace(pools[0], source="b")]
    assert "No known setting differs" in page({"gat": same}, {"gat": []})


def test_a_row_holds_tau_and_quantiles():
    found, points = row("gat", pool("a")), cloud(20)
    assert (found["model"], found["source"], found["num_models"]) == ("gat", "a", 20)
    assert found["sharpness_median"] == np.median(points["sharpness"])
    assert found["test_loss_max"] == points["test_loss"].max()
