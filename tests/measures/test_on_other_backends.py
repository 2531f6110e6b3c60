"""Models and data at the edge of what can be measured, on the backends that this process does not run."""

import importlib.util

import keras
import pytest

FILES = (
    *("tests/objective/test_measurable.py", "tests/objective/test_labelled_data.py"),
    *("tests/measures/test_resolution.py", "tests/measures/test_symmetry.py"),
    *("tests/measures/test_finite_differences.py", "tests/backend/test_torch.py"),
    *("tests/measures/test_where_called.py", "tests/backend/test_internals.py"),
    *("tests/backend/test_torch_autograd.py", "tests/backend/test_torch_modules.py"),
    *("tests/measures/test_other_models.py", "tests/measures/test_barrier.py"),
    "tests/measures/test_found_directions.py",
)
OTHERS = [b for b in ("tensorflow", "jax", "torch") if b != keras.config.backend() and importlib.util.find_spec(b)]


@pytest.mark.parametrize("backend", OTHERS)
def test_the_same_holds(run_python, backend):
    process = run_python("-m", "pytest", "-q", "-n", "0", *FILES, KERAS_BACKEND=backend)
    assert process.returncode == 0, process.stdout[-3000:]
