"""What each row of the atlas says of each measure: criteria within each split, and their mean over splits."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy

from keras_sharpness.errors import InputError, require
from keras_sharpness.pools.pool import REACHED
from keras_sharpness.statistics import random_effects, rank_measures
from keras_sharpness.statistics.ranking import MOST_PARTS
from keras_sharpness.studies.atlas.tables import RowTable

# `sign_agreement` is 1 - 2 * the mean sign error over environments: 1 if all signs are right, 0 for a coin.
CRITERIA = ("psi", "tau", "tau_given", "cmi", "sign_agreement")
TARGETS = ("gap", "test_error")
# Random numbers as a measure: they must come out as nothing.
NOISE = "noise"
# Standard errors below this are those of a criterion that hardly varies, such as the count of parameters'.
LEAST_ERROR = 1e-3


def criteria_of(table: RowTable, measures: Sequence[str] | None = None) -> pd.DataFrame:
    """Scores the measures of a row.

    The models of a split are ranked among themselves: test sets differ in how hard they are. A row's value is the mean
    over its splits, by random effects.

    Args:
        table: The row's table.
        measures: Columns to score; None: those of the table, and `NOISE`.

    Returns:
        A row for each target, measure and criterion: `row`, `target`, `measure`, `criterion`, `value`,
        `standard_error`, `splits` and `models`.

    Raises:
        InputError: If too few settings reached the row's training loss on every split.
    """
    models = table.models[table.models["status"] == REACHED]
    if measures is None:
        rng = np.random.default_rng(0)
        models, measures = models.assign(**{NOISE: rng.normal(size=len(models))}), [*_differing(table), NOISE]
    targets = [target for target in TARGETS if target in models]
    parts = [_of_split(part, table.known["hyper_parameters"], measures, targets) for _, part in models.groupby("split")]
    found = pd.concat(parts).dropna(subset=["value"])
    require(len(found) > 0, f"on {table.name}, more settings must reach the training loss", models=len(models))
    keys = ["target", "measure", "criterion"]
    rows = [dict(zip(keys, key, strict=True)) | _mean(part) for key, part in found.groupby(keys, sort=False)]
    return pd.DataFrame(rows).assign(row=table.name)


def _differing(table: RowTable) -> list[str]:
    """Returns the measures of a row, without those that are another one where all layers are dense."""
    dense = table.known["network"] == "dense"
    return [name for name in table.known["measures"] if not (dense and name.endswith("_reshaped"))]


def _of_split(
    models: pd.DataFrame, hyper_parameters: list[str], measures: Sequence[str], targets: list[str]
) -> pd.DataFrame:
    """Returns a row for each target, measure and criterion, with `value` and `standard_error`."""
    varying = [name for name in hyper_parameters if models[name].nunique() > 1]
    degrees = min(MOST_PARTS, models["setting"].nunique()) - 1
    reach = float(scipy.stats.t.ppf(0.975, degrees))
    rows = []
    for target in targets:
        try:
            ranked = rank_measures(models, varying, measures, target, least_pairs=1)
        except InputError:  # Too few settings are left.
            continue
        for of in ranked.assign(sign_agreement=1 - 2 * ranked["sign_error"]).to_dict("records"):
            for criterion in CRITERIA:
                error = (of.get(f"{criterion}_high", np.nan) - of[criterion]) / reach
                numbers = {"value": of[criterion], "standard_error": error, "models": of["models"]}
                rows.append({"target": target, "measure": of["measure"], "criterion": criterion, **numbers})
    return pd.DataFrame(rows, columns=["target", "measure", "criterion", "value", "standard_error", "models"])


def _mean(splits: pd.DataFrame) -> dict[str, float]:
    values, errors = splits["value"].to_numpy(), splits["standard_error"].to_numpy()
    count = {"splits": len(splits), "models": int(splits["models"].sum())}
    if len(values) == 1:
        return {"value": values[0], "standard_error": errors[0], **count}
    if not np.isfinite(errors).all():  # Signs have no standard error within a split.
        return {"value": values.mean(), "standard_error": values.std(ddof=1) / np.sqrt(len(values)), **count}
    together = random_effects(values, np.maximum(errors, LEAST_ERROR))
    return {"value": together.mean, "standard_error": together.standard_error, **count}
