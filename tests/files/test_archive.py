import io
import zipfile

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files import archive
from keras_sharpness.files.archive import check_archive, read_arrays


def make(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def check(path):
    with path.open("rb") as file:
        check_archive(file, "it")
        assert file.tell() == 0


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_an_archive_of_plain_files_passes(tmp_path):
    check(make(tmp_path / "a.zip", [("a", b"1"), ("folder/b", b"2")]))


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "C:/a", "..\\a", "\\\\host\\share\\a"])
def test_a_path_outside_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="it must hold paths inside its own folder"):
        check(make(tmp_path / "a.zip", [("fine", b""), (name, b"")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_path_that_is_there_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="every path once. Received: path='a'"):
        check(make(tmp_path / "a.zip", [("a", b"1"), ("a", b"2")]))


def test_an_unusual_compression_is_refused(tmp_path):
    with pytest.raises(InputError, match="stored or deflated"):
        check(make(tmp_path / "a.zip", [("a", b"1")], zipfile.ZIP_LZMA))


def test_a_bomb_is_refused_by_its_declared_size(tmp_path, monkeypatch):
    path = make(tmp_path / "a.zip", [("a", bytes(300_000))])
    check(path)
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="100 times its size at most. Received: bytes=300000"):
        check(path)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="it must be a whole zip archive"):
        check(tmp_path / "a.zip")


def test_arrays_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(3), b=np.array("text"))
    found = read_arrays(tmp_path / "a.npz", "it")
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["a"], [0, 1, 2])


@pytest.mark.parametrize("content", [npy(np.arange(9))[:-1], npy(np.arange(9)) + b"0", b"no array"])
def test_a_member_that_its_header_does_not_describe_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="it must be a whole file of plain arrays"):
        read_arrays(make(tmp_path / "a.npz", [("a.npy", content)]), "it")


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{"an": "object"}]))
    with pytest.raises(InputError, match="plain arrays"):
        read_arrays(tmp_path / "a.npz", "it")
