"""Peak memory of measuring one large model, in sizes of its weights: what fits beside the model on a device.

`python -m benchmarks.memory` prints a row for each backend, maximizer and number of batches, each measured in a process
of its own: 49 million parameters, 188 MB of weights. The peak is above what was in use before the call.
"""

import json
import sys

from benchmarks.measuring import kilobytes, reset_peak
from benchmarks.processes import installed_backends, run_module

HIDDEN = (4736, 4736, 4736)
MAXIMIZERS = ("PGA", "APGD")


def rows() -> list[dict[str, object]]:
    """Measures everything, one process after another."""
    cases = [(b, name, n) for b in installed_backends() for name in MAXIMIZERS for n in (1, 4)]
    return [
        {"backend": backend, "maximizer": name, "batches": n}
        | run_module("benchmarks.memory", name, n, KERAS_BACKEND=backend)
        for backend, name, n in cases
    ]


def measure(maximizer: str, num_batches: int) -> dict[str, float]:
    """Returns the peak memory of a measurement in sizes of the weights.

    Args:
        maximizer: "PGA" or "APGD".
        num_batches: Batches of 16 examples.
    """
    import keras
    import numpy as np

    import keras_sharpness as ks

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 784)).astype("float32"), rng.integers(0, 10, 64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    options = {"maximizer": getattr(ks, maximizer)(num_steps=5), "m": 16, "num_batches": num_batches}
    # A small model first, so that what the backend loads once does not count.
    for hidden in ((8,), HIDDEN):
        layers = [keras.layers.Dense(n, activation="relu") for n in hidden]
        model = keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(10)])
        before = reset_peak()
        ks.worst_case_sharpness(model, x, y, loss, rho=0.01, **options)
    return {"peak": round((kilobytes("VmHWM") - before) / (model.count_params() * 4 / 1024), 1)}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        for row in rows():
            print(row, flush=True)
