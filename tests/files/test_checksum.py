import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sharpness.errors import InputError
from keras_sharpness.files.checksum import ends_in_its_sum, load_arrays, save_arrays, save_compressed, sha256, verify

CONTENT = b"a known file"
SUM = hashlib.sha256(CONTENT).hexdigest()
ARRAYS = {"a": np.arange(7, dtype="float32"), "b": np.array("text"), "c": np.zeros((0, 3))}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("checksum") / "arrays.npz"
    save_arrays(path, **ARRAYS)
    return path, path.read_bytes()


def test_arrays_come_back(saved):
    path, content = saved
    path.write_bytes(content)
    again = load_arrays(path)
    assert again.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(again[name], array)
    # NumPy reads it without us.
    np.testing.assert_array_equal(np.load(path)["a"], ARRAYS["a"])


def test_compressed_arrays_come_back_from_a_smaller_file(tmp_path):
    arrays = ARRAYS | {"zeros": np.zeros(10_000)}
    save_arrays(tmp_path / "stored.npz", **arrays)
    save_compressed(tmp_path / "deflated.npz", **arrays)
    again = load_arrays(tmp_path / "deflated.npz")
    assert all(np.array_equal(again[name], array) for name, array in arrays.items())
    stored, deflated = ((tmp_path / f"{name}.npz").stat().st_size for name in ("stored", "deflated"))
    assert deflated < stored / 10


@settings(max_examples=200)
@given(st.data())
def test_no_flipped_bit_goes_unnoticed(saved, data):
    path, content = saved
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(bytes(damaged))
    assert not ends_in_its_sum(path.read_bytes())
    with pytest.raises(InputError, match="it is damaged"):
        load_arrays(path)


@settings(max_examples=50)
@given(st.data())
def test_no_missing_end_goes_unnoticed(saved, data):
    path, content = saved
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert not ends_in_its_sum(path.read_bytes())


def test_sha256_is_the_standard_one():
    # The example of FIPS 180-4.
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_verify_returns_the_content_it_checked(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    assert verify(tmp_path / "file", SUM) == CONTENT


def test_verify_refuses_a_flipped_byte_by_name(tmp_path):
    (tmp_path / "file").write_bytes(b"b" + CONTENT[1:])
    with pytest.raises(InputError, match=rf"{tmp_path}/file must have the SHA-256 {SUM}"):
        verify(tmp_path / "file", SUM)


def test_verify_reports_an_unreadable_file(tmp_path):
    with pytest.raises(InputError, match="must be a plain file"):
        verify(tmp_path, SUM)
