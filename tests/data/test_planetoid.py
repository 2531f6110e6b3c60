import hashlib
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_sharpness import data
from keras_sharpness.data import files, planetoid
from keras_sharpness.errors import InputError

RELEASED = Path(__file__).resolve().parents[3] / "shared" / "data" / "planetoid"
needs_files = pytest.mark.skipif(not RELEASED.is_dir(), reason="Planetoid's files are not beside the repository")


@pytest.fixture(scope="module")
def dataset():
    return data.load("cora", RELEASED)


@pytest.fixture
def copy(tmp_path):
    for name in planetoid.SHA256:
        shutil.copyfile(RELEASED / name, tmp_path / name)
    return tmp_path


@needs_files
def test_the_public_split_is_used(dataset):
    assert "public split" in dataset.source
    assert np.array_equal(dataset.train, np.arange(140))
    assert np.array_equal(dataset.validation, np.arange(140, 640))
    assert np.array_equal(dataset.test, np.arange(1708, 2708))


@needs_files
def test_labels_are_counted_as_published(dataset):
    counts = [np.bincount(dataset.y[indices]).tolist() for indices in (dataset.train, dataset.validation, dataset.test)]
    assert counts == [[20] * 7, [61, 36, 78, 158, 81, 57, 29], [130, 91, 144, 319, 149, 103, 64]]


@needs_files
def test_test_rows_belong_to_the_nodes_of_the_test_index(dataset):
    nodes = np.loadtxt(RELEASED / "ind.cora.test.index", dtype=int)
    rows = planetoid.unpickle((RELEASED / "ind.cora.tx").read_bytes(), "tx")
    labels = planetoid.unpickle((RELEASED / "ind.cora.ty").read_bytes(), "ty")
    assert np.array_equal(dataset.x.features[nodes], rows.toarray())
    assert np.array_equal(dataset.y[nodes], labels.argmax(axis=1))


def signature(dataset):
    """What is left of each node when the order of nodes and features is forgotten: label, words, degree."""
    degrees = np.bincount(dataset.x.edges[1], minlength=2708)
    words = dataset.x.features.sum(axis=1).astype(int)
    return sorted(zip(dataset.y.tolist(), words.tolist(), degrees.tolist(), strict=True))


@needs_files
def test_the_shipped_graph_is_the_same(dataset):
    shipped = data.load("cora")
    assert shipped.x.edges.shape == dataset.x.edges.shape
    assert signature(shipped) == signature(dataset)
    frequencies = [np.sort(graph.features.sum(axis=0)) for graph in (shipped.x, dataset.x)]
    assert np.array_equal(*frequencies)
    # How many words neighbours share depends on all of it.
    shared = [np.sort((g.features[g.edges[0]] * g.features[g.edges[1]]).sum(axis=1)) for g in (shipped.x, dataset.x)]
    assert np.array_equal(*shared)


@needs_files
def test_files_are_found_in_the_folder_planetoid(copy, tmp_path_factory):
    parent = tmp_path_factory.mktemp("parent")
    copy.rename(parent / "planetoid")
    assert "public split" in data.load("cora", parent).source


@needs_files
@pytest.mark.parametrize("name", ["ind.cora.allx", "ind.cora.test.index"])
def test_a_flipped_byte_is_refused_by_name(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[-3] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} must have the SHA-256"):
        data.load("cora", copy)


@needs_files
def test_a_missing_file_is_named(copy):
    (copy / "ind.cora.ty").unlink()
    with pytest.raises(InputError, match=r"missing=\['ind\.cora\.ty'\]"):
        data.load("cora", copy)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@needs_files
def test_a_malicious_pickle_is_refused_though_its_sum_is_right(copy, tmp_path_factory, monkeypatch):
    trace = tmp_path_factory.mktemp("trace") / "trace"
    content = pickle.dumps(Malicious(str(trace)), protocol=2)
    (copy / "ind.cora.graph").write_bytes(content)
    monkeypatch.setitem(planetoid.SHA256, "ind.cora.graph", hashlib.sha256(content).hexdigest())
    with pytest.raises(InputError, match=r"ind\.cora\.graph must hold .* Received: \w+\.mkdir"):
        data.load("cora", copy)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "numpy.load", "numpy.core.multiarray.fromfile", "collections.Counter"]
)
def test_every_other_global_is_refused_by_name(name):
    module, attribute = name.rsplit(".", 1)
    content = b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b"."
    with pytest.raises(InputError, match=f"file must hold .* Received: {name}"):
        planetoid.unpickle(content, "file")


def test_a_broken_pickle_is_refused_by_name():
    with pytest.raises(InputError, match="file must be a whole pickle"):
        planetoid.unpickle(pickle.dumps([1, 2], protocol=2)[:-2], "file")


def test_only_a_download_reaches_for_the_network(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked = []

    def fetch(url, expected, path):
        asked.append((url, expected))
        raise InputError("no network")

    monkeypatch.setattr(files, "fetch", fetch)
    assert "balanced split" in data.load("cora", tmp_path).source
    assert asked == []
    with pytest.raises(InputError, match="no network"):
        data.load("cora", tmp_path, download=True)
    assert asked == [(planetoid.URL + "ind.cora.x", planetoid.SHA256["ind.cora.x"])]


@needs_files
def test_files_fetched_before_are_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(files, "fetch", lambda url, expected, path: shutil.copy(RELEASED / path.name, path))
    files.cache_folder("planetoid").mkdir(parents=True)
    assert "public split" in data.load("cora", download=True).source
    monkeypatch.setattr(files, "fetch", lambda *arguments: pytest.fail("network"))
    assert "public split" in data.load("cora", download=True).source
