"""Computes alone and with others, and writes down how far the two are apart: `replicas.py FILE [FOLDER]`.

With a folder, this process is one of several, as the environment says; the folder is its own.
"""

import json
import sys
from pathlib import Path

from keras_sharpness import distribution

several = len(sys.argv) > 2
largest = distribution.start("multi_worker") if several else distribution.start("mirrored", 3)

import keras  # noqa: E402
import numpy as np  # noqa: E402

import keras_sharpness as ks  # noqa: E402
from keras_sharpness.data.dataset import Dataset  # noqa: E402
from keras_sharpness.studies.config import study_config  # noqa: E402
from keras_sharpness.studies.run import Stopped, run_study  # noqa: E402
from keras_sharpness.studies.study import Study  # noqa: E402
from tests.support import cases  # noqa: E402


def parts_of(given):
    """Strategies of some of three devices; JAX compiles anew for each."""
    if keras.config.backend() == "jax":
        devices = keras.distribution.list_devices()
        return {2: keras.distribution.DataParallel(devices=devices[:2])}
    import tensorflow as tf

    return {count: tf.distribute.MirroredStrategy([f"CPU:{k}" for k in range(count)]) for count in (1, 2)}


def study(given):
    case = cases.fcnn()
    dataset = Dataset(name="abalone", x=case.x, y=case.y, train=np.arange(128), test=np.arange(128, 192))
    config = study_config("fcnn", num_models=3, num_batches=4, m=8, max_epochs=2, maximizer=None)
    return Study(config, dataset, distribution=given)


def pool(given):
    found, members = {}, []
    whole = study(given)
    for member in whole.train(range(3)):
        members.append(member)
        found[f"epochs/{member.index}"] = member.epoch_losses
        found |= {f"weights/{member.index}/{k}": w for k, w in enumerate(member.weights)}
        found |= {f"{name}/{member.index}": value for name, value in whole.evaluate(member).items()}
    found |= {f"paths/{index}": found["losses"] for index, found in whole.measure(members)}
    assert len(found) == 3 * (1 + 6 + 2 + 1), list(found)
    return found


def one(given, **options):
    """A network with a convolution, whose batches are blocks of their own."""
    rng, layers = np.random.default_rng(0), keras.layers
    convolution = [keras.Input((6, 6, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.ReLU()]
    model = cases.randomize(keras.Sequential([*convolution, layers.Flatten(), layers.Dense(3)]))
    data = rng.normal(size=(40, 6, 6, 1)), rng.integers(0, 3, 40)
    sample = {"num_batches": 3, "m": 16, "rho": 0.01, "maximizer": ks.PGA(num_steps=2), "distribution": given}
    return ks.worst_case_sharpness(model, *data, cases.CROSS_ENTROPY, **(sample | options)).losses


def measures(given):
    case = cases.fcnn()
    data, few = (case.model, case.x, case.y, case.loss), {"num_batches": 3, "distribution": given}
    return {"worst case": one(given), "average case": ks.average_case_sharpness(*data, num_draws=40, **few).losses}


def split(given):
    return {"whole": one(given, m=18), "rest and pieces": one(given, m=17, batch_size=3)}


def apart(ours, theirs):
    """The largest distance, as a share of the largest number; zero means equal in every bit."""
    assert ours.keys() == theirs.keys()
    pairs = [(np.asarray(ours[name], float), np.asarray(theirs[name], float)) for name in ours]
    return max(float(np.nanmax(np.abs(a - b)) / np.nanmax(np.abs(b))) for a, b in pairs)


def of_one_process():
    alone = pool(None)
    pools = {f"pool of {k}": apart(pool(given), alone) for k, given in (parts_of(largest) | {3: largest}).items()}
    # TensorFlow knows one group of devices that meet.
    shared = apart(split(ks.split_examples(largest)), split(None))
    return pools | {"measures": apart(measures(largest), measures(None)), "split": shared}


def of_several(folder):
    chief, shared = distribution.distribute(largest).is_chief, study(largest)
    run_study(shared, folder)
    assert folder.exists() == chief
    if chief:
        (folder / "pool" / "00001.npz").unlink()
        (folder / "sharpness" / "00002.npz").unlink()
        run_study(study(None), folder.with_name("alone"))
    found = {"summary": sorted(run_study(shared, folder))}
    found["split"] = apart(split(ks.split_examples(largest)), split(None))
    try:
        # Another process than the one that keeps the files is asked to stop.
        run_study(shared, folder, stop=lambda: not chief)
    except Stopped:
        found["stopped"] = True
    return found


found = of_several(Path(sys.argv[2])) if several else of_one_process()
Path(sys.argv[1]).write_text(json.dumps(found))
