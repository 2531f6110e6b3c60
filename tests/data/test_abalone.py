import numpy as np
import pytest

from keras_sharpness import data
from keras_sharpness.data import abalone, embedded
from keras_sharpness.errors import InputError


@pytest.fixture(scope="module")
def dataset():
    return data.load("abalone")


def test_all_rows_are_read(dataset):
    assert (dataset.x.shape, dataset.x.dtype) == ((4177, 10), np.float32)
    assert (dataset.y.shape, dataset.y.dtype) == ((4177, 1), np.float32)


def test_the_file_is_parsed_column_by_column():
    sex, measurements, rings = abalone.parse(embedded.read("abalone.csv"))
    assert np.bincount(sex).tolist() == [1528, 1307, 1342]
    # The first line, which is an example and no header: M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15,15
    assert sex[0] == 0
    np.testing.assert_array_equal(measurements[0], [0.455, 0.365, 0.095, 0.514, 0.2245, 0.101, 0.15])
    assert rings[0] == 15
    assert np.flatnonzero(measurements[:, 2] == 0).tolist() == [1257, 3996]
    assert (rings.min(), rings.max(), round(rings.mean(), 3)) == (1, 29, 9.934)


def test_the_split_parts_the_rows(dataset):
    assert (len(dataset.train), len(dataset.test), len(dataset.validation)) == (3341, 836, 0)
    assert np.array_equal(np.sort(np.concatenate([dataset.train, dataset.test])), np.arange(4177))


def test_the_split_depends_on_its_seed_alone(dataset):
    assert np.array_equal(data.load("abalone").train, dataset.train)
    assert not np.array_equal(data.load("abalone", split_seed=1).train, dataset.train)
    # Results quote seeds: the same seed must mean the same rows in every release.
    assert dataset.test[:5].tolist() == [0, 3, 6, 9, 10]


def test_training_columns_have_mean_0_and_unbiased_deviation_1(dataset):
    for columns in (dataset.x, dataset.y):
        training = columns[dataset.train].astype(np.float64)
        np.testing.assert_allclose(training.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(training.std(axis=0, ddof=1), 1, atol=1e-6)
        # The test rows have no part in it.
        assert np.abs(columns[dataset.test].mean(axis=0)).max() > 1e-3


def test_standardization_ignores_rows_outside_the_training_split():
    columns, train = np.array([[1.0], [3.0], [100.0]]), np.array([0, 1])
    np.testing.assert_allclose(abalone.standardize(columns, train), (columns - 2) / np.sqrt(2), rtol=1e-6)


def test_columns_are_one_hot_sexes_then_measurements(dataset):
    sex, measurements, rings = abalone.parse(embedded.read("abalone.csv"))
    for column in range(3):
        # One standardized value for the examples of this sex, a lower one for all others.
        ours = dataset.x[:, column] > 0
        assert np.array_equal(ours, sex == column)
    for column in range(7):
        assert np.corrcoef(dataset.x[:, 3 + column], measurements[:, column])[0, 1] > 0.999999
    assert np.corrcoef(dataset.y[:, 0], rings)[0, 1] > 0.999999


@pytest.mark.parametrize("path", ["abalone.data", "abalone.csv", "abalone/abalone.data"])
def test_a_file_in_data_dir_is_used(dataset, tmp_path, monkeypatch, path):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(embedded.read("abalone.csv"))
    read = []
    verify = abalone.verify
    monkeypatch.setattr(abalone, "verify", lambda path, expected: read.append(path) or verify(path, expected))
    assert np.array_equal(data.load("abalone", tmp_path).x, dataset.x)
    assert read == [tmp_path / path]


def test_another_file_in_data_dir_is_refused_by_name(tmp_path):
    (tmp_path / "abalone.data").write_bytes(embedded.read("abalone.csv").replace(b"M", b"F", 1))
    with pytest.raises(InputError, match=r"abalone\.data must have the SHA-256 de37cdcd"):
        data.load("abalone", tmp_path)
