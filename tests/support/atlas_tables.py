"""Tables of an atlas from random numbers: an oracle, its opposite, and a measure that knows nothing."""

import itertools

import numpy as np
import pandas as pd

from keras_sharpness.studies.atlas.rows import Row
from keras_sharpness.studies.atlas.tables import RowTable, write_table

SPACE = {"width": [16, 64], "learning_rate": [0.01, 0.05], "batch_size": [16, 64], "weight_decay": [0.0, 0.001]}
SIZES = {"stop_loss": 0.1, "num_train": 500, "num_test": 5000}
MEASURES = ["param_norm", "path_norm", "worst_case"]


def models(seed, measures=MEASURES, splits=2):
    """Returns splits of 16 settings and two seeds: param_norm is the gap, path_norm its negative."""
    rng = np.random.default_rng(seed)
    settings = [dict(zip(SPACE, values, strict=True)) for values in itertools.product(*SPACE.values())]
    rows = []
    for split, (number, setting), _ in itertools.product(range(splits), enumerate(settings), range(2)):
        gap = float(rng.normal() + split)
        known = {"split": split, "setting": number, "seed": int(rng.integers(1000)), **setting, "status": "reached"}
        values = dict(zip(measures, (gap, -gap, float(rng.normal())), strict=True))
        losses = {"training_loss": 0.1 + 0.001 * float(rng.random()), "test_loss": gap + 0.1, "gap": gap}
        rows.append({**known, "epochs": 5, **losses, "test_error": gap / 10, **values})
    return pd.DataFrame(rows)


def known(measures=MEASURES):
    """Returns what is known of all models of `models`."""
    return {"hyper_parameters": [*SPACE], "measures": [*measures], "left_out": {}, **SIZES}


def table(name="one", seed=0, **options):
    """Returns a table as it is read."""
    more = {"data_set": name, "network": "dense", "task": "classification", "kinds": dict.fromkeys(MEASURES, "norm")}
    return RowTable(name, models(seed, **options), known() | more)


def write(folder, names=("one", "two", "three", "four", "five", "six")):
    """Writes tables of one split into the folder of an atlas."""
    for seed, name in enumerate(names):
        write_table(folder, Row(name), models(seed, splits=1), known())
