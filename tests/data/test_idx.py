import gzip
import hashlib
import struct

import numpy as np
import pytest

from keras_sharpness.data import idx
from keras_sharpness.errors import InputError

COUNTS = {"train": 6, "t10k": 2}


def examples(split):
    generator = np.random.default_rng(len(split))
    pixels = generator.integers(0, 256, (COUNTS[split], 28, 28, 1), np.uint8)
    return pixels, generator.integers(0, 10, COUNTS[split], np.uint8)


def compress(content, split, name=""):
    """Compresses as the authors did, with name and time in the header, or as Debian does, without."""
    compressed = gzip.compress(content, mtime=0)[10:]
    flags, time = (8, idx.COMPRESSED[split]) if name else (0, 1591347949)
    ending = name.encode() + b"\0" if name else b""
    return b"\x1f\x8b\x08" + struct.pack("<BI", flags, time) + b"\x00\x03" + ending + compressed


def write_files(folder, named, monkeypatch):
    """Writes a tiny data set of the same form and registers the sums of its released form."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    for split, count in COUNTS.items():
        pixels, labels = examples(split)
        for kind, header, content in (
            ("images-idx3", struct.pack(">IIII", 2051, count, 28, 28), pixels),
            ("labels-idx1", struct.pack(">II", 2049, count), labels),
        ):
            name = f"{split}-{kind}-ubyte"
            released = compress(header + content.tobytes(), split, name)
            written = released if named else compress(header + content.tobytes(), split)
            (folder / f"{name}.gz").write_bytes(written)
            sums[f"{name}.gz"] = hashlib.sha256(released).hexdigest()
    monkeypatch.setattr(idx, "SHA256", sums)


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("named", [True, False], ids=["released", "debian"])
@pytest.mark.parametrize("folder", [".", "fashion-mnist"])
def test_files_are_read_as_released(tmp_path, monkeypatch, named, folder):
    write_files(tmp_path / folder, named, monkeypatch)
    originals = idx.find(tmp_path)
    assert {name: hashlib.sha256(content).hexdigest() for name, content in originals.items()} == idx.SHA256
    pixels, labels = idx.parse(originals)
    expected = [np.concatenate(parts) for parts in zip(examples("train"), examples("t10k"), strict=True)]
    assert np.array_equal(pixels, expected[0])
    assert np.array_equal(labels, expected[1])


@pytest.mark.parametrize("position", [20, -9])
def test_a_flipped_byte_is_refused_by_name(tmp_path, monkeypatch, position):
    write_files(tmp_path, False, monkeypatch)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"train-labels-idx1-ubyte\.gz must have the SHA-256"):
        idx.find(tmp_path)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("length", [0, 5, 40, -1])
def test_a_truncated_file_is_refused_by_name(tmp_path, monkeypatch, named, length):
    write_files(tmp_path, named, monkeypatch)
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte\.gz must have the SHA-256"):
        idx.find(tmp_path)


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    write_files(tmp_path, True, monkeypatch)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match=r"missing=\['t10k-labels-idx1-ubyte\.gz'\]"):
        idx.find(tmp_path)


def test_debian_s_package_is_found(tmp_path, monkeypatch):
    write_files(tmp_path / "debian", False, monkeypatch)
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "debian")
    assert set(idx.find_or_fetch(download=False)) == set(idx.SHA256)


def test_what_is_nowhere_is_not_fetched_unasked(monkeypatch):
    monkeypatch.setattr(idx.files, "fetch", lambda *arguments: pytest.fail("network"))
    with pytest.raises(InputError, match="dataset-fashion-mnist.*--data_dir.*--download") as caught:
        idx.find_or_fetch(download=False)
    assert "\n" not in str(caught.value)


def test_a_download_fetches_the_registered_files(tmp_path, monkeypatch):
    write_files(tmp_path / "server", True, monkeypatch)

    def fetch(url, expected, path):
        assert (url, expected) == (idx.URL + path.name, idx.SHA256[path.name])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((tmp_path / "server" / path.name).read_bytes())

    monkeypatch.setattr(idx.files, "fetch", fetch)
    assert set(idx.find_or_fetch(download=True)) == set(idx.SHA256)
