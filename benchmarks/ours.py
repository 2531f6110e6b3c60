"""The package's own time for a study, in steady state: `python benchmarks/ours.py fcnn 50 10` prints it.

The arguments are the network, the models of a pool and the epochs at most.

KERAS_BACKEND chooses the backend. Two pools of the same size run in one process: the second shows the steady state, and
what the first took longer is the time to trace and compile.
"""

import json
import sys
import time
from collections.abc import Iterable

BEGIN = time.perf_counter()

import keras  # noqa: E402

from keras_sharpness import backend, data  # noqa: E402
from keras_sharpness.studies.protocol import study_config  # noqa: E402


def main(name: str, num_models: int, max_epochs: int) -> None:
    """Trains and measures two pools, and prints the seconds of each part.

    Args:
        name: "fcnn", "lenet" or "gat".
        num_models: Models in each pool.
        max_epochs: Epochs of training at most.
    """
    if name == "lenet":
        backend.use_one_thread_per_operation()
    from keras_sharpness.studies.study import Study

    config = study_config(name, max_epochs=max_epochs)
    dataset = data.load(config.system.dataset)
    start_up = time.perf_counter() - BEGIN
    study = Study(config, dataset)
    first, _ = _pool(study, range(num_models))
    steady, epochs = _pool(study, range(num_models, 2 * num_models))
    result = {f"first_{part}": seconds for part, seconds in first.items()} | steady
    result |= {"backend": keras.config.backend(), "start_up": start_up, "epochs": epochs}
    print(json.dumps(result))


def _pool(study, indices: Iterable[int]) -> tuple[dict[str, float], int]:
    begin = time.perf_counter()
    members = list(study.train(indices))
    middle = time.perf_counter()
    list(study.measure(members))
    seconds = {"training": middle - begin, "sharpness": time.perf_counter() - middle}
    return seconds, sum(len(member.epoch_losses) for member in members)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
