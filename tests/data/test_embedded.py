import hashlib
import io

import numpy as np
import pytest

from keras_sharpness.data import embedded
from keras_sharpness.errors import InputError

SUMS = {
    "abalone.csv": "de37cdcdcaaa50c309d514f248f7c2302a5f1f88c168905eba23fe2fbc78449f",
    "cora.npz": "bd41086621d581477f6a75d5eb64afb0ec21f77d266a1b0e4274d32e79d46150",
}


@pytest.mark.parametrize("name", SUMS)
def test_files_are_as_shipped(name):
    assert embedded.sha256_of(name) == SUMS[name]
    assert hashlib.sha256(embedded.read(name)).hexdigest() == SUMS[name]


def test_a_damaged_file_is_refused_by_name(tmp_path, monkeypatch):
    content = bytearray(embedded.read("abalone.csv"))
    content[100] ^= 1
    (tmp_path / "abalone.csv").write_bytes(content)
    (tmp_path / "SHA256SUMS").write_bytes((embedded.FOLDER / "SHA256SUMS").read_bytes())
    monkeypatch.setattr(embedded, "FOLDER", tmp_path)
    with pytest.raises(InputError, match="abalone.csv must have the SHA-256"):
        embedded.read("abalone.csv")


def test_cora_holds_no_pickles():
    arrays = np.load(io.BytesIO(embedded.read("cora.npz")), allow_pickle=False)
    assert {name: (array.dtype, array.shape) for name, array in arrays.items()} == {
        "feature_columns": (np.uint16, (49216,)),
        "feature_starts": (np.int32, (2709,)),
        "edges": (np.uint16, (2, 5278)),
        "labels": (np.uint8, (2708,)),
    }
