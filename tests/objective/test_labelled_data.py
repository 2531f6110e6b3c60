"""Data in every form that users hold them in."""

import keras
import numpy as np
import pytest
import scipy.sparse
from keras import ops

from keras_sharpness.errors import InputError
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import LabelledData

X, Y = np.arange(14, dtype="float32").reshape(7, 2), np.arange(7, dtype="int32")


class Batches(keras.utils.PyDataset):
    """Batches of 3, 3 and 1."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(3 * index, 3 * index + 3)
        return X[part], Y[part]


def tf_data():
    return pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices((X, Y)).batch(3)


def data_loader():
    torch = pytest.importorskip("torch")
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=3)


FORMS = {
    "arrays": lambda: (X, Y),
    "tensors": lambda: (ops.convert_to_tensor(X), ops.convert_to_tensor(Y)),
    "PyDataset": lambda: (Batches(),),
    "generator": lambda: ((Batches()[k] for k in range(3)),),
    "tf.data": lambda: (tf_data(),),
    "DataLoader": lambda: (data_loader(),),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_holds_the_same_examples_in_order(form):
    data = LabelledData(*form())
    assert data.num_examples == 7 and data.graph is None
    inputs, targets = map(ops.convert_to_numpy, data.tensors)
    np.testing.assert_array_equal(inputs, X)
    np.testing.assert_array_equal(targets, Y)


def test_structures_keep_their_shape():
    data = LabelledData({"a": X, "b": [Y, X]}, {"size": Y})
    inputs, targets = keras.tree.map_structure(ops.convert_to_numpy, data.tensors)
    np.testing.assert_array_equal(inputs["b"][1], X)
    np.testing.assert_array_equal(targets["size"], Y)


def test_doubles_become_floats_and_integers_stay():
    inputs, targets = LabelledData(X.astype("float64"), Y.astype("int64")).tensors
    assert keras.backend.standardize_dtype(inputs.dtype) == keras.config.floatx()
    assert "int" in keras.backend.standardize_dtype(targets.dtype)


def test_the_field_of_some_nodes_keeps_their_targets():
    """On a path 0 -> 1 -> ... -> 6, node 4 hears of nodes 2 and 3 in two rounds."""
    path = np.array([range(6), range(1, 7)])
    data, field = LabelledData(Graph(X, path), Y).on_field(np.array([4]), hops=2)
    inputs, targets = keras.tree.map_structure(ops.convert_to_numpy, data.tensors)
    assert sorted(field.nodes.tolist()) == [2, 3, 4]
    assert data.num_examples == data.graph.num_nodes == 3
    np.testing.assert_array_equal(targets, Y[field.nodes])
    np.testing.assert_array_equal(inputs["features"], X[field.nodes])
    with pytest.raises(ValueError, match="data of a graph"):
        LabelledData(X, Y).on_field(np.array([4]), hops=2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_inputs_must_all_be_finite_but_only_the_targets_that_matter(bad):
    targets = np.arange(7.0)
    targets[6] = bad
    LabelledData(X, targets).require_finite(np.array([0, 5]))
    with pytest.raises(InputError, match="`y` must hold only finite numbers"):
        LabelledData(X, targets).require_finite(np.array([[0, 6]]))
    inputs = X.copy()
    inputs[6, 1] = bad
    with pytest.raises(InputError, match="`x` must hold only finite numbers.*x of example 6 is not, the first of 1"):
        LabelledData(inputs, Y).require_finite(np.array([0]))
    with pytest.raises(InputError, match=r"x\['b'\] of example 6 is not"):
        LabelledData({"a": X, "b": inputs}, Y).require_finite(np.array([0]))
    targets[[2, 4, 5]] = bad
    with pytest.raises(InputError, match="y of example 4 is not, the first of 2"):
        LabelledData(X, targets).require_finite(np.array([[5, 1], [4, 3]]))


def ragged():
    return pytest.importorskip("tensorflow").ragged.constant([[1.0, 2.0], [3.0]])


def endless():
    return tf_data().repeat()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: (X,), "`y` must be given"),
        (lambda: (Batches(), Y), "`y` must be left out"),
        (lambda: (iter([]),), "`x` must yield at least one batch"),
        (lambda: (iter([X]),), r"`x` must yield batches of \(inputs, targets\)"),
        (lambda: (iter([(X, Y, Y, Y)]),), r"sample weights\)\. Received: batch='tuple', length=4"),
        (lambda: (iter([(X[0], np.float32(1))]),), "not single ones"),
        (lambda: (endless(),), "`x` must end"),
        (lambda: (X, Y[:-1]), r"equally many examples\. Received: x=\[7\], y=\[6\]"),
        (lambda: ({"a": X, "b": X[:3]}, Y), "equally many examples"),
        (lambda: (X[:0], Y[:0]), "equally many examples"),
        (lambda: (X, 1.0), "examples along their first axis"),
        (lambda: (iter([(X, Y), (X[:, :1], Y)]),), r"pad all sequences to one length.*shapes=\[\(1,\), \("),
        (lambda: (scipy.sparse.csr_matrix(X), Y), "must be dense, such as x.toarray.*csr_matrix"),
        (lambda: ({"a": scipy.sparse.coo_array(X)}, Y), "must be dense, such as x.toarray.*coo_array"),
        (lambda: (ragged(), Y), "must not be ragged: pad to one length"),
        (lambda: (np.array([1j]), Y[:1]), "must hold real numbers"),
        (lambda: (np.array([None]), Y[:1]), "must hold real numbers"),
    ],
)
def test_what_is_no_data_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        LabelledData(*make())
