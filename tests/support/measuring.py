"""A few measures of each kind on models, in a process of a backend's own, and their comparison between backends."""

import importlib.util
import sys
from typing import Any

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from tests.support import cases

BACKENDS = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
# Largest relative difference between backends in float32, of losses, gradients and eigenvalues.
TOLERANCES = {"evaluate": 1e-5, "losses": 1e-5, "gradient": 1e-4, "eigenvalue": 1e-5}


def measures(model, x, y, sample_weight=None) -> dict[str, np.ndarray]:
    """Returns the loss as `evaluate` has it, the path of an ascent, the gradient's norm and the top eigenvalue."""
    cases.randomize(model)
    model.compile(loss=CROSS_ENTROPY)
    evaluated = model.evaluate(x, y, len(y), verbose=0, sample_weight=sample_weight, return_dict=True)["loss"]
    sample = ks.Sample(model, x, y, m=None, sample_weight=sample_weight)
    ascent = ks.worst_case_sharpness(sample, rho=0.01, maximizer=ks.PGA(num_steps=2, step_size=0.05))
    found = {"evaluate": evaluated, "losses": ascent.losses, "gradient": ks.gradient_norm(sample)}
    return {name: np.array(value) for name, value in found.items()} | {
        "eigenvalue": ks.hessian.top_eigenvalues(sample).values
    }


def measure_all(calls: dict[str, tuple[Any, ...]]) -> None:
    """Measures models of (model, x, y) or (model, x, y, sample_weight), and writes the arrays to the named file."""
    results = {name: measures(*arguments) for name, arguments in calls.items()}
    named = {f"{name}/{what}": value for name, found in results.items() for what, value in found.items()}
    np.savez(sys.argv[1], **named)


# Without its costlier passes, JAX compiles these models in half the time.
QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"}


@pytest.fixture(scope="module", name="results")
def results_of_program(request, tmp_path_factory, run_python):
    """What the module's `PROGRAM` measures, by backend; for modules to import."""
    return in_each_backend(request.module.PROGRAM, tmp_path_factory.mktemp("backends"), run_python)


def in_each_backend(program: str, folder, run_python) -> dict[str, dict[str, np.ndarray]]:
    """Runs a program that writes arrays to the file that it is given, once with each backend."""
    found = {}
    for backend in BACKENDS:
        process = run_python("-c", program, str(folder / f"{backend}.npz"), KERAS_BACKEND=backend, **QUICK)
        assert process.returncode == 0, process.stderr[-3000:]
        found[backend] = dict(np.load(folder / f"{backend}.npz"))
    return found


def assert_agree(results: dict[str, dict[str, np.ndarray]], name: str) -> None:
    """Compares the measures of one model between backends, and with `evaluate`."""
    for backend, found in results.items():
        losses = found[f"{name}/losses"]
        assert (np.diff(losses) > 0).all(), backend
        assert losses[0, 0] == pytest.approx(found[f"{name}/evaluate"], rel=1e-5), backend
        for quantity, tolerance in TOLERANCES.items():
            expected = results[BACKENDS[0]][f"{name}/{quantity}"]
            np.testing.assert_allclose(
                found[f"{name}/{quantity}"], expected, rtol=tolerance, err_msg=f"{backend} {quantity}"
            )
