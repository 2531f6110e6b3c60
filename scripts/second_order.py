"""Does sharpness add to gradient norm, Hessian trace and training loss? `python scripts/second_order.py RUN [DATA]`.

RUN is the folder of a study with its models, DATA a folder with data files. Measures each model on its whole training
set, with the adaptive scale c = |w|: the norm of the gradient that is dual to l-infinity, the trace of the Hessian, and
worst-case sharpness at radii from first to second order, by APGD. Writes `second_order.csv`, a row per model, and
`second_order.md`: at each radius the order in rho, and tau of sharpness, plain and given the other three.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

import keras_sharpness as ks
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.reporting import markdown
from keras_sharpness.reporting.wording import interval, number, p_value, quantity, title
from keras_sharpness.statistics import Kendall, conditional_kendall, kendall, log_log_slope, permutation_p_values
from keras_sharpness.studies.folder import config_of, write_csv
from keras_sharpness.studies.study import make_study

RHOS = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
NUM_STEPS = 20
GIVEN = ("train_loss", "gradient_norm", "hessian_trace")
TARGETS = {"test_loss": "test loss", "gap": "gap (test minus training loss)"}
NOTE = """Sharpness is that of the whole training set (l-infinity ball, c = |w|, {steps} steps of APGD). The slope is
that of log mean sharpness against log rho to the next radius: 1 where sharpness is of first order, 2 where it is
curvature. "Of first order" is the mean over models of rho times the gradient norm over sharpness. Given means tau of
what regressions on training loss, gradient norm and Hessian trace (both in the scale |w|) leave; its interval is a
jackknife over the models. The p-value is a permutation test of the plain tau, corrected for all radii."""


def main(folder: Path, data_dir: str | None = None) -> None:
    """Measures the models and writes the tables.

    Args:
        folder: The run's folder.
        data_dir: Folder with data files.
    """
    logging.getLogger().setLevel(logging.ERROR)
    config, path = config_of(folder), folder / "second_order.csv"
    if not path.exists():
        table = pd.DataFrame(_measured(folder, data_dir))
        models = pd.read_csv(folder / "models.csv")
        write_csv(path, models[["index", "epochs", "train_loss", "test_loss"]].merge(table, on="index"))
    page = _page(pd.read_csv(path), title(config.model))
    (folder / "second_order.md").write_text(page)
    print(page)


def _measured(folder: Path, data_dir: str | None) -> Iterator[dict[str, float]]:
    config, store = config_of(folder), PoolStore(folder)
    study = make_study(config, data_dir)
    model, data = study.objective.model, study.dataset
    loss = (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if config.system.classification
        else keras.losses.MeanSquaredError()
    )
    sample = ks.Sample(model, data.x, data.y, loss, m=None, examples=data.train)
    for index in tqdm(range(config.num_models)):
        store.load_member(index).assign_to(model)
        yield {"index": index, **_measures(sample)}


def _measures(sample: ks.Sample) -> dict[str, float]:
    norm = ks.gradient_norm(sample, norm="linf", scaling="adaptive")
    trace = ks.hessian.trace(sample, scaling="adaptive").value
    climb = ks.APGD(num_steps=NUM_STEPS)
    rises = {f"sharpness_{rho:g}": ks.worst_case_sharpness(sample, rho=rho, maximizer=climb).value for rho in RHOS}
    return {"gradient_norm": norm, "hessian_trace": trace, **rises}


def _page(table: pd.DataFrame, name: str) -> str:
    table = table[np.isfinite(table).all(axis=1)]
    table = table.assign(gap=table["test_loss"] - table["train_loss"])
    sharpness = table[[f"sharpness_{rho:g}" for rho in RHOS]].to_numpy().T
    shares = (np.array(RHOS)[:, None] * table["gradient_norm"].to_numpy() / sharpness).mean(axis=1)
    slopes = [*(f"{slope:.2f}" for slope in log_log_slope(RHOS, sharpness).local_slopes), ""]
    parts = [_quantiles(table)]
    for target, words in TARGETS.items():
        parts.append(_section(table, target, words, sharpness, shares, slopes))
    return markdown.page(
        f"{name}: sharpness from first to second order", " ".join(NOTE.format(steps=NUM_STEPS).split()), *parts
    )


def _quantiles(table: pd.DataFrame) -> str:
    names = ("epochs", "train_loss", "test_loss", "gradient_norm", "hessian_trace")
    rows = [(name.replace("_", " "), *map(quantity, table[name].quantile([0, 0.5, 1]))) for name in names]
    return markdown.table((f"{len(table)} models", "minimum", "median", "maximum"), rows)


def _section(
    table: pd.DataFrame, target: str, words: str, sharpness: np.ndarray, shares: np.ndarray, slopes: list[str]
) -> str:
    values, given = table[target], [table[name] for name in GIVEN]
    corrected = permutation_p_values(sharpness, values)[1]
    rows = [
        (f"{rho:g}", quantity(rises.mean()), slope, quantity(share), *_cells(kendall(rises, values)), p_value(p))
        + _cells(conditional_kendall(rises, values, given))
        for rho, rises, slope, share, p in zip(RHOS, sharpness, slopes, shares, corrected, strict=True)
    ]
    for name in GIVEN[1:]:
        others = [table[other] for other in GIVEN if other != name]
        label = name.replace("_", " ")
        plain, beyond = kendall(table[name], values), conditional_kendall(table[name], values, others)
        rows.append((label, quantity(table[name].mean()), "", "", *_cells(plain), "", *_cells(beyond)))
    head = ("rho", "mean sharpness", "slope", "of first order", "tau", "95 % interval", "p, corrected")
    page = markdown.table((*head, "given the three", "95 % interval"), rows)
    return markdown.section(
        f"With {words}", page, "The last two rows are the other measures, each given the other two."
    )


def _cells(tau: Kendall) -> tuple[str, str]:
    return number(tau.tau), interval(tau.ci_low, tau.ci_high)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
