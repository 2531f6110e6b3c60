import pytest

from keras_sharpness import data
from keras_sharpness.errors import InputError

COMPARE = """
import keras
import numpy as np
import tensorflow_gnn as tfgnn
from keras_sharpness import data

dataset = data.load("cora", split_seed=3)
tensor = data.cora_graph_tensor(dataset)
papers, cites = tensor.node_sets["papers"], tensor.edge_sets["cites"]
np.testing.assert_array_equal(papers["features"], dataset.x.features)
np.testing.assert_array_equal(papers["label"], dataset.y)
for split in ("train", "validation", "test"):
    np.testing.assert_array_equal(np.flatnonzero(papers[split]), getattr(dataset, split))
np.testing.assert_array_equal(cites.adjacency[tfgnn.SOURCE], dataset.x.edges[0])
np.testing.assert_array_equal(cites.adjacency[tfgnn.TARGET], dataset.x.edges[1])
degrees = tfgnn.pool_edges_to_node(
    tensor, "cites", tfgnn.TARGET, "sum", feature_value=np.ones((10556, 1), np.float32)
)
np.testing.assert_array_equal(np.ravel(degrees), np.bincount(dataset.x.edges[1], minlength=2708))
print("Keras", keras.__version__)
"""


def test_the_tensor_holds_the_graph_and_keras_stays_keras_3(run_python):
    process = run_python("-c", COMPARE, TF_USE_LEGACY_KERAS="1", KERAS_BACKEND="tensorflow")
    assert process.returncode == 0, process.stderr
    assert "Keras 3." in process.stdout


def test_without_the_setting_the_error_tells_it(monkeypatch):
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    with pytest.raises(InputError, match="TF_USE_LEGACY_KERAS must be 1 before TensorFlow") as caught:
        data.cora_graph_tensor()
    assert "\n" not in str(caught.value)


def test_a_setting_that_comes_too_late_is_an_error_in_one_line(run_python):
    code = (
        "import os, tensorflow as tf; tf.keras.Model; os.environ['TF_USE_LEGACY_KERAS'] = '1'\n"
        "from keras_sharpness import data\n"
        "try:\n    data.cora_graph_tensor()\n"
        "except data.graph_tensor.InputError as error:\n    print(error)"
    )
    process = run_python("-c", code, TF_USE_LEGACY_KERAS="")
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("\n") == 1
    assert "must be 1 before TensorFlow is imported" in process.stdout


def test_a_data_set_that_is_no_graph_is_refused():
    with pytest.raises(InputError, match=r"must hold a `Graph`\. Received: abalone"):
        data.cora_graph_tensor(data.load("abalone"))
