"""Archives of files: each is read by itself; what is damaged or compressed is refused."""

import zipfile

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.packed import read_directory, read_entry, write_archive

CONTENTS = {"00000.npz": b"first", "00001.npz": b"", "00002.npz": bytes(1000)}


def test_each_file_is_read_by_itself(tmp_path):
    path = tmp_path / "block.zip"
    write_archive(path, CONTENTS.items())
    found = read_directory(path)
    assert {name: read_entry(path, entry) for name, entry in found.items()} == CONTENTS


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "block.zip"
    write_archive(path, CONTENTS.items())
    path.write_bytes(path.read_bytes().replace(b"first", b"worst"))
    found = read_directory(path)
    assert read_entry(path, found["00002.npz"]) == bytes(1000)
    with pytest.raises(InputError, match=r"block\.zip/00000\.npz must be a whole file"):
        read_entry(path, found["00000.npz"])


def test_compressed_files_are_refused(tmp_path):
    path = tmp_path / "block.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("00000.npz", bytes(1000))
    with pytest.raises(InputError, match="not compressed"):
        read_directory(path)
