"""Times a pool over hyper-parameters beside a pool of seeds with as many steps, in turns in one process.

`python -m benchmarks.pools` writes `pools.csv` into `runs/benchmark`: seconds of all cores together for 1,008 fully
connected networks on Abalone, compiling, scores and everything else included, and their ratio.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.processes import ROOT, installed_backends, run_module

MODELS = 1008
# Batches of 32, 64 and 128 take 49 steps an epoch on average, those of 64 take 42.
SEEDS = {"space": {"learning_rate": [0.015]}, "batch_size": 64, "max_epochs": 7}
GRID = {
    "space": {"learning_rate": [0.005, 0.015, 0.045], "batch_size": [32, 64, 128], "weight_decay": [0.0, 1e-3]},
    "max_epochs": 6,
}


def main(output: Path) -> None:
    """Measures on every backend, each in a process of its own.

    Args:
        output: Folder for the results.
    """
    rows = [
        {"backend": name} | run_module("benchmarks.pools", name, KERAS_BACKEND=name) for name in installed_backends()
    ]
    pd.DataFrame(rows).to_csv(output / "pools.csv", index=False)


def measured() -> dict[str, Any]:
    """Returns the seconds of both pools, and their ratio."""
    import keras_sharpness as ks

    dataset = ks.data.load("abalone")
    splits = dataset.examples("train"), dataset.examples("test")
    found = {}
    for kind, settings in {"seeds": SEEDS, "hyper-parameters": GRID}.items():
        settings = dict(settings)
        seeds = MODELS
        for values in settings["space"].values():
            seeds //= len(values)
        begin = time.process_time()
        ks.train_pool(
            ks.models.fcnn, *splits, **settings, seeds=seeds, loss="mean_squared_error", initialization="glorot_uniform"
        )
        found[f"{kind} s"] = round(time.process_time() - begin, 1)
    return found | {"ratio": round(found["hyper-parameters s"] / found["seeds s"], 2)}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured()))
    else:
        main(ROOT / "runs" / "benchmark")
