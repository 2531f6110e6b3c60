"""What is read, and when, of data in every form."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.objective.example_source import HeldExamples, ReadExamples, open_examples
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import LabelledData
from tests.support.large_data import FORMS, OnDisk, Sequence, nothing_is_small

N = 40
X, Y = np.arange(2.0 * N, dtype="float32").reshape(N, 2), np.arange(N, dtype="int32") % 3
W = np.linspace(1, 2, N, dtype="float32")
BATCHES = np.array([[3, 8, 3], [31, 39, 8]])
BACKENDS_NEEDED = {"tf.data": "tensorflow", "DataLoader": "torch", "DataLoader by a sampler": "torch"}


@pytest.fixture
def large(monkeypatch):
    nothing_is_small(monkeypatch)


def arrays_of(data, places):
    return keras.tree.map_structure(lambda a: ops.convert_to_numpy(a)[places], data.tensors)


@pytest.mark.parametrize("form", FORMS)
def test_only_what_is_drawn_is_held(form, large, tmp_path):
    pytest.importorskip(BACKENDS_NEEDED.get(form, "numpy"))
    source = open_examples(*FORMS[form](tmp_path, X, Y))
    assert isinstance(source, ReadExamples)
    assert (source.num_examples, source.weighted, source.streams) == (N, False, form != "arrays")
    data, places = source.gather(BATCHES)
    # One row for each entry of the batches, also where an example is drawn twice.
    assert data.num_examples == BATCHES.size
    x, y = arrays_of(data, places)
    np.testing.assert_array_equal(x, X[BATCHES])
    np.testing.assert_array_equal(y, Y[BATCHES])


@pytest.mark.parametrize("form", [form for form in FORMS if form != "arrays"])
def test_pieces_hold_the_examples_in_order(form, large, tmp_path):
    pytest.importorskip(BACKENDS_NEEDED.get(form, "numpy"))
    pieces = [*open_examples(*FORMS[form](tmp_path, X, Y)).pieces(np.array([39, 1, 2, 20]), 3)]
    assert [data.num_examples for data in pieces] == [3, 1]
    found = np.concatenate([ops.convert_to_numpy(data.tensors[0]) for data in pieces])
    np.testing.assert_array_equal(found, X[[1, 2, 20, 39]])


@pytest.mark.parametrize("given", ["yielded", "argument", "classes", "both"])
@pytest.mark.parametrize("form", ["mapped", "PyDataset"])
def test_weights_come_along(form, given, large, tmp_path):
    arrays = (X, Y, W) if given == "yielded" and form == "PyDataset" else (X, Y)
    weights = {"sample_weight": W} if given in ("argument", "both") or len(arrays) < 3 and given == "yielded" else {}
    classes = {"class_weight": {0: 3.0, 2: 5.0}} if given in ("classes", "both") else {}
    source = open_examples(*FORMS[form](tmp_path, *arrays), **weights, **classes)
    expected = LabelledData(X, Y, W if given != "classes" else None, classes.get("class_weight"))
    assert source.weighted
    (_, found), (_, same) = arrays_of(*source.gather(BATCHES)), arrays_of(expected, BATCHES)
    np.testing.assert_array_equal(found.sample_weight, same.sample_weight)
    np.testing.assert_array_equal(found.y, same.y)
    parts = [data.tensors[1].sample_weight for data in source.pieces(np.arange(N), 7)]
    np.testing.assert_array_equal(
        np.concatenate([ops.convert_to_numpy(part) for part in parts]),
        ops.convert_to_numpy(expected.tensors[1].sample_weight),
    )


def test_as_many_rows_for_every_draw_but_never_more_than_there_are(large):
    source = open_examples(OnDisk(X), Y)
    sizes = {source.gather(np.random.default_rng(seed).integers(N, size=(3, 5)))[0].num_examples for seed in range(5)}
    assert sizes == {15}
    assert source.gather(np.random.default_rng(0).integers(N, size=(30, 5)))[0].num_examples == N


def test_arrays_in_memory_become_tensors_once_where_half_of_them_is_drawn(large):
    source = open_examples(X, Y)
    half = np.arange(N // 2)[None]
    data, places = source.gather(half)
    assert data.num_examples == N and places is half
    assert source.gather(half + 1)[0] is data
    assert source.gather(half[:, :-1])[0].num_examples == N // 2 - 1


@pytest.mark.parametrize("form", FORMS)
def test_small_data_are_tensors_at_once(form, tmp_path):
    pytest.importorskip(BACKENDS_NEEDED.get(form, "numpy"))
    source = open_examples(*FORMS[form](tmp_path, X, Y))
    assert isinstance(source, HeldExamples)
    data, places = source.gather(BATCHES)
    assert places is BATCHES and data.num_examples == N and not source.streams
    np.testing.assert_array_equal(arrays_of(data, slice(None))[0], X)
    with pytest.raises(ValueError, match="`pieces` must be called"):
        source.pieces(np.arange(3), 2)


def test_small_batches_are_read_once_and_large_ones_twice_where_they_are_needed(monkeypatch):
    batches = Sequence((X, Y), 10)
    open_examples(batches)
    assert batches.read == [0, 1, 2, 3]
    nothing_is_small(monkeypatch)
    batches.read.clear()
    open_examples(batches).gather(BATCHES)
    assert batches.read == [0, 1, 2, 3, 0, 0, 3]  # counted; the first example; the drawn ones


def test_graphs_and_generators_stay_in_memory(large):
    graph = Graph(X, np.array([[0, 1], [1, 2]]))
    for source in (open_examples(graph, Y), open_examples(Sequence((X, Y), 10)[k] for k in range(4))):
        assert isinstance(source, HeldExamples) and source.num_examples == N


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((OnDisk(X), Y[:-1]), "equally many examples"),
        ((OnDisk(X), Y, W[:-1]), "`x` and `sample_weight` must hold equally many examples"),
        ((Sequence((X, Y, W), 10), None, W), "`sample_weight` must be left out"),
        ((Sequence((X, Y), 10), Y), "`y` must be left out"),
        ((OnDisk(X),), "`y` must be given"),
        (([],), "`y` must be given"),
        ((OnDisk(np.array([None] * N)), Y), "must hold real numbers"),
    ],
)
def test_what_is_no_data_is_refused(arguments, message, large):
    with pytest.raises(InputError, match=message):
        open_examples(*arguments)
