"""What all tests share: the backend, quiet logs, and where optional data lie."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each core: threads of their own would only take cores from each other.
    for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")

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

# Tests that take longer than half a second each, listed by `scripts/slow_tests.py`.
MEASURED = frozenset((ROOT / "tests" / "slow.txt").read_text().split())
REPLICAS = ("devices_of_one_process_change_no_number", "two_processes_change_no_number")
# What `make test` leaves to `make backends`, so that it stays within half an hour on two cores.
AGAIN = (
    *("measures/test_on_other_backends.py", "models/test_same_on_all_backends.py", "crosschecks/test_keras_hub.py"),
    *("objective/test_as_evaluate.py::test_on_the_other_backends", "measures/test_checked_data.py::test_memory"),
    "complexity/test_on_all_backends.py",
    *("training/test_on_other_backends.py", "training/test_on_devices.py"),
    "examples/test_notebooks.py::test_a_notebook_runs",
    *(f"distribution/test_replicas.py::test_{what}[{on}]" for what in REPLICAS for on in ("jax", "torch")),
    "distribution/test_replicas.py::test_devices_of_one_process_change_no_number[tensorflow]",
    "studies/test_same_on_all_backends.py::test_whole_studies_agree",
    *("cli/test_command_line.py::test_a_study_leaves_its_results[lenet]", "cli/test_strategies.py::test_a_measure"),
    "data/test_fashion_mnist.py::test_tensorflow_datasets_prepares",
    "data/tables/test_entries.py::test_the_catalogue_is_what_the_script_writes",
    "studies/released/test_ablation.py::test_an_ablation_goes_all_the_way",
    *(f"studies/released/test_ascents.py::test_{what}" for what in ("lenet_prints", "the_median_of_a_small_pool")),
    "packaging/test_dist.py",
    "faults/test_environment.py",
    # The site runs the examples of these pages itself.
    *("docs/test_site.py", *(f"docs/test_docs.py::test_an_example_runs[{page}-" for page in ("gallery", "tutorial"))),
)


def pytest_collection_modifyitems(items):
    """Marks as slow what lies in `SLOW`, and what starts Python, and with it a backend, in a process of its own."""
    for item in items:
        path = item.path.relative_to(ROOT / "tests")
        if f"{path}::{item.name}".startswith(AGAIN):
            item.add_marker(pytest.mark.again)
        slow = f"{path}::{item.name.partition('[')[0]}" in MEASURED or any(path.is_relative_to(part) for part in SLOW)
        if slow or "run_python" in item.fixturenames:
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


@pytest.fixture
def terminal(capsys, monkeypatch):
    """Makes standard error look like a terminal, where bars are shown from the first moment; what it is told."""
    from keras_sharpness.execution import progress

    monkeypatch.setattr(progress, "is_watched", lambda: True)
    monkeypatch.setattr(progress.bar, "__defaults__", (True, None, 0.0))
    return lambda: capsys.readouterr().err
