"""Whole commands and programs in environments that users have: a process each."""

import json

import pytest

STUDY = ["--num_models=2", "--max_epochs=1", "--num_batches=2", "--m=8"]


@pytest.fixture
def study(tmp_path, run_python):
    """Runs a small study; returns its process and its folder."""

    def run(backend="tensorflow", keras_json=None, **environment):
        if keras_json is not None:
            (tmp_path / "keras.json").write_text(keras_json)
            environment["KERAS_HOME"] = str(tmp_path)
        folder = tmp_path / "run"
        process = run_python("main.py", f"--backend={backend}", *STUDY, f"--output_dir={folder}", **environment)
        return process, folder

    return run


@pytest.mark.parametrize(
    ("backend", "environment"),
    [
        ("tensorflow", {"keras_json": '{"floatx": "float64"}'}),
        ("tensorflow", {"keras_json": '{"floatx": "float16", "image_data_format": "channels_first"}'}),
        ("tensorflow", {"PYTHONWARNINGS": "error", "MPLBACKEND": "silly"}),
        ("torch", {"PYTHONWARNINGS": "error", "keras_json": '{"floatx": "float64"}'}),
        ("jax", {"JAX_DEBUG_NANS": "1"}),
    ],
)
def test_it_has_no_effect(tmp_path, study, run_python, backend, environment):
    pytest.importorskip(backend)
    process, folder = study(backend, **environment)
    assert process.returncode == 0, process.stderr
    run_python("main.py", f"--backend={backend}", *STUDY, f"--output_dir={tmp_path / 'plain'}")
    assert (folder / "models.csv").read_bytes() == (tmp_path / "plain" / "models.csv").read_bytes()


@pytest.mark.parametrize(
    ("backend", "environment", "words"),
    [
        ("tensorflow", {"keras_json": "[1]"}, "keras.json"),
        ("tensorflow", {"keras_json": '{"floatx": "float128"}'}, "keras.json"),
        ("tensorflow", {"KERAS_MAX_EPOCHS": "silly"}, "KERAS_MAX_EPOCHS='silly'"),
        ("tensorflow", {"TF_XLA_FLAGS": "--tf_xla_silly=1"}, "TF_XLA_FLAGS must hold flags"),
        ("jax", {"JAX_PLATFORMS": "quantum"}, "JAX_PLATFORMS='quantum'"),
        ("jax", {"JAX_PLATFORMS": "cuda"}, "JAX_PLATFORMS='cuda'"),
        ("jax", {"JAX_ENABLE_X64": "maybe"}, "JAX_ENABLE_X64='maybe'"),
        ("jax", {"JAX_DEFAULT_MATMUL_PRECISION": "silly"}, "JAX_DEFAULT_MATMUL_PRECISION='silly'"),
        ("jax", {"XLA_FLAGS": "--xla_silly=1"}, "XLA_FLAGS must hold flags"),
    ],
)
def test_it_is_named_in_one_line(study, backend, environment, words):
    pytest.importorskip(backend)
    process, folder = study(backend, **environment)
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("error: ") and words in line
    assert not folder.exists()


# Measures of a model, in a program that changes a default of PyTorch's after the model is made.
PROGRAM = """
import json, sys, keras, torch
import keras_sharpness as ks
from tests.support import zoo
found = {}
for name in ("convolutional", "transformer", "subclassed", "two_inputs_two_outputs"):
    keras.utils.set_random_seed(0)
    zoo.RNG = zoo.np.random.default_rng(0)
    e = zoo.ZOO[name]()
    DEFAULT
    options = {"m": 4, "num_batches": 2, "rho": 0.01}
    found[name] = [
        ks.worst_case_sharpness(e.model, e.x, e.y, e.loss, **options).value,
        ks.worst_case_sharpness(e.model, e.x, e.y, e.loss, norm="l1", training=True, **options).value,
        ks.average_case_sharpness(e.model, e.x, e.y, e.loss, **options).value,
        ks.hessian.trace(e.model, e.x, e.y, e.loss).value,
    ]
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
print(json.dumps(found))
"""


@pytest.mark.parametrize("default", ["dtype(torch.float64)", "dtype(torch.float16)", 'device("meta")'])
def test_defaults_of_pytorch_change_no_number(run_python, default):
    pytest.importorskip("torch")
    plain, changed = (
        run_python("-c", PROGRAM.replace("DEFAULT", line), KERAS_BACKEND="torch")
        for line in ("pass", f"torch.set_default_{default}")
    )
    assert changed.returncode == 0, changed.stderr
    assert json.loads(changed.stdout) == json.loads(plain.stdout)
