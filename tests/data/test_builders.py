import numpy as np
import pytest

from keras_sharpness import data
from keras_sharpness.data import abalone, builders, cora, embedded
from keras_sharpness.errors import InputError

tfds = pytest.importorskip("tensorflow_datasets")


def read(name, folder, **kwargs):
    """Prepares a data set in `folder` and returns its splits as dictionaries of arrays."""
    builder = data.builder(name, folder, **kwargs)
    builder.download_and_prepare()
    return {split: tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1)) for split in builder.info.splits}


def rows(columns, names):
    """The examples as a sorted list, since TensorFlow Datasets shuffles them."""
    return sorted(zip(*(columns[name].tolist() for name in names), strict=True))


def test_abalone_has_the_raw_columns_in_the_splits_of_load(tmp_path):
    splits = read("abalone", tmp_path)
    dataset = data.load("abalone")
    sex, measurements, rings = abalone.parse(embedded.read("abalone.csv"))
    columns = dict(zip(abalone.MEASUREMENTS, measurements.astype(np.float32).T, strict=True))
    columns |= {"sex": sex, "rings": rings}
    assert set(splits) == {"train", "test"}
    for split, stored in splits.items():
        indices = getattr(dataset, split)
        assert rows(stored, columns) == rows({name: column[indices] for name, column in columns.items()}, columns)


def test_abalone_names_its_sexes():
    assert data.builder("abalone").info.features["sex"].names == ["M", "F", "I"]


def test_cora_s_papers_are_in_the_splits_of_load(tmp_path):
    splits = read("cora", tmp_path)
    dataset = data.load("cora")
    assert {split: len(stored["id"]) for split, stored in splits.items()} == {
        "train": 140,
        "validation": 500,
        "test": 1000,
        "rest": 1068,
    }
    for split in ("train", "validation", "test"):
        assert np.array_equal(np.sort(splits[split]["id"]), getattr(dataset, split))
    for stored in splits.values():
        assert np.array_equal(stored["features"], dataset.x.features[stored["id"]])
        assert np.array_equal(stored["label"], dataset.y[stored["id"]])
    assert len(np.unique(np.concatenate([stored["id"] for stored in splits.values()]))) == 2708


def test_cora_s_citations_are_the_edges_of_load(tmp_path):
    edges = read("cora", tmp_path, config="citations")["edges"]
    assert rows(edges, ("sender", "receiver")) == sorted(map(tuple, data.load("cora").x.edges.T.tolist()))


def test_cora_names_its_subjects():
    assert data.builder("cora").info.features["label"].names == list(cora.SUBJECTS)


def test_builders_are_known_to_tensorflow_datasets(tmp_path):
    data.builder("abalone", tmp_path)
    assert type(tfds.builder("abalone", data_dir=tmp_path)).__name__ == "Abalone"


def test_a_data_set_that_another_process_prepared_meanwhile_serves(tmp_path, monkeypatch):
    late, first = (data.builder("abalone", tmp_path) for _ in range(2))

    def refused(**options):
        raise FileExistsError("Destination already exists")

    monkeypatch.setattr(late, "download_and_prepare", refused)
    with pytest.raises(InputError, match="must be writable. Received: Destination already exists"):
        builders.prepare(late, tmp_path)
    first.download_and_prepare()
    builders.prepare(late, tmp_path)
