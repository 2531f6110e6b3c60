"""Kills a small study again and again until it is done, and compares its end with that of one left alone.

    KERAS_BACKEND=torch python tests/faults/kill.py FOLDER KILLS [SEED]

The study runs in forked children, which need not start Python anew, so that hundreds of kills take minutes. Each kill
comes at a random moment. Ends with status 1 and the seed if a single number differs.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from keras_sharpness import backend


def main(folder: Path, kills: int, seed: int) -> None:
    """Runs pools of several shapes, each killed until it ends, until there were enough kills."""
    from keras_sharpness.data.dataset import Dataset
    from keras_sharpness.studies.config import study_config
    from keras_sharpness.studies.run import run_study
    from keras_sharpness.studies.study import Study

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 10)).astype("float32"), rng.normal(size=(200, 1)).astype("float32")
    dataset = Dataset(name="abalone", x=x, y=y, train=np.arange(150), test=np.arange(150, 200), source="made up")
    chance = random.Random(seed)
    done = 0
    while done < kills:
        settings = {"num_models": chance.choice([3, 7, 30]), "num_batches": 2, "m": 8, "seed": chance.randrange(100)}
        config = study_config("fcnn", max_epochs=chance.choice([1, 3]), **settings)

        def run(to: Path, config=config) -> None:
            # Here, in the child: PyTorch must not have computed anything before the fork.
            backend.use_one_thread_per_operation()
            run_study(Study(config, dataset), to)

        shutil.rmtree(folder, ignore_errors=True)
        begin = time.perf_counter()
        assert _child(run, folder / "whole", None) == 0
        length = time.perf_counter() - begin
        killed = 0
        while _child(run, folder / "killed", chance.uniform(0, 0.6 * length)) != 0:
            killed += 1
            # A pool that is always killed before its first model is saved would never end.
            if killed > 40:
                length *= 2
        done += killed
        _compare(folder, seed)
        print(f"{done} kills, {settings}", flush=True)


def _child(run, folder: Path, seconds: float | None) -> int:
    """Runs in a fork, killed after some seconds; returns its status."""
    pid = os.fork()
    if pid == 0:
        try:
            run(folder)
        except BaseException as error:
            print("child:", error, flush=True)
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a run that goes on failed")
    return status


def _compare(folder: Path, seed: int) -> None:
    whole, killed = (
        (
            (folder / name / "models.csv").read_bytes(),
            {k: v for k, v in json.loads((folder / name / "summary.json").read_text()).items() if "seconds" not in k},
        )
        for name in ("whole", "killed")
    )
    leftovers = list((folder / "killed").rglob("*.part"))
    if whole != killed:
        sys.exit(f"a killed run ended with other numbers (seed {seed})")
    if leftovers:
        sys.exit(f"killed runs left {len(leftovers)} temporary files behind")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int((sys.argv[3:] or ["0"])[0]))
