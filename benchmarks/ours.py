"""The package's own time for studies, in steady state: `python benchmarks/ours.py fcnn 10 50 10,1000` prints it.

The arguments are the network, the epochs at most, the models of the pool that is timed, and sizes of further pools.
KERAS_BACKEND chooses the backend. Pools run twice in one process: the second shows the steady state, and what the first
took longer is the time to trace and compile.
"""

import json
import sys
import time

BEGIN = time.perf_counter()

import keras  # noqa: E402

from keras_sharpness import backend, data  # noqa: E402
from keras_sharpness.studies.config import study_config  # noqa: E402

# A pool of this size and a larger one run the same compiled functions.
SETTLED = 50


def main(name: str, max_epochs: int, num_models: int, others: list[int]) -> None:
    """Trains and measures pools, and prints the seconds of each part.

    Args:
        name: "fcnn", "lenet" or "gat".
        max_epochs: Epochs of training at most.
        num_models: Models in the pool that is timed.
        others: Sizes of further pools, to see the growth.
    """
    backend.use_one_thread_per_operation()
    from keras_sharpness.studies.study import Study

    config = study_config(name, max_epochs=max_epochs)
    dataset = data.load(config.system.dataset)
    start_up = time.perf_counter() - BEGIN
    study = Study(config, dataset)
    first, steady = _pool(study, num_models), _pool(study, num_models)
    result = {f"first_{part}": seconds for part, seconds in first.items()} | steady
    growth = {num_models: steady} | {size: _steady_pool(study, size) for size in others}
    growth = {size: pool["training"] + pool["sharpness"] for size, pool in sorted(growth.items())}
    print(json.dumps(result | {"backend": keras.config.backend(), "start_up": start_up, "growth": growth}))


def _steady_pool(study, num_models: int) -> dict[str, float]:
    if num_models < SETTLED:
        _pool(study, num_models)
    return _pool(study, num_models)


def _pool(study, num_models: int) -> dict[str, float]:
    begin = time.perf_counter()
    members = list(study.train(range(num_models)))
    middle = time.perf_counter()
    for _ in study.measure(members):
        pass
    seconds = {"training": middle - begin, "sharpness": time.perf_counter() - middle}
    return seconds | {"epochs": sum(len(member.epoch_losses) for member in members)}


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:4]), [int(size) for size in "".join(sys.argv[4:]).split(",") if size])
