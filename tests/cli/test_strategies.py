"""The flags of devices: what goes together, and one line for what does not."""

import json

import keras
import numpy as np
import pytest

ONE_OF_TWO = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}


def fails(run_python, *arguments, **environment):
    process = run_python("main.py", *arguments, **environment)
    assert process.returncode == 2
    (line,) = process.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tpu=local"], "error: --tpu must come with --strategy=tpu. Received: tpu='local'"),
        (["--num_devices=2"], "error: --num_devices must come with --strategy=mirrored"),
        (["--strategy=mirrored", "--num_devices=0"], "error: flag --num_devices=0"),
        (
            ["--split=examples"],
            "error: `study` must be given flags that it takes (see --help). Received: others='--split'",
        ),
        (["--strategy=half"], "error: flag --strategy=half"),
        (
            ["measure", "--keras_model=a", "--data=b", "--measure=trace", "--strategy=mirrored"],
            "error: --measure=trace must be given flags that it takes",
        ),
        (["measure", "--keras_model=a", "--data=b", "--split=examples"], "error: --split must come with a --strategy"),
    ],
)
def test_flags_that_do_not_go_together(run_python, arguments, words):
    assert fails(run_python, *arguments).startswith(words)


def test_an_environment_that_describes_no_cluster(run_python):
    several = "--strategy=multi_worker"
    assert "RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT must be set" in fails(run_python, several, "--backend=torch")
    task = fails(run_python, several, "--backend=tensorflow", TF_CONFIG=json.dumps(ONE_OF_TWO))
    assert "TF_CONFIG's task must be one of its cluster's chief and workers. Received: type='worker', index=2" in task


@pytest.mark.parametrize("config", [None, "{", "[]", '{"cluster": {}}', '{"cluster": [], "task": 1}'])
def test_a_cluster_is_checked(config):
    cluster = pytest.importorskip("keras_sharpness.distribution.strategy")
    with pytest.raises(ValueError, match="TF_CONFIG must be"):
        cluster.read_cluster(config)


def test_a_measure_splits_examples(run_python, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
    model.compile(loss="mean_squared_error")
    model.save(tmp_path / "model.keras")
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(50, 3)).astype("float32"), y=rng.normal(size=(50, 1)))
    given = [f"--keras_model={tmp_path / 'model.keras'}", f"--data={tmp_path / 'data.npz'}", "--m=9", "--rho=0.1"]
    devices = ["--strategy=mirrored", "--num_devices=2", "--split=examples"]
    values = []
    for options in ([], devices):
        process = run_python("main.py", "measure", *given, *options, KERAS_BACKEND="tensorflow")
        assert process.returncode == 0, process.stderr
        values.append(json.loads(process.stdout)["value"])
    assert values[0] > 0.01
    assert values[1] == pytest.approx(values[0], abs=1e-6)
