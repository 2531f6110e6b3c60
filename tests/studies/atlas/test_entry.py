"""A new measure, scored over the atlas."""

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.atlas.entry import read_entry, score
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
