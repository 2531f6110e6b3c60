"""Whatever bytes a file holds, its reader returns what was written, or refuses it by name; and it stays small."""

import os
import pickle
import resource

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sharpness.cli.user_files import load_data
from keras_sharpness.data import abalone, embedded, idx, planetoid
from keras_sharpness.errors import InputError
from keras_sharpness.files.checksum import load_arrays, save_arrays
from keras_sharpness.reporting.report import write_report
from keras_sharpness.reporting.run_folder import read_run
from tests.faults import corpus

ROOM = 2**30
bounded = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module", autouse=True)
def little_memory():
    """A reader that asks for a gibibyte more than the process has is told that there is none."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@st.composite
def damaged(draw, content):
    """The content cut, with a byte changed, or other bytes altogether."""
    kind = draw(st.sampled_from(["cut", "flip", "flip", "random"]))
    if kind == "random":
        return draw(st.binary(max_size=300))
    place = draw(st.integers(0, len(content) - 1))
    if kind == "cut":
        return content[:place]
    return content[:place] + bytes([content[place] ^ draw(st.integers(1, 255))]) + content[place + 1 :]


def reads_or_refuses(read):
    """Returns what was read; None if it was refused in one line."""
    try:
        return read()
    except InputError as error:
        assert str(error).splitlines() == [str(error)]
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("readers")


@bounded
@given(st.data())
def test_data_of_measure(folder, data):
    path = folder / "data.npz"
    path.write_bytes(data.draw(damaged(corpus.arrays())))
    found = reads_or_refuses(lambda: load_data(str(path)))
    if found is not None:
        np.testing.assert_array_equal(found[0], corpus.X)
        np.testing.assert_array_equal(found[1], corpus.Y)


@bounded
@given(st.data())
def test_files_of_a_pool(folder, data):
    path = folder / "arrays.npz"
    save_arrays(path, x=corpus.X)
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    assert reads_or_refuses(lambda: load_arrays(path)) is None


@bounded
@given(st.data())
def test_fashion_mnist(folder, data):
    name = data.draw(st.sampled_from(list(idx.SHA256)))
    for other in idx.SHA256:
        (folder / other).write_bytes(corpus.GZIP_BOMB)
    (folder / name).write_bytes(data.draw(damaged(corpus.GZIP_BOMB)))
    assert reads_or_refuses(lambda: idx.find(folder)) is None


@bounded
@given(st.data())
def test_abalone(folder, data):
    (folder / "abalone.csv").write_bytes(data.draw(damaged(embedded.read("abalone.csv"))))
    assert reads_or_refuses(lambda: abalone.load(folder)) is None


PICKLES = [
    pickle.dumps({0: [1, 2], 1: [0]}, protocol=2),
    pickle.dumps(np.arange(12.0).reshape(3, 4), protocol=2),
    pickle.dumps(scipy.sparse.eye(4, format="csr"), protocol=2),
]


@settings(bounded, max_examples=200)
@given(st.data())
def test_pickles_of_planetoid(data):
    content = data.draw(damaged(data.draw(st.sampled_from(PICKLES))))
    reads_or_refuses(lambda: planetoid.unpickle(content, "file"))


def damage_run(folder, data):
    corpus.write_run(folder)
    name = data.draw(st.sampled_from(sorted(corpus.run_files())))
    (folder / name).write_bytes(data.draw(damaged((folder / name).read_bytes())))


@settings(bounded, max_examples=150)
@given(st.data())
def test_folders_of_runs(folder, data):
    damage_run(folder, data)
    run = reads_or_refuses(lambda: read_run(folder))
    if run is not None:
        assert -1 <= run.kendall.tau <= 1
        assert run.setting("rho") >= 0
        assert len(run.models) > 0


@settings(bounded, max_examples=6)
@given(st.data())
def test_what_a_damaged_run_still_says_can_be_reported(folder, data):
    damage_run(folder, data)
    reads_or_refuses(lambda: write_report(folder))
