"""`measure`: every flag is used or refused, and the numbers are the library's."""

import inspect
import json
import operator
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.cli import flags
from keras_sharpness.cli.measure import run
from keras_sharpness.cli.measure_table import DEVICES, MEASURES
from keras_sharpness.cli.user_files import import_modules
from keras_sharpness.errors import InputError
from tests.cli.in_process import command_line


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measure")
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype("float32"), rng.integers(0, 2, 40).astype("int32")
    layers = [keras.layers.Dense(4, activation="tanh", name="dense"), keras.layers.Dense(2, name="dense_1")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.save(folder / "model.keras")
    np.savez(folder / "data.npz", x=x, y=y)
    for name in ("second", "third"):
        other = keras.models.clone_model(model)
        other.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        other.save(folder / f"{name}.keras")
    return folder, model, x, y


ARGUMENTS = {
    "worst_case": {"rho": 0.01, "m": 8, "num_batches": 3, "maximizer": ks.APGD(num_steps=3)},
    "average_case": {"rho": 0.01, "m": 8, "num_batches": 3, "num_draws": 3},
    "grid": {"rhos": [0.01, 0.1], "ms": [8], "num_batches": 3},
    "attribution": {"rho": 0.01, "m": 8, "num_batches": 3},
    "eigenvalues": {"k": 2},
    "trace": {"num_products": 3},
    "spectral_density": {"num_runs": 2},
}


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_writes_json_and_most_a_figure(files, tmp_path, name):
    folder, *_ = files
    other = {"other": keras.saving.load_model(folder / "second.keras")} if name == "barrier" else {}
    arguments = ARGUMENTS.get(name, {}) | other
    result = run(str(folder / "model.keras"), str(folder / "data.npz"), name, arguments, tmp_path)
    written = json.loads((tmp_path / "measure.json").read_text(), parse_constant=pytest.fail)
    assert written == result
    pictured = {"worst_case", "grid", "keskar", "attribution", "spectral_density", "line", "plane", "barrier"}
    assert (tmp_path / "measure.png").exists() is (name in pictured)


def test_the_number_is_the_library_s(files):
    folder, model, x, y = files
    arguments = ARGUMENTS["worst_case"]
    result = run(str(folder / "model.keras"), str(folder / "data.npz"), "worst_case", arguments)
    assert result["value"] == pytest.approx(ks.worst_case_sharpness(model, x, y, **arguments).value, rel=1e-6)


# A value of each flag of a measure, other than its default, and flags that it needs to have an effect.
VALUES = {
    "rho": ["0.25"],
    "norm": ["l2"],
    "scaling": ["per_layer"],
    "eta": ["0.5"],
    "maximizer": ["apgd"],
    "pga_steps": ["7"],
    "step_size": ["0.3"],
    "direction": ["steepest"],
    "coordinates": ["scaled"],
    "num_restarts": ["2"],
    "m": ["8"],
    "num_batches": ["3"],
    "loss": ["mean_squared_error"],
    "select": ["dense"],
    "num_draws": ["4"],
    "k": ["2"],
    "other_models": ["FOLDER/second.keras"],
    "seed": ["5", "--num_restarts=2", "--num_draws=4"],
    "batch_size": ["16"],
    "plan": ["sequential"],
    "strategy": ["mirrored"],
    "num_devices": ["2", "--strategy=mirrored"],
    "tpu": ["here", "--strategy=tpu"],
    "split": ["examples", "--strategy=mirrored"],
}
VALUES_OF = {("plane", "other_models"): "FOLDER/second.keras,FOLDER/third.keras"}
CROSSED = [(name, flag) for name in MEASURES for flag in flags.OF_MEASURES]


@pytest.fixture
def called(files, monkeypatch):
    """Runs `measure` with flags, and returns the arguments that the measure's function would be called with."""
    folder, *_ = files

    def start_keras(in_threads):
        given = flags.FLAGS
        return SimpleNamespace(is_chief=True, of=(given.strategy, given.num_devices, given.tpu, given.split))

    def call(name, *given):
        arguments = {}
        monkeypatch.setattr("keras_sharpness.cli.start.start_keras", start_keras)
        monkeypatch.setattr("keras_sharpness.cli.measure.run", lambda *args: arguments.update(args[3]))
        files_given = [f"--keras_model={folder / 'model.keras'}", f"--data={folder / 'data.npz'}"]
        given = [word.replace("FOLDER", str(folder)) for word in given]
        command_line("measure", f"--measure={name}", *files_given, *given)
        return arguments

    return call


def taken_with(name, extra):
    """The flags among some that a measure takes."""
    return [word for word in extra if word.removeprefix("--").split("=")[0] in MEASURES[name].takes]


@pytest.mark.parametrize(("name", "flag"), CROSSED)
def test_every_flag_is_used_or_refused(called, name, flag):
    value, *extra = VALUES[flag]
    value = VALUES_OF.get((name, flag), value)
    needed = taken_with(name, extra)
    if flag not in MEASURES[name].takes:
        with pytest.raises(InputError, match=f"--measure={name} must be given flags that it takes .*others=.*--{flag}"):
            called(name, *extra, f"--{flag}={value}")
        return
    without, given = called(name, *needed), called(name, *needed, f"--{flag}={value}")
    assert repr(given) != repr(without)
    taken = inspect.signature(operator.attrgetter(MEASURES[name].function)(ks)).parameters
    further = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values())
    assert further or set(given) <= set(taken)


@pytest.mark.parametrize("name", MEASURES)
def test_the_function_takes_every_argument(files, monkeypatch, called, name):
    folder, model, x, y = files
    # Flags of devices would start them; `loss` names one that does not fit the labels.
    taken = [flag for flag in MEASURES[name].takes if flag not in {*DEVICES, "loss"}]
    given = [f"--{flag}={VALUES_OF.get((name, flag), VALUES[flag][0])}" for flag in taken]
    given = [word for word in given if word not in ("--coordinates=scaled", "--maximizer=apgd")]
    arguments = called(name, *given)
    function = operator.attrgetter(MEASURES[name].function)(ks)
    assert MEASURES[name].entries(function(model, x, y, **arguments))


def test_the_radii_of_a_grid_lie_around_rho(called):
    np.testing.assert_allclose(called("grid")["rhos"][[0, 4, 8]], [1e-5, 1e-3, 1e-1])
    np.testing.assert_allclose(called("grid", "--rho=1")["rhos"][[0, 4, 8]], [1e-2, 1, 1e2])


def test_flags_of_the_ascent_describe_it_whole(called):
    assert "maximizer" not in called("keskar")
    ascent = ks.Restarts(maximizer=ks.PGA(num_steps=7, step_size=0.05), num_restarts=2, seed=3)
    assert called("keskar", "--pga_steps=7", "--num_restarts=2", "--seed=3") == {"maximizer": ascent}


def test_the_step_size_may_be_automatic(called):
    assert called("worst_case", "--step_size=auto") == {"maximizer": ks.PGA(step_size="auto")}
    assert called("worst_case", "--step_size=0.5")["maximizer"].step_size == 0.5
    with pytest.raises(InputError, match='`direction` must be "steepest"'):
        called("worst_case", "--step_size=auto", "--direction=gradient")


def test_a_selection_is_a_pattern_or_several(called):
    assert called("critical", "--select=dense") == {"select": "dense"}
    assert called("critical", "--select=dense,dense_1") == {"select": ["dense", "dense_1"]}
    assert called("relative_flatness", "--select=all") == {"layer": None}
    with pytest.raises(InputError, match="--select must name one layer"):
        called("relative_flatness", "--select=dense,dense_1")


def test_other_models_must_be_as_many_as_the_measure_takes(files, called):
    folder, *_ = files
    with pytest.raises(InputError, match="--measure=barrier must be given what it needs. Received: missing='--other_m"):
        run(str(folder / "model.keras"), str(folder / "data.npz"), "barrier", {})
    with pytest.raises(InputError, match="--other_models must name two saved models"):
        called("plane", "--other_models=FOLDER/second.keras")


def test_from_the_command_line(files, tmp_path, run_python):
    folder, model, x, y = files
    given = [f"--keras_model={folder / 'model.keras'}", f"--data={folder / 'data.npz'}", "--rho=0.01", "--norm=l2"]
    given += ["--maximizer=apgd", "--num_restarts=2", "--m=8", "--select=no_biases", f"--output_dir={tmp_path}"]
    process = run_python("main.py", "measure", *given)
    assert process.returncode == 0, process.stderr
    maximizer = ks.Restarts(maximizer=ks.APGD(num_steps=5), num_restarts=2)
    r = ks.worst_case_sharpness(model, x, y, rho=0.01, norm="l2", maximizer=maximizer, m=8, select="no_biases")
    assert json.loads(process.stdout)["value"] == pytest.approx(r.value, rel=1e-5)
    assert (tmp_path / "measure.png").stat().st_size > 1000


MODULE = """
import keras

@keras.saving.register_keras_serializable("mine")
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


def test_layers_of_ones_own_and_several_outputs(tmp_path, monkeypatch):
    (tmp_path / "my_layers.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    import_modules(["my_layers"])
    inputs, twice = keras.Input((3,)), sys.modules.pop("my_layers").Twice()
    outputs = {"a": keras.layers.Dense(1)(twice(inputs)), "b": keras.layers.Dense(1)(inputs)}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", {"a": "mean_squared_error", "b": "mean_absolute_error"})
    model.save("model.keras")
    x, y = np.ones((9, 3), "float32"), {"a": np.ones((9, 1), "float32"), "b": np.full((9, 1), 5.0, "float32")}
    np.savez("data.npz", x=x, y_a=y["a"], y_b=y["b"])
    keras.saving.get_custom_objects().pop("mine>Twice")
    monkeypatch.setattr("keras_sharpness.cli.start.start_keras", lambda in_threads: SimpleNamespace(is_chief=False))
    monkeypatch.setattr("keras_sharpness.cli.start.output_dir", lambda: None)
    given = ["measure", "--keras_model=model.keras", "--data=data.npz", "--measure=gradient_norm"]
    with pytest.raises(InputError, match="Twice is not known: name the module that registers it in --import"):
        command_line(*given)
    results = []
    monkeypatch.setattr("keras_sharpness.cli.measure.json_ready", lambda result: results.append(result) or result)
    command_line(*given, "--import=my_layers")
    sys.modules.pop("my_layers")
    assert results[0]["value"] == pytest.approx(ks.gradient_norm(model, x, y), rel=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "`measure` must be given --keras_model"),
        (["--keras_model=none.keras"], "`measure` must be given --data"),
        (["--keras_model=none.keras", "--data=none.npz"], "must be a file that exists"),
        (["--measure=heat"], "--measure"),
        (["--norm=l7"], "--norm"),
        (["--keras_model=a.keras", "--data=a.npz", "--measure=line", "--rho=1"], "--measure=line must be given flags"),
    ],
)
def test_one_line_and_status_two(run_python, given, message):
    process = run_python("main.py", "measure", *given)
    assert process.returncode == 2
    assert message in process.stderr.strip().splitlines()[-1]
    assert "Traceback" not in process.stderr
