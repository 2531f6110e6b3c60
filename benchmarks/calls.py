"""Times the first and later measurements of one model: what a user waits for in a session or during `fit`.

`python -m benchmarks.calls` writes `runs/benchmark/calls.csv` and `calls.md`; `python main.py benchmark` does so too.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
BACKENDS = ("tensorflow", "jax", "torch")
MODELS = ("dense", "convolutional")
NOTE = """# First and later calls

Seconds of `worst_case_sharpness` on one model (2 batches of 64, 5 steps), and of `SharpnessCallback` in the epochs of
`fit`. The first call traces and compiles; a call with another radius, and later epochs, use what was compiled. PyTorch
runs eagerly: it has nothing to compile.

"""


def main(output: Path) -> None:
    """Measures every model on every backend, each in a process of its own.

    Args:
        output: Folder for the results.
    """
    rows = [_row(model, backend) for model in MODELS for backend in filter(importlib.util.find_spec, BACKENDS)]
    table = pd.DataFrame(rows)
    output.mkdir(parents=True, exist_ok=True)
    table.to_csv(output / "calls.csv", index=False)
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    page = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    (output / "calls.md").write_text(NOTE + page + "\n")


def _row(model: str, backend: str) -> dict[str, object]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": backend}
    command = [sys.executable, "-m", "benchmarks.calls", model]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout
    seconds = json.loads(output.splitlines()[-1])
    row: dict[str, object] = {"model": model, "backend": backend}
    for what in ("call", "epoch"):
        first, *later = seconds[what]
        row |= {f"first {what}": round(first, 3), f"later {what}s": round(min(later), 3)}
    return row


def measure(name: str) -> dict[str, list[float]]:
    """Returns seconds of three calls with different radii, and of the callback in three epochs."""
    import keras

    import keras_sharpness as ks

    model, shape = _build(name)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(512, *shape)).astype("float32"), rng.integers(0, 10, 512)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    options: dict[str, Any] = {"m": 64, "num_batches": 2, "maximizer": ks.PGA(num_steps=5, step_size=0.05)}
    calls = [
        _timed(lambda rho=rho: ks.worst_case_sharpness(model, x, y, rho=rho, **options)) for rho in (0.01, 0.02, 0.03)
    ]
    model, _ = _build(name)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before: list[float] = []
    after: list[float] = []
    clocks = [
        keras.callbacks.LambdaCallback(on_epoch_end=lambda *_, t=t: t.append(time.perf_counter()))
        for t in (before, after)
    ]
    callback = ks.SharpnessCallback(x, y, rho=0.01, **options)
    model.fit(x, y, epochs=3, batch_size=64, verbose=0, callbacks=[clocks[0], callback, clocks[1]])
    return {"call": calls, "epoch": [end - start for start, end in zip(before, after, strict=True)]}


def _build(name: str) -> tuple:
    import keras
    from keras import layers

    if name == "dense":
        hidden = [layers.Dense(100, activation="relu"), layers.Dense(100, activation="relu")]
        return keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(10)]), (784,)
    first = [layers.Conv2D(16, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    second = [layers.Conv2D(32, 3), layers.BatchNormalization(), layers.ReLU(), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((28, 28, 1)), *first, *second, layers.Dense(10)]), (28, 28, 1)


def _timed(fn) -> float:
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main(ROOT / "runs" / "benchmark")
