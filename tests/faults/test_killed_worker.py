"""One of two processes that share a study is killed: the other one ends in one line, within a minute."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.support.two_processes import BACKENDS, ROOT, environments

pytestmark = pytest.mark.again
STUDY = ["main.py", "--strategy=multi_worker", "--num_models=5000", "--num_batches=5", "--quiet"]


@pytest.mark.parametrize("killed", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_other_ends_within_a_minute_in_one_line(backend, killed, tmp_path):
    folder = tmp_path / "run"
    processes = [start(folder, environment) for environment in environments(backend)]
    try:
        wait_for(lambda: any((folder / "pool").glob("*.npz")), processes)
        processes[killed].send_signal(signal.SIGKILL)
        _, err = processes[1 - killed].communicate(timeout=60)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert processes[1 - killed].returncode == 2
    (line,) = err.strip().splitlines()
    assert line.startswith("error: ")


def start(folder, environment):
    everything = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    command = [sys.executable, *STUDY, f"--output_dir={folder}"]
    return subprocess.Popen(
        command, env=everything, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition, processes, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end and all(process.poll() is None for process in processes)
        time.sleep(0.05)
