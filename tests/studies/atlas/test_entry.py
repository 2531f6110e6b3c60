"""A new measure, scored over the atlas."""

import numpy as np
import pandas as pd
import pytest

from keras_sharpness.complexity import TrainedModel
from keras_sharpness.errors import InputError
from keras_sharpness.studies.atlas.entry import Entry, read_entry, score
from keras_sharpness.studies.atlas.rows import Row
from tests.support import atlas_tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas")
    atlas_tables.write(folder)
    return folder


def entry(tmp_path, code):
    path = tmp_path / "mine.py"
    path.write_text(code)
    return read_entry(path)


def test_a_column_of_the_tables_needs_no_weights(folder, tmp_path):
    found = score(entry(tmp_path, "def column(models):\n    return 2 * models['param_norm']\n"), folder)
    psi = found.query("group == 'all' and target == 'gap' and criterion == 'psi'")
    assert psi["mean"].tolist() == pytest.approx([1]) and psi["measure"].tolist() == ["mine"]
    assert (folder / "entries" / "mine" / "answer.csv").exists()


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("x = 1\n", "must define"),
        ("1 / 0\n", "line 1: ZeroDivisionError"),
        ("def column(models):\n    return models['no_such']\n", "column.models. of mine must give a number for each"),
        ("def column(models):\n    return [1, 2]\n", "must give a number for each model"),
        ("def measure(trained):\n    return 1.0\n", "must hold the pools, since mine needs weights"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(folder, tmp_path, code, what):
    with pytest.raises(InputError, match=what):
        score(entry(tmp_path, code), folder)


def test_an_entry_is_measured_on_the_stored_pools(small_atlas, small_rows, monkeypatch):
    monkeypatch.setattr("keras_sharpness.studies.atlas.entry.rows", lambda names: [Row(names[0])])
    seen = []

    def measure(trained):
        seen.append(trained)
        return float(sum(np.square(w).sum() for w in trained.vector))

    score(Entry("mine", measure, None), small_atlas)
    found = pd.read_csv(small_atlas / "entries" / "mine" / "criteria.csv")
    assert set(found["row"]) == {"classes", "numbers"} and isinstance(seen[0], TrainedModel)
    assert set(found["measure"]) == {"mine"}
