"""Two devices that share each batch train as one does."""

import importlib.util
from pathlib import Path

import pytest

PROGRAM = str(Path(__file__).with_name("sam_replicas.py"))


@pytest.mark.parametrize("backend", [b for b in ("tensorflow", "jax") if importlib.util.find_spec(b)])
def test_two_devices_train_as_one(backend, run_python):
    process = run_python(PROGRAM, KERAS_BACKEND=backend)
    assert process.returncode == 0, process.stderr[-3000:]
    found = dict(line.split("\t") for line in process.stdout.splitlines())
    refused = found.pop("refused", "`every` must be 1")
    assert refused.startswith("`every` must be 1")
    assert len(found) == 5
    assert max(map(float, found.values())) < 1e-5
