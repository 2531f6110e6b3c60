"""What a run survives: kills, signals, damaged files, full disks, a second process."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_sharpness.files.checksum import ends_in_its_sum

SMALL = ["--num_models=30", "--num_batches=3", "--m=16", "--max_epochs=2"]


@pytest.fixture
def start(tmp_path):
    """Starts a study in a process of its own, and stops it in the end whatever happens."""
    processes = []

    def run(folder, *flags, before=""):
        program = f"{before}\nimport sys; sys.argv[0] = 'main.py'\nfrom keras_sharpness.cli import app; app.run()"
        command = [sys.executable, "-c", program, f"--output_dir={folder}", *SMALL, *flags]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def finish(process):
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.005)


def numbers(folder):
    return (folder / "models.csv").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    command = [sys.executable, "main.py", f"--output_dir={folder}", *SMALL]
    subprocess.run(command, check=True, capture_output=True)
    return numbers(folder)


def test_ten_kills_at_random_moments(tmp_path, run_python):
    pytest.importorskip("torch")
    process = run_python("tests/faults/kill.py", str(tmp_path), "10", KERAS_BACKEND="torch")
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.parametrize(
    ("stage", "number"), [("pool", signal.SIGKILL), ("pool", signal.SIGTERM), ("sharpness", signal.SIGINT)]
)
def test_a_signal_in_any_stage(tmp_path, start, undisturbed, stage, number):
    folder = tmp_path / "run"
    process = start(folder)
    wait_for(lambda: any((folder / stage).glob("*.npz")), process)
    process.send_signal(number)
    status, err = finish(process)
    if number == signal.SIGKILL:
        assert status == -signal.SIGKILL
    elif status != 0:  # it may have been done already
        assert status == 128 + number
        assert "finishing the models in progress" in err
        assert err.strip().splitlines()[-1] == "stopped; the same command continues from here"
    status, err = finish(start(folder))
    assert status == 0, err
    assert numbers(folder) == undisturbed


def test_damaged_files_are_named_and_made_again(tmp_path, start, undisturbed):
    folder = tmp_path / "run"
    assert finish(start(folder))[0] == 0
    rng = np.random.default_rng(0)
    damaged = [folder / "pool" / "00003.npz", folder / "sharpness" / "00007.npz"]
    for path in damaged:
        content = bytearray(path.read_bytes())
        content[rng.integers(len(content))] ^= 8
        path.write_bytes(bytes(content))
    (folder / "pool" / "00011.npz").write_bytes(b"")
    status, err = finish(start(folder))
    assert status == 0
    for path in (*damaged, folder / "pool" / "00011.npz"):
        assert f"{path} is damaged" in err
        assert ends_in_its_sum(path.read_bytes())
    assert numbers(folder) == undisturbed


def test_a_damaged_config_is_named(tmp_path, start):
    folder = tmp_path / "run"
    assert finish(start(folder))[0] == 0
    (folder / "config.json").write_text((folder / "config.json").read_text()[:50])
    status, err = finish(start(folder))
    assert status == 2
    assert "config.json must be a whole file of a run" in err.strip().splitlines()[-1]


def test_a_second_process_says_so_and_leaves(tmp_path, start):
    folder = tmp_path / "run"
    first = start(folder, "--num_models=200", "--max_epochs=10")
    wait_for(lambda: (folder / ".lock").exists(), first)
    status, err = finish(start(folder, "--num_models=200", "--max_epochs=10"))
    if first.poll() is None:
        assert status == 2
        assert "must not be in use: another process works in it" in err.strip().splitlines()[-1]


@pytest.mark.parametrize("limit", [30000])
def test_a_full_disk_ends_the_run_in_one_line_and_the_folder_goes_on(tmp_path, start, undisturbed, limit):
    folder = tmp_path / "run"
    # Writing beyond this size fails as on a full disk, with an error from the system itself.
    full = f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nLIMIT = {limit}\n"
    full += "import keras_sharpness.files.atomic as a\nreal = a.atomic_open\n"
    full += (
        "def limited(*args, **kw):\n    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))\n"
    )
    full += "    return real(*args, **kw)\n"
    full += "a.atomic_open = limited\n"
    status, err = finish(start(folder, before=full))
    assert status == 2, err
    assert err.strip().splitlines()[-1].startswith("error: [Errno 27]")
    assert not list(folder.rglob("*.part"))
    assert "Traceback" not in err
    assert finish(start(folder))[0] == 0
    assert numbers(folder) == undisturbed


def test_diverged_models_are_told(tmp_path, start):
    folder = tmp_path / "run"
    status, err = finish(start(folder, "--learning_rate=1.2", "--max_epochs=10"))
    assert status == 0, err
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["num_diverged"] > 0
    assert summary["num_models"] + summary["num_diverged"] == 30
    report = (folder / "report.md").read_text()
    assert "diverged" in report
