"""Taus of many splits become a table and a figure."""

import pandas as pd
import pytest
from PIL import Image

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.splits_page import figure, write_splits
from keras_sharpness.studies.splits import pooled, taus_of_split
from tests.reporting.fake_run import make_models


@pytest.fixture
def tables():
    table = pd.concat([taus_of_split(make_models(seed=seed), seed) for seed in range(3)], ignore_index=True)
    return table, pooled(table)


def test_every_split_and_the_mean_are_in_the_page(tables, tmp_path):
    for name, table in zip(("splits", "pooled"), tables, strict=True):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    write_splits(tmp_path, "gat")
    lines = (tmp_path / "splits.md").read_text().splitlines()
    assert lines[0] == "# GAT on Cora: 3 splits"
    mean = tables[1].iloc[0]
    start = f"| test loss | {mean['tau']:.3f} | [{mean['tau_ci_low']:.3f}, {mean['tau_ci_high']:.3f}] | "
    assert sum(line.startswith(start) for line in lines) == 1
    first = tables[0].iloc[0]
    assert (
        sum(line.startswith(f"| 0 | 50 | {first['tau']:.3f} ± {first['standard_error']:.3f} |") for line in lines) == 1
    )
    with Image.open(tmp_path / "splits.png") as picture:
        assert picture.size[1] > 400


def test_a_column_of_the_figure_holds_all_splits_and_the_mean(tables):
    columns = figure(*tables, "GAT").axes
    assert [axes.get_title() for axes in columns][:2] == ["test loss", "gap"]
    for k, (axes, quantity) in enumerate(zip(columns, ("test loss", "gap"), strict=False)):
        (points,) = [line for line in axes.lines if line.get_marker() == "o"]
        assert list(points.get_xdata()) == list(tables[0].query(f"quantity == '{quantity}'")["tau"])
        (mean,) = [line for line in axes.lines if line.get_marker() == "D"]
        assert mean.get_xdata()[0] == tables[1]["tau"][k]


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match="splits.csv must be a readable file"):
        write_splits(tmp_path, "gat")
