"""Computes alone and with others, and writes down how far the two are apart: `replicas.py FILE [FOLDER]`.

With a folder, this process is one of several, as the environment says; the folder is its own.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, "tests")

from keras_sharpness import distribution  # noqa: E402

several = len(sys.argv) > 2
largest = distribution.start("multi_worker") if several else distribution.start("mirrored", 3)

import cases  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

import keras_sharpness as ks  # noqa: E402
from keras_sharpness.data.dataset import Dataset  # noqa: E402
from keras_sharpness.studies.protocol import study_config  # noqa: E402
from keras_sharpness.studies.run import Stopped, run_study  # noqa: E402
from keras_sharpness.studies.study import Study  # noqa: E402


def parts_of(given):
    """Strategies of one and two of three devices."""
    if keras.config.backend() == "jax":
        devices = keras.distribution.list_devices()
        return {count: keras.distribution.DataParallel(devices=devices[:count]) for count in (1, 2)}
    import tensorflow as tf

    return {count: tf.distribute.MirroredStrategy([f"CPU:{k}" for k in range(count)]) for count in (1, 2)}


def study(given):
    case = cases.fcnn()
    dataset = Dataset(name="abalone", x=case.x, y=case.y, train=np.arange(150), test=np.arange(150, 200))
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
    found |= {f"paths/{index}": losses for index, losses in whole.measure(members)}
    assert len(found) == 3 * (1 + 6 + 2 + 1), list(found)
    return found


def one(case, given, **options):
    climb = ks.PGA(num_steps=2, step_size=case.step_size)
    sample = {"num_batches": 3, "m": 16, "rho": case.rho, "maximizer": climb, "distribution": given}
    return ks.worst_case_sharpness(case.model, case.x, case.y, case.loss, **(sample | options)).losses


def measures(given):
    """Every way to a distribution; a network with convolutions has a block for each batch."""
    case = cases.fcnn()
    data = case.model, case.x, case.y, case.loss
    few = {"num_batches": 3, "distribution": given}
    return {
        "lenet5": one(cases.lenet5(), given),
        "average case": ks.average_case_sharpness(*data, num_draws=40, **few).losses,
        "grid": ks.sharpness_grid(*data, **few).table.to_numpy(),
        "keskar": ks.keskar_sharpness(*data, distribution=given).value,
        "attribution": ks.attribute(*data, **few)["sharpness"].to_numpy(),
        "line": ks.landscape.line(*data, distribution=given, num_points=70).losses,
    }


def split(given):
    return {
        "whole": one(cases.fcnn(), given, m=18),
        "rest": one(cases.fcnn(), given, m=17),
        "pieces": one(cases.fcnn(), given, m=17, batch_size=3),
        "lenet5": one(cases.lenet5(), given, num_batches=1),
        "gat": one(cases.gat(), given),
    }


def apart(ours, theirs):
    """The largest distance, as a share of the largest number; zero means equal in every bit."""
    assert ours.keys() == theirs.keys()
    pairs = [(np.asarray(ours[name], float), np.asarray(theirs[name], float)) for name in ours]
    return max(float(np.nanmax(np.abs(a - b)) / np.nanmax(np.abs(b))) for a, b in pairs)


found = {}
pool_alone, measures_alone, split_alone = pool(None), measures(None), split(None)
for count, given in ({} if several else parts_of(largest) | {3: largest}).items() or {2: largest}.items():
    found[f"pool of {count}"] = apart(pool(given), pool_alone)
    found[f"measures of {count}"] = apart(measures(given), measures_alone)
    if count > 1:
        found[f"split in {count}"] = apart(split(ks.split_examples(given)), split_alone)

if several:
    folder, chief = Path(sys.argv[2]), distribution.distribute(largest).is_chief
    run_study(study(largest), folder)
    assert folder.exists() == chief
    if chief:
        (folder / "pool" / "00001.npz").unlink()
        (folder / "sharpness" / "00002.npz").unlink()
    found["goes on"] = sorted(run_study(study(largest), folder))
    try:
        # Another process than the one that keeps the files is asked to stop.
        run_study(study(largest), folder, resume=False, stop=lambda: not chief)
    except Stopped:
        found["stopped"] = True
    if chief:
        run_study(study(None), folder.with_name("alone"))

Path(sys.argv[1]).write_text(json.dumps(found))
