"""Devices and processes, each test in processes of its own, give the numbers of one device."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.two_processes import BACKENDS, ROOT, environments

PROGRAM = str(ROOT / "tests" / "distribution" / "replicas.py")


def check(found):
    for name, value in found.items():
        if name.startswith("split"):
            assert value < 1e-6, name
        elif name.startswith(("pool", "measures")):
            assert value == 0, name


@pytest.mark.parametrize("backend", [b for b in BACKENDS if b != "torch"])
def test_devices_of_one_process_change_no_number(backend, run_python, tmp_path):
    process = run_python(PROGRAM, str(tmp_path / "found.json"), KERAS_BACKEND=backend)
    assert process.returncode == 0, process.stderr[-3000:]
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) >= 2 + 2
    check(found)


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_processes_change_no_number(backend, tmp_path):
    processes = [start(tmp_path / str(k), environment) for k, environment in enumerate(environments(backend))]
    try:
        errors = [process.communicate(timeout=200)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(e[-3000:] for e in errors)
    first, second = (json.loads((tmp_path / str(k) / "found.json").read_text()) for k in range(2))
    for found in (first, second):
        check(found)
        assert found["stopped"]
    assert "tau" in first["summary"] and second["summary"] == []
    ours, alone = ((tmp_path / "0" / name / "models.csv").read_bytes() for name in ("run", "alone"))
    assert ours == alone


def start(folder, environment):
    folder.mkdir()
    arguments = [sys.executable, PROGRAM, str(folder / "found.json"), str(folder / "run")]
    everything = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.Popen(arguments, env=everything, cwd=ROOT, stderr=subprocess.PIPE, text=True)
