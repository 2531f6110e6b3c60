"""What all tests share: the backend, quiet logs, and where optional data lie."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parents[1]
# What `make quick` leaves out as a whole, next to tests that are marked one by one: comparisons with other packages and
# between backends, many devices, whole commands and programs, models of every kind, a browser, the documentation.
SLOW = (
    *("crosschecks", "docs", "faults", "distribution/test_replicas.py", "distribution/test_tpu.py"),
    *("cli/test_measure.py", "measures/test_any_model.py", "reporting/test_browser.py"),
    *("measures/test_streaming.py", "measures/test_checked_data.py", "measures/test_resolution.py"),
    *("objective/test_as_evaluate.py", "objective/test_measurable.py", "studies/test_splits.py"),
    *("studies/released/test_ablation.py", "studies/released/test_ascents.py", "studies/released/test_other_pool.py"),
    *("pools/test_update_rules.py", "pools/test_train_pool.py", "pools/test_pool_run.py", "studies/test_pool_study.py"),
    *("complexity/test_measure_pool.py", "studies/test_same_on_all_backends.py"),
)

# What `make test` leaves to `make backends`, so that it stays within half an hour on two cores.
AGAIN = (
    *("measures/test_on_other_backends.py", "models/test_same_on_all_backends.py", "crosschecks/test_keras_hub.py"),
    *("objective/test_as_evaluate.py::test_on_the_other_backends", "measures/test_checked_data.py::test_memory"),
    "complexity/test_on_all_backends.py",
    *("training/test_on_other_backends.py", "training/test_on_devices.py"),
    "faults/test_environment.py",
)


def pytest_collection_modifyitems(items):
    """Marks as slow what lies in `SLOW`, and what starts Python, and with it a backend, in a process of its own."""
    for item in items:
        path = item.path.relative_to(ROOT / "tests")
        if f"{path}::{item.name}".startswith(AGAIN):
            item.add_marker(pytest.mark.again)
        if any(path.is_relative_to(part) for part in SLOW) or "run_python" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def run_python():
    """Runs Python in a process of its own, for what depends on how a process starts."""

    def run(*arguments, **environment):
        process = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            cwd=ROOT,
            timeout=300,
        )
        return process

    return run
