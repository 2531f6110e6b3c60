"""What the page on a pool over hyper-parameters draws."""

import json

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.reporting import page_data
from keras_sharpness.reporting.pool_figures import pool_figures
from keras_sharpness.reporting.pool_folder import read_pool
from keras_sharpness.reporting.ranked_measures import rank


def figures(folder):
    pool = read_pool(folder)
    return pool_figures(pool, [rank(pool, name) for name in pool.targets])


@pytest.fixture(scope="module")
def found(ranked_pool):
    return figures(ranked_pool)


def test_data_are_numbers_that_json_has(found):
    assert list(found) == ["ranking", "within", "scatter", "environments"]
    for figure in found.values():
        json.dumps(figure.data, allow_nan=False)


def test_each_target_has_its_measures_and_tables(found):
    first, _, second = found["ranking"].data["targets"]
    assert (first["label"], second["label"]) == ("the gap (test loss minus training loss)", "the test loss")
    assert first["rows"][0]["values"]["psi"] == pytest.approx([1.0] * 5)
    assert [row[0] for row in first["cells"]] == [row[0] for row in first["within"]]


def test_scatter_starts_with_the_best_measure_and_the_target(found, ranked_pool):
    data, models = found["scatter"].data, read_pool(ranked_pool).ranked
    names = [column["name"] for column in data["columns"]]
    assert names[:2] == ["oracle", "gap"] and {"shuffled", "test_loss", "width"} <= set(names)
    np.testing.assert_allclose(data["columns"][0]["values"], models["oracle"], rtol=1e-5)
    assert [colour["name"] for colour in data["colours"]] == ["learning_rate", "width", "decay"]
    assert data["members"]["width"] == models["width"].astype(str).tolist()


def test_environments_are_counted_for_each_measure(found):
    data = found["environments"].data
    assert [sum(measure["counts"]) for measure in data["measures"]] == [45] * 4
    oracle, opposite = data["measures"][:2]
    assert oracle["counts"][0] == opposite["counts"][0] == 45
    assert oracle["marks"] == {"mean": 0.0, "worst": 0.0}


def test_a_hole_in_a_column_stays_a_hole(make_pool, ranked_pool):
    models = pd.read_csv(ranked_pool / "models.csv")
    models.loc[:1, "shuffled"] = [np.nan, 0.0]
    columns = figures(make_pool({"models": models}))["scatter"].data["columns"]
    assert next(c["values"] for c in columns if c["name"] == "shuffled")[:2] == [None, 0.0]


def test_of_many_numbers_fewer_models_are_drawn(ranked_pool, monkeypatch):
    monkeypatch.setattr(page_data, "MOST_NUMBERS", 200)
    scatter = figures(ranked_pool)["scatter"]
    most = 200 // len(scatter.data["columns"])
    shown = {len(column["values"]) for column in scatter.data["columns"]}
    shown |= {len(colour["numbers"]) for colour in scatter.data["colours"]} | {len(scatter.data["members"]["model"])}
    assert shown == {most} and f"Shown are {most} of the" in scatter.caption
