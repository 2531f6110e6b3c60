"""Devices and processes, each test in processes of its own, give the numbers of one device."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(ROOT / "tests" / "distribution" / "replicas.py")
BACKENDS = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]


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


def environments(backend):
    """What tells each of two processes who it is."""
    first, second = free_port(), free_port()
    for k in (0, 1):
        if backend == "tensorflow":
            cluster = {"worker": [f"127.0.0.1:{port}" for port in (first, second)]}
            names = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": k}})}
        elif backend == "jax":
            who = {"JOB_ADDRESSES": f"127.0.0.1:{first}", "NUM_PROCESSES": "2", "PROCESS_ID": str(k)}
            names = {f"KERAS_DISTRIBUTION_{name}": value for name, value in who.items()}
        else:
            names = {"RANK": str(k), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(first)}
        yield {"KERAS_BACKEND": backend} | names


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
