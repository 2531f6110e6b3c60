"""Data that are read when they are needed give what arrays give, and are checked like them."""

import sys

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness import backend
from keras_sharpness.errors import InputError
from keras_sharpness.measures.checked_data import CheckedData
from keras_sharpness.objective.example_source import open_examples
from keras_sharpness.objective.objective import Objective
from tests.support.large_data import FORMS, OnDisk, nothing_is_small

BATCHES = {"rho": 0.1, "m": 4, "num_batches": 2}


@pytest.fixture
def large(monkeypatch):
    nothing_is_small(monkeypatch)


@pytest.fixture(scope="module")
def from_arrays(small):
    model, x, y, loss = small
    sample = ks.Sample(model, x, y, loss, m=None, batch_size=7)
    return ks.worst_case_sharpness(model, x, y, loss, **BATCHES), ks.gradient_norm(sample)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_numbers_of_arrays_in_memory(form, small, from_arrays, large, tmp_path):
    pytest.importorskip({"tf.data": "tensorflow", "DataLoader": "torch"}.get(form.partition(" ")[0], "numpy"))
    model, x, y, loss = small
    source, (expected, norm) = FORMS[form](tmp_path, x, y), from_arrays
    found = ks.worst_case_sharpness(model, *source, loss=loss, **BATCHES)
    np.testing.assert_array_equal(found.losses, expected.losses)
    assert found.config == expected.config
    assert ks.gradient_norm(model, *source, loss=loss, batch_size=7) == norm


def test_weights_and_classes_count_as_in_memory(large):
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "softmax")])
    x, y, w = rng.normal(size=(20, 3)).astype("float32"), rng.integers(4, size=20), rng.random(20).astype("float32")
    loss = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
    options = {"loss": loss, "sample_weight": w, "class_weight": {1: 4.0}}
    for calculate in (
        lambda *data: ks.worst_case_sharpness(model, *data, **options, **BATCHES).losses,
        lambda *data: ks.gradient_norm(model, *data, **options, batch_size=6),
    ):
        np.testing.assert_array_equal(calculate(OnDisk(x), y), calculate(*map(keras.ops.convert_to_tensor, (x, y))))


def checked(small, x, y):
    model, *_, loss = small
    return CheckedData(open_examples(OnDisk(x), y), Objective(model, loss))


def test_a_number_that_is_not_finite_is_found_when_it_is_read(small, large):
    _, x, y, _ = small
    x = x.copy()
    x[19] = np.nan
    data = checked(small, x, y)
    data.first(np.arange(20))
    data.gather(np.arange(18))
    with pytest.raises(InputError, match="`x` must hold only finite numbers.* of example 19 is not"):
        data.gather(np.array([3, 19]))
    pieces = data.stream(np.arange(20), 10)
    next(pieces)
    with pytest.raises(InputError, match="`x` must hold only finite numbers.* of example 19 is not"):
        next(pieces)


def test_no_measure_of_the_mean_loss_gathers_all_examples(small, large):
    model, x, y, loss = small
    sample = ks.Sample(model, OnDisk(x), y, loss, m=None, batch_size=6)
    ks.hessian.top_eigenvalues(sample)
    ks.fisher_rao_norm(sample)
    ks.landscape.line(sample, num_points=3)
    assert sample._held is None


def test_labels_are_checked_in_every_piece(large):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "softmax")])
    x, y = np.ones((20, 3), "float32"), np.zeros(20, int)
    y[17] = 4
    sample = ks.Sample(model, OnDisk(x), y, "sparse_categorical_crossentropy", m=None, batch_size=9)
    with pytest.raises(InputError, match="labels in `y` must be whole numbers from 0 to 3"):
        ks.gradient_norm(sample)


def test_a_model_that_does_not_fit_is_refused_before_all_is_read(small, large):
    model, x, y, loss = small
    read = []

    class Watched(OnDisk):
        def __getitem__(self, rows):
            read.extend(range(20)[rows] if isinstance(rows, slice) else rows)
            return super().__getitem__(rows)

    with pytest.raises(InputError, match="`x` must be inputs that the model takes"):
        ks.Sample(model, Watched(x[:, :2]), y, loss, m=None)
    assert set(read) == set(range(16))


ONES = np.ones((20, 3), "float32")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (ONES, np.full(20, 4), "labels in `y` must be whole numbers from 0 to 3"),
        (ONES + np.inf, np.zeros(20, int), "`x` must hold only finite numbers"),
        (ONES[:, :2], np.zeros(20, int), "`x` must be inputs that the model takes"),
        (ONES, np.zeros((20, 2), int), "`y` must be targets"),
    ],
)
def test_shapes_are_checked_once_for_a_model_and_numbers_in_each_call(x, y, message, monkeypatch):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "softmax")])
    outlined = []
    outline = backend.outline
    monkeypatch.setattr(backend, "outline", lambda *args: outlined.append(1) or outline(*args))

    def measure(x, y):
        return ks.worst_case_sharpness(model, x, y, "sparse_categorical_crossentropy", **BATCHES)

    right = (ONES, np.zeros(20, int))
    measure(*right)
    assert len(outlined) == 2
    with pytest.raises(InputError, match=message):
        measure(x, y)
    outlined.clear()
    measure(*right)
    assert not outlined
    model.layers[0].activation = keras.activations.sigmoid
    measure(*right)
    assert len(outlined) == 2


MEMORY = """
import resource
import sys
import numpy as np
import keras
import keras_sharpness as ks

kind, path, rows, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), 50
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((width,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
small = np.ones((2000, width), "float32"), np.ones((2000, 1), "float32")
ROWS = 10_000

class Batches(keras.utils.PyDataset):
    num_batches = rows // ROWS
    def __getitem__(self, index):
        return np.ones((ROWS, width), "float32"), np.full((ROWS, 1), index, "float32")

def tf_data():
    import tensorflow as tf
    signature = tf.TensorSpec((None, width), tf.float32), tf.TensorSpec((None, 1), tf.float32)
    batches = Batches()
    generate = lambda: (batches[index] for index in range(batches.num_batches))
    return tf.data.Dataset.from_generator(generate, output_signature=signature)

def measure(*data):
    if kind == "gradient":
        return ks.gradient_norm(model, *data, loss="mse", batch_size=10_000)
    return ks.worst_case_sharpness(model, *data, loss="mse", m=64, num_batches=5).value

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

measure(*small)
before = peak()
if kind == "tf.data":
    found = measure(tf_data())
else:
    x = np.memmap(path, np.float32, "w+", shape=(rows, width))
    found = measure(x, np.memmap(path + "y", np.float32, "w+", shape=(rows, 1)))
assert np.isfinite(found)
print("MiB", peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files, and the unit of ru_maxrss")
@pytest.mark.parametrize(
    ("kind", "rows", "most"), [("batches", 10_000_000, 500), ("gradient", 1_000_000, 250), ("tf.data", 2_000_000, 600)]
)
def test_memory_does_not_grow_with_the_data(kind, rows, most, run_python, tmp_path):
    """The data take 2000, 200 and 400 MiB; as tensors, with what is computed from them, several times as much."""
    process = run_python("-c", MEMORY, kind, str(tmp_path / "x"), str(rows))
    assert process.returncode == 0, process.stderr
    assert int(process.stdout.split()[-1]) < most
