import hashlib
import time

import numpy as np
import pytest

from keras_sharpness import data
from keras_sharpness.data import fashion_mnist, idx
from keras_sharpness.errors import InputError

needs_files = pytest.mark.skipif(not idx.DEBIAN.is_dir(), reason="FashionMNIST is not in /usr/share/datasets")
LOAD = """
import sys
from keras_sharpness import data
dataset = data.load("fashion_mnist", *sys.argv[1:])
print(dataset.source)
"""


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tfds")


@pytest.fixture(scope="module")
def original():
    """FashionMNIST as its files have it, no TensorFlow involved."""
    return idx.parse(idx.find_or_fetch(download=False))


@needs_files
@pytest.mark.slow
def test_tensorflow_datasets_prepares_it_from_local_files_quietly(run_python, tfds_folder):
    process = run_python("-c", LOAD, TFDS_DATA_DIR=str(tfds_folder), no_proxy="", http_proxy="http://127.0.0.1:9")
    assert process.returncode == 0, process.stderr
    assert process.stdout == "FashionMNIST, public split\n"
    assert (tfds_folder / "fashion_mnist" / "3.0.1" / "dataset_info.json").exists()
    assert "it/s" not in process.stderr and "absl" not in process.stderr.replace("absl::InitializeLog", "")
    assert not (tfds_folder / "downloads").exists()


@needs_files
def test_what_was_prepared_is_loaded_fast_and_in_the_order_of_the_files(tfds_folder, original):
    if not (tfds_folder / "fashion_mnist").is_dir():
        pytest.skip("the test that prepares the data set did not run")
    start = time.monotonic()
    dataset = data.load("fashion_mnist", tfds_folder)
    assert time.monotonic() - start < 3
    pixels, labels = original
    assert (dataset.x.shape, dataset.x.dtype, dataset.y.dtype) == ((70000, 28, 28, 1), np.float32, np.int32)
    assert np.array_equal(dataset.y, labels)
    rows = np.arange(0, 70000, 997)
    np.testing.assert_allclose(dataset.x[rows], (pixels[rows] / 255 - 0.2860) / 0.3530, rtol=1e-6, atol=1e-6)
    assert np.array_equal(dataset.train, np.arange(60000))
    assert np.array_equal(dataset.test, np.arange(60000, 70000))
    assert np.bincount(dataset.y[dataset.train]).tolist() == [6000] * 10
    assert abs(dataset.x[dataset.train].mean()) < 1e-3
    assert abs(dataset.x[dataset.train].std() - 1) < 1e-3


@needs_files
def test_a_damaged_copy_is_refused_by_name(tfds_folder):
    path = tfds_folder / "fashion_mnist" / "3.0.1" / "decoded.npz"
    if not path.is_file():
        pytest.skip("the test that prepares the data set did not run")
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-100])
        with pytest.raises(InputError, match=r"decoded\.npz must be a whole \.npz file; delete it"):
            data.load("fashion_mnist", tfds_folder)
    finally:
        path.write_bytes(content)


def test_sums_and_address_are_those_of_tensorflow_datasets():
    infos = data.builder("fashion_mnist").url_infos
    assert {url: info.checksum for url, info in infos.items()} == {
        idx.URL + name: expected for name, expected in idx.SHA256.items()
    }


@pytest.fixture
def without_tensorflow(monkeypatch):
    monkeypatch.setattr(fashion_mnist, "is_installed", lambda name: False)


@needs_files
def test_the_files_alone_do_without_tensorflow(without_tensorflow, original):
    dataset = data.load("fashion_mnist", idx.DEBIAN)
    assert dataset.source == "FashionMNIST, public split"
    assert np.array_equal(dataset.y, original[1])
    assert np.array_equal(dataset.x, fashion_mnist.normalize(original[0]))


def test_other_examples_are_refused(without_tensorflow, monkeypatch):
    pixels, labels = np.zeros((2, 28, 28, 1), np.uint8), np.zeros(2, np.uint8)
    monkeypatch.setattr(idx, "find_or_fetch", lambda download: {})
    monkeypatch.setattr(idx, "parse", lambda originals: (pixels, labels))
    with pytest.raises(InputError, match="must hold FashionMNIST's examples"):
        data.load("fashion_mnist")
    expected = hashlib.sha256(bytes(2 * 28 * 28 + 2)).hexdigest()
    monkeypatch.setattr(fashion_mnist, "CONTENT_SHA256", expected)
    assert data.load("fashion_mnist").x.shape == (2, 28, 28, 1)


def test_wrong_files_in_data_dir_are_refused_whatever_is_cached(tmp_path):
    for name in idx.SHA256:
        (tmp_path / name).write_bytes(b"no gzip file")
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz must have the SHA-256"):
        data.load("fashion_mnist", tmp_path)


@needs_files
def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(run_python, tmp_path):
    (tmp_path / "file").touch()
    process = run_python("-c", LOAD, TFDS_DATA_DIR=str(tmp_path / "file"))
    assert process.stderr.splitlines()[-1].startswith("keras_sharpness.errors.InputError: ")
    assert "must be writable" in process.stderr.splitlines()[-1]


def test_normalize_is_the_formula():
    pixels = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(fashion_mnist.normalize(pixels), (pixels / 255 - 0.2860) / 0.3530, rtol=1e-6, atol=1e-7)
    assert fashion_mnist.normalize(pixels).dtype == np.float32
