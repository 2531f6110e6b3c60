import json
import zipfile

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.cli.measure import MEASURES, Settings, load_data, load_model, run
from keras_sharpness.errors import InputError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measure")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype("float32"), rng.integers(0, 2, 40).astype("int32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.save(folder / "model.keras")
    np.savez(folder / "data.npz", x=x, y=y)
    return folder, model, x, y


def settings(**changes):
    batches = {"m": 8, "num_batches": 3, "seed": 0}
    defaults = {"loss": None, "ball": {"rho": 0.01}, "ascent": ks.APGD(num_steps=3), "batches": batches}
    return Settings(**(defaults | {"batch_size": None, "select": "all", "num_draws": 3, "k": 2} | changes))


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_writes_json_and_most_a_figure(files, tmp_path, name):
    folder, *_ = files
    result = run(str(folder / "model.keras"), str(folder / "data.npz"), name, settings(), tmp_path)
    written = json.loads((tmp_path / "measure.json").read_text(), parse_constant=pytest.fail)
    assert written == result
    pictured = {"worst_case", "grid", "keskar", "attribution", "spectral_density", "line", "plane"}
    assert (tmp_path / "measure.png").exists() is (name in pictured)


def test_the_number_is_the_library_s(files):
    folder, model, x, y = files
    result = run(str(folder / "model.keras"), str(folder / "data.npz"), "worst_case", settings(), None)
    r = ks.worst_case_sharpness(model, x, y, rho=0.01, maximizer=ks.APGD(num_steps=3), m=8, num_batches=3)
    assert result["value"] == pytest.approx(r.value, rel=1e-6)


def test_from_the_command_line(files, tmp_path, run_python):
    folder, model, x, y = files
    flags = [f"--keras_model={folder / 'model.keras'}", f"--data={folder / 'data.npz'}", "--rho=0.01", "--norm=l2"]
    flags += ["--maximizer=apgd", "--num_restarts=2", "--m=8", "--select=no_biases", f"--output_dir={tmp_path}"]
    process = run_python("main.py", "measure", *flags)
    assert process.returncode == 0, process.stderr
    maximizer = ks.Restarts(maximizer=ks.APGD(num_steps=5), num_restarts=2)
    r = ks.worst_case_sharpness(model, x, y, rho=0.01, norm="l2", maximizer=maximizer, m=8, select="no_biases")
    assert json.loads(process.stdout)["value"] == pytest.approx(r.value, rel=1e-5)
    assert (tmp_path / "measure.png").stat().st_size > 1000


def test_inputs_by_name_and_graphs(tmp_path):
    np.savez(tmp_path / "named.npz", x_a=np.zeros((2, 3)), x_b=np.ones((2, 1)), y=np.zeros(2))
    x, _ = load_data(str(tmp_path / "named.npz"))
    assert set(x) == {"a", "b"}
    np.savez(tmp_path / "graph.npz", features=np.zeros((2, 3)), edges=np.array([[0], [1]]), y=np.zeros(2))
    x, _ = load_data(str(tmp_path / "graph.npz"))
    assert x.num_nodes == 2


def bad_data(tmp_path, kind):
    path = tmp_path / ("data.csv" if kind == "suffix" else "data.npz")
    if kind == "pickle":
        np.savez(path, x=np.array([{"a": 1}], dtype=object), y=np.zeros(1))
    elif kind == "no targets":
        np.savez(path, x=np.zeros((2, 3)))
    elif kind == "two forms":
        np.savez(path, x=np.zeros((2, 3)), x_a=np.zeros((2, 3)), y=np.zeros(2))
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
        ("no targets", "`data` must hold y, and x, x_NAME or features and edges"),
        ("two forms", "`data` must hold y, and x, x_NAME or features and edges"),
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


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "`measure` must be given --keras_model"),
        (["--keras_model=none.keras"], "`measure` must be given --data"),
        (["--keras_model=none.keras", "--data=none.npz"], "must be a file that exists"),
        (["--measure=heat"], "--measure"),
        (["--norm=l7"], "--norm"),
    ],
)
def test_one_line_and_status_two(run_python, flags, message):
    process = run_python("main.py", "measure", *flags)
    assert process.returncode == 2
    assert message in process.stderr.strip().splitlines()[-1]
    assert "Traceback" not in process.stderr
