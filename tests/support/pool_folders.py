"""Folders of pools over hyper-parameters whose measures were ranked, made up."""

import itertools
import json

import numpy as np
import pandas as pd

from keras_sharpness.statistics import rank_measures, sign_errors
from tests.support.pool_tables import HYPER_PARAMETERS, grid_table

MEASURES = ("oracle", "opposite", "shuffled", "only_rate")
KINDS = {"oracle": "sharpness", "opposite": "norm", "shuffled": "norm", "only_rate": "pac_bayes"}
SUMMARY = {
    "hyper_parameters": HYPER_PARAMETERS,
    "measures": list(MEASURES),
    "kinds": KINDS,
    "targets": ["gap", "test_loss", "error_gap"],
    "left_out": {"path_norm": "layer `attention` is neither dense nor convolutional"},
    "statuses": {"reached": 72, "missed": 2, "diverged": 1},
    "failures": {"4": "`width` must be positive. Received: width=0"},
    "seconds_training": 12.5,
    "seconds_measures": 3.25,
    "command": "python main.py --study=mine.py",
    "data": "Abalone",
}


def pool_models(**options):
    """A grid of settings that reached the training loss, and three models that did not."""
    table = grid_table(**options)
    table["setting"] = table.groupby(HYPER_PARAMETERS, sort=False).ngroup()
    table["test_loss"], table["error_gap"] = table["training_loss"] + table["gap"], 0.1 * table["gap"]
    table = table.assign(index=range(len(table)), epochs=5, status="reached")
    lost = table.iloc[:3].assign(status=["missed", "missed", "diverged"], gap=[9.0, 9.0, np.nan])
    return pd.concat([table, lost], ignore_index=True)


def write_pool_folder(folder, models=None, ranking=None, environments=None, **summary):
    """Writes the files of a finished run; ranking and environments follow from the models unless they are given."""
    models = pool_models() if models is None else models
    summary, reached = SUMMARY | summary, models[models["status"] == "reached"]
    names = summary["hyper_parameters"], summary["measures"]
    if ranking is None:
        gap = rank_measures(reached, *names)
        # As good as that of the gap, for what a test asks of another target.
        ranking = pd.concat([gap.assign(target=target) for target in reversed(summary["targets"])])
    if environments is None:
        environments = sign_errors(reached, *names)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "pool.json").write_text(json.dumps({"seed": 0, "epochs": {"stop_loss": 0.05}, "optimizer": "sgd"}))
    for name, table in (("models", models), ("ranking", ranking), ("environments", environments)):
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def large_pool(num_models, num_measures, seed=0):
    """Models, ranking, environments and names of a pool that is too large for a test to rank."""
    rng = np.random.default_rng(seed)
    grid = {"learning_rate": (0.01, 0.03, 0.1), "width": (16, 32, 64, 128), "optimizer": ("sgd", "adam", "sam")}
    settings = list(itertools.product(*grid.values()))
    rows = [settings[k % len(settings)] for k in range(num_models)]
    models = pd.DataFrame(rows, columns=list(grid))
    models["weight_decay"] = 10 ** rng.uniform(-6, -2, num_models).round(2)
    models = models.assign(index=range(num_models), seed=rng.integers(2**40, size=num_models), status="reached")
    models["setting"] = models["index"] % len(settings)
    quality = np.log(models["learning_rate"]) + models["width"] / 100 + rng.normal(size=num_models)
    models["gap"], models["training_loss"] = np.exp(quality / 4), 0.05 * rng.random(num_models)
    models["test_error"] = rng.random(num_models).round(3)
    names = [f"measure_with_a_long_name_{k}" for k in range(num_measures)]
    for k, name in enumerate(names):
        noise = rng.normal(size=num_models)
        models[name] = np.exp(3 * (np.cos(k) * quality + 2 * noise)) if k % 2 else np.cos(k) * quality + noise
    rows = []
    for target, (k, name) in itertools.product(("gap", "test_error"), enumerate(names)):
        value = 0.6 * np.cos(k)
        ends = {
            f"{c}{e}": value + d
            for c in ("tau", "tau_given", "psi", "cmi")
            for e, d in (("", 0), ("_low", -0.1), ("_high", 0.1))
        }
        signs = dict(zip(("sign_error", "sign_error_90", "sign_error_worst"), (0.5, 0.7, 0.9), strict=True))
        rows.append({"target": target, "measure": name, "models": num_models, **ends, **signs})
    environments = pd.DataFrame(
        {"hyper_parameter": "width", "first": 16, "second": 32, "others": "optimizer=sgd", "pairs": 20.0},
        index=range(300),
    )
    environments[names] = rng.beta(2, 3, size=(300, num_measures))
    kinds = {name: ("count", "norm", "margin", "pac_bayes", "sharpness")[k % 5] for k, name in enumerate(names)}
    summary = {
        "hyper_parameters": [*grid, "weight_decay"],
        "measures": names,
        "kinds": kinds,
        "targets": ["gap", "test_error"],
    }
    return {"models": models, "ranking": pd.DataFrame(rows), "environments": environments, **summary}
