"""Times a sharpness-aware step beside a plain step of `fit`, in turns in one process.

`python -m benchmarks.sam` writes `sam.csv` into `runs/benchmark`: milliseconds of a step on all cores together, so that
other work on the machine counts little, the smallest of several epochs; and their ratio. `python -m benchmarks.sam
dense` prints those of one network on the backend of `KERAS_BACKEND` as JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.processes import ROOT, installed_backends, run_module

SHAPES = {"dense": (784,), "lenet": (28, 28, 1), "resnet20": (32, 32, 3)}
STEPS = {"dense": 20, "lenet": 8, "resnet20": 2}
ROUNDS, BATCH = 15, 64


def main(output: Path) -> None:
    """Measures every network on every backend, each in a process of its own.

    Args:
        output: Folder for the results.
    """
    rows = [
        {"model": name, "backend": backend} | run_module("benchmarks.sam", name, KERAS_BACKEND=backend)
        for name in SHAPES
        for backend in installed_backends()
    ]
    pd.DataFrame(rows).to_csv(output / "sam.csv", index=False)


def measured(name: str) -> dict[str, Any]:
    """Returns milliseconds of a plain and of a sharpness-aware step, and their ratio."""
    import keras_sharpness as ks

    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH * STEPS[name], *SHAPES[name])).astype("float32")
    y = rng.integers(0, 10, len(x))
    trainers = {"plain": _network(name), "sam": ks.SAM(_network(name))}
    best = dict.fromkeys(trainers, float("inf"))
    for trainer in trainers.values():
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        trainer.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss, metrics=["accuracy"])
        trainer.fit(x, y, batch_size=BATCH, verbose=0)
    for _ in range(ROUNDS):
        for kind, trainer in trainers.items():
            begin = time.process_time()
            trainer.fit(x, y, batch_size=BATCH, verbose=0)
            best[kind] = min(best[kind], (time.process_time() - begin) / STEPS[name])
    milliseconds = {f"{kind} ms": round(1000 * seconds, 3) for kind, seconds in best.items()}
    return milliseconds | {"ratio": round(best["sam"] / best["plain"], 2)}


def _network(name: str) -> Any:
    from keras_sharpness import models

    if name == "dense":
        layers = [keras.layers.Dense(512, activation="relu"), keras.layers.Dense(512, activation="relu")]
        return keras.Sequential([keras.Input(SHAPES[name]), *layers, keras.layers.Dense(10)])
    return models.lenet5() if name == "lenet" else models.resnet20()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        import keras

        print(json.dumps(measured(sys.argv[1])))
    else:
        main(ROOT / "runs" / "benchmark")
