"""Tables of models over hyper-parameters whose generalization is known."""

import itertools

import numpy as np
import pandas as pd


def grid_table(num_seeds=4, noise=0.3, rng_seed=0):
    """A pool whose gap grows with the learning rate and falls with the width, plus noise of each model."""
    rng = np.random.default_rng(rng_seed)
    settings = itertools.product((0.1, 0.2, 0.4), (16, 32, 64), (0.0, 1e-4))
    rows = [(*setting, seed) for setting in settings for seed in range(num_seeds)]
    table = pd.DataFrame(rows, columns=["learning_rate", "width", "decay", "seed"])
    table["gap"] = 3 * table["learning_rate"] - 0.02 * table["width"] + noise * rng.normal(size=len(table))
    table["oracle"] = 2 * table["gap"] + 1
    table["opposite"] = -table["gap"]
    table["shuffled"] = rng.permutation(table["gap"])
    table["only_rate"] = table["learning_rate"] + 1e-3 * rng.normal(size=len(table))
    table["training_loss"] = rng.random(len(table))
    return table


HYPER_PARAMETERS = ["learning_rate", "width", "decay"]
