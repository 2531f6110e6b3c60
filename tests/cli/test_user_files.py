"""The files that `measure` reads: what is loaded, and what is refused."""

import sys
import zipfile

import keras
import numpy as np
import pytest

from keras_sharpness.cli.user_files import import_modules, load_data, load_model
from keras_sharpness.errors import InputError


def test_inputs_by_name_and_graphs(tmp_path):
    np.savez(tmp_path / "named.npz", x_a=np.zeros((2, 3)), x_b=np.ones((2, 1)), y=np.zeros(2))
    x, _ = load_data(str(tmp_path / "named.npz"))
    assert set(x) == {"a", "b"}
    np.savez(tmp_path / "graph.npz", features=np.zeros((2, 3)), edges=np.array([[0], [1]]), y=np.zeros(2))
    x, _ = load_data(str(tmp_path / "graph.npz"))
    assert x.num_nodes == 2


def test_outputs_by_name(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((2, 3)), y_size=np.zeros(2), y_kind=np.ones(2))
    _, y = load_data(str(tmp_path / "data.npz"))
    assert {name: array.tolist() for name, array in y.items()} == {"size": [0, 0], "kind": [1, 1]}


def test_modules_are_imported_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "layers_of_mine.py").write_text("WIDTH = 3")
    (tmp_path / "broken_of_mine.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    before = [*sys.path]
    import_modules(["layers_of_mine"])
    assert sys.modules.pop("layers_of_mine").WIDTH == 3
    for name, why in (("no_such_module", "No module named"), ("broken_of_mine", "division by zero")):
        with pytest.raises(InputError, match=f"`import` must be modules.*Received: {name}: {why}"):
            import_modules([name])
    assert sys.path == before


def bad_data(tmp_path, kind):
    path = tmp_path / ("data.csv" if kind == "suffix" else "data.npz")
    if kind == "pickle":
        np.savez(path, x=np.array([{"a": 1}], dtype=object), y=np.zeros(1))
    elif kind == "no targets":
        np.savez(path, x=np.zeros((2, 3)))
    elif kind == "two forms":
        np.savez(path, x=np.zeros((2, 3)), x_a=np.zeros((2, 3)), y=np.zeros(2))
    elif kind == "two forms of y":
        np.savez(path, x=np.zeros((2, 3)), y=np.zeros(2), y_a=np.zeros(2))
    elif kind == "truncated":
        np.savez(path, x=np.zeros((200, 3)), y=np.zeros(200))
        path.write_bytes(path.read_bytes()[:500])
    elif kind == "text":
        path.write_text("x,y\n1,2\n")
    elif kind == "suffix":
        path.write_text("x,y\n1,2\n")
    return str(path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("pickle", "`data` must be a whole file of plain arrays"),
        ("no targets", "`data` must hold y or y_NAME, and x, x_NAME or features and edges"),
        ("two forms", "`data` must hold y or y_NAME, and x, x_NAME or features and edges"),
        ("two forms of y", "`data` must hold y or y_NAME, and x, x_NAME or features and edges"),
        ("truncated", "`data` must be a whole zip archive"),
        ("text", "`data` must be a whole zip archive"),
        ("suffix", "`data` must be a .npz file"),
        ("missing", "`data` must be a file that exists"),
    ],
)
def test_bad_data_are_refused(tmp_path, kind, message):
    with pytest.raises(InputError, match=message) as error:
        load_data(bad_data(tmp_path, kind))
    assert "\n" not in str(error.value)


def test_a_model_that_would_run_code_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: 2 * x), keras.layers.Dense(1)])
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(InputError, match="loads in safe mode"):
        load_model(str(tmp_path / "lambda.keras"))


@pytest.mark.parametrize("kind", ["missing", "suffix", "text", "empty zip"])
def test_a_file_that_is_no_model_is_refused(tmp_path, kind):
    path = tmp_path / ("model.h5" if kind == "suffix" else "model.keras")
    if kind == "text":
        path.write_text("no model")
    elif kind == "empty zip":
        zipfile.ZipFile(path, "w").close()
    with pytest.raises(InputError, match="`keras_model` must be"):
        load_model(str(path))
