"""Rows of every kind of source, by index and piece by piece."""

import keras
import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.objective.row_readers import ArrayRows, BatchRows, LoaderRows, is_map_style, is_on_disk
from tests.support.large_data import OnDisk, Sequence, mapped

X, Y = np.arange(46, dtype="float32").reshape(23, 2), np.arange(23, dtype="int32")
SIZES = [5, 5, 5, 5, 3]
EXAMPLES = np.array([0, 3, 4, 5, 6, 12, 21, 22])


def h5(tmp_path):
    file = pytest.importorskip("h5py").File(tmp_path / "x.h5", "w")
    return file.create_dataset("x", data=X)


def tf_data():
    return pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices((X, Y)).batch(5)


def loader(**options):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    return torch.utils.data.DataLoader(data, **({"batch_size": 5} | options))


READERS = {
    "array": lambda path: ArrayRows((X, Y)),
    "mapped": lambda path: ArrayRows((mapped(X, path / "x.npy"), Y)),
    "h5py": lambda path: ArrayRows((h5(path), Y)),
    "on disk": lambda path: ArrayRows((OnDisk(X), OnDisk(Y))),
    "tf.data": lambda path: BatchRows(tf_data(), SIZES),
    "PyDataset": lambda path: BatchRows(Sequence((X, Y), 5), SIZES),
    "iterable": lambda path: BatchRows([(X[:20], Y[:20]), (X[20:], Y[20:])], [20, 3]),
    "DataLoader": lambda path: LoaderRows(loader()),
}


@pytest.mark.parametrize("make", READERS.values(), ids=READERS)
def test_every_reader_finds_the_same_rows(make, tmp_path):
    reader = make(tmp_path)
    assert reader.num_examples == 23
    for examples in (EXAMPLES, np.array([7]), np.arange(23)):
        x, y = reader.take(examples)
        np.testing.assert_array_equal(x, X[examples])
        np.testing.assert_array_equal(y, Y[examples])


@pytest.mark.parametrize("size", [1, 3, 7, 30])
@pytest.mark.parametrize("make", READERS.values(), ids=READERS)
def test_pieces_hold_the_examples_in_order_and_repeats_repeatedly(make, size, tmp_path):
    examples = np.array([0, 3, 3, 3, 4, 9, 10, 11, 12, 13, 14, 22])
    pieces = [*make(tmp_path).pieces(examples, size)]
    expected = [examples[start : start + size] for start in range(0, len(examples), size)]
    assert [y.tolist() for _, y in pieces] == [part.tolist() for part in expected]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in pieces]), X[examples])


def test_only_batches_that_hold_an_example_are_read():
    batches = Sequence((X, Y), 5)
    BatchRows(batches, SIZES).take(EXAMPLES)
    assert batches.read == [0, 1, 2, 4]


def test_a_pass_ends_with_the_last_example():
    seen = []

    class Watched:
        def __iter__(self):
            for k in range(5):
                seen.append(k)
                yield Sequence((X, Y), 5)[k]

    BatchRows(Watched(), SIZES).take(np.array([1, 7]))
    assert seen == [0, 1]


def test_a_loader_reads_only_the_examples_that_are_asked_for():
    torch, read = pytest.importorskip("torch"), []

    class Noted(torch.utils.data.Dataset):
        def __len__(self):
            return 23

        def __getitem__(self, index):
            read.append(index)
            return X[index], Y[index]

    rows = LoaderRows(torch.utils.data.DataLoader(Noted(), batch_size=5, drop_last=True))
    assert rows.num_examples == 20
    np.testing.assert_array_equal(rows.take(np.array([2, 19]))[0], X[[2, 19]])
    assert read == [2, 19]


@pytest.mark.parametrize(
    "options",
    [{"shuffle": True}, {"batch_size": None}, {"collate_fn": lambda rows: rows}, {"sampler": [3, 1]}],
    ids=["shuffle", "no batches", "collate", "sampler"],
)
def test_other_loaders_are_read_batch_by_batch(options):
    assert is_map_style(loader()) and is_map_style(loader(drop_last=True))
    assert not is_map_style(loader(**options))
    assert not is_map_style(tf_data())


def test_what_is_on_disk(tmp_path):
    assert is_on_disk(mapped(X, tmp_path / "x.npy")) and is_on_disk(OnDisk(X)) and is_on_disk(h5(tmp_path))
    pandas, torch = pytest.importorskip("pandas"), pytest.importorskip("torch")
    for array in (
        X,
        keras.ops.ones(3),
        keras.Variable(X),
        torch.ones(3),
        pandas.DataFrame(X),
        pandas.Series(Y),
        [1],
        2,
    ):
        assert not is_on_disk(array)


def test_a_private_map_keeps_its_changes(tmp_path):
    np.save(tmp_path / "x.npy", X)
    private = np.load(tmp_path / "x.npy", mmap_mode="c")
    private[3] = 7
    rows = ArrayRows((private, Y))
    for _ in range(2):
        np.testing.assert_array_equal(rows.take(np.array([3, 5]))[0], [[7, 7], X[5]])


@pytest.mark.parametrize("sizes", [[5, 5, 5, 5, 4], [5, 5, 5, 5, 3, 2], [6, 5, 5, 5, 2]])
def test_batches_that_differ_from_pass_to_pass_are_refused(sizes):
    batches = [Sequence((X, Y), 5)[k] for k in range(5)]
    with pytest.raises(InputError, match=r"`x` must yield (the same|as many) batches in every pass"):
        BatchRows(batches, sizes).take(np.arange(sum(sizes)))
