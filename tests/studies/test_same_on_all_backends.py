"""Every backend, in a process of its own, gives the same numbers."""

import importlib.util

import numpy as np
import pandas as pd
import pytest

BACKENDS = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]

# Loss paths of every network, in inference and in training mode, and a tiny pool of each that trains and is measured.
PROGRAM = """
import sys
import numpy as np, keras
from tests.support import cases
import keras_sharpness as ks
from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.pools.trainer import sgd_trainer

results = {}
for name, build in cases.CASES.items():
    case = build()
    # Rounding can turn which of two nearly equal pixels a pooling layer takes: two steps leave little room for that.
    examples, epochs = (32, 1) if name == "lenet5" else (40, 2)
    schedule = Schedule(learning_rate=0.05, batch_size=16, max_epochs=epochs)
    for member in sgd_trainer(case.objective, case.data, np.arange(examples), schedule, seed=0).train(range(2)):
        results[f"{name}/epochs/{member.index}"] = np.array(member.epoch_losses)
        for k, weight in enumerate(member.weights):
            results[f"{name}/weights/{member.index}/{k}"] = weight
        model = member.assign_to(case.model)
        for training in (False, True):
            r = ks.worst_case_sharpness(
                model, case.x, case.y, case.loss, rho=case.rho, training=training, num_batches=3, m=16,
                maximizer=ks.PGA(step_size=case.step_size),
            )
            results[f"{name}/losses/{member.index}/{training}"] = r.losses
assert keras.config.backend() == "tensorflow" or "tensorflow" not in sys.modules
np.savez(sys.argv[1], **results)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory, run_python):
    folder, found = tmp_path_factory.mktemp("backends"), {}
    for backend in BACKENDS:
        process = run_python("-c", PROGRAM, str(folder / f"{backend}.npz"), KERAS_BACKEND=backend)
        assert process.returncode == 0, process.stderr[-3000:]
        found[backend] = dict(np.load(folder / f"{backend}.npz"))
    return found


@pytest.mark.skipif(len(BACKENDS) < 2, reason="one backend alone is installed")
@pytest.mark.parametrize("network", ["fcnn", "lenet5", "gat"])
@pytest.mark.parametrize("quantity", ["epochs", "weights", "losses"])
def test_numbers_agree(results, network, quantity):
    first, *others = BACKENDS
    names = [name for name in results[first] if name.startswith(f"{network}/{quantity}/")]
    assert names
    for backend in others:
        for name in names:
            ours, theirs, what = results[backend][name], results[first][name], f"{backend} {name}"
            if quantity == "losses":
                # At the same weights. Farther along a path, rounding has moved the weights apart.
                np.testing.assert_allclose(ours, theirs, rtol=5e-5, err_msg=what)
                ours, theirs = ours[:, 0], theirs[:, 0]
            np.testing.assert_allclose(ours, theirs, 1e-5, 1e-5 if quantity == "weights" else 0, err_msg=what)


@pytest.mark.skipif(len(BACKENDS) < 2, reason="one backend alone is installed")
@pytest.mark.parametrize("model", ["fcnn", "gat"])
def test_whole_studies_agree(model, tmp_path, run_python):
    tables = {}
    for backend in BACKENDS:
        folder = tmp_path / backend
        flags = ["--num_models=3", "--max_epochs=3", "--num_batches=4", f"--output_dir={folder}"]
        process = run_python("main.py", f"--model={model}", f"--backend={backend}", *flags, KERAS_BACKEND="")
        assert process.returncode == 0, process.stderr[-3000:]
        tables[backend] = pd.read_csv(folder / "models.csv")
    first, *others = tables.values()
    for table in others:
        pd.testing.assert_frame_equal(table, first, rtol=1e-4, atol=1e-6)
