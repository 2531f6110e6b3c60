"""What a table of models says: Kendall's tau of sharpness and test loss."""

import logging
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import kendall

log = logging.getLogger(__name__)


def summarize(table: pd.DataFrame) -> dict[str, Any]:
    """Correlates sharpness with test loss over the models of a table; diverged ones are counted and left out.

    Args:
        table: A row per model with columns `sharpness` and `test_loss`.

    Returns:
        tau, p_value, tau_ci_low, tau_ci_high, num_models, num_diverged. The interval is None when fewer than 15 models
        are left, the first four when fewer than three are.
    """
    finite = table[np.isfinite(table[["sharpness", "test_loss"]]).all(axis=1)]
    counts = {"num_models": len(finite), "num_diverged": len(table) - len(finite)}
    try:
        result = kendall(finite["sharpness"], finite["test_loss"])
    except InputError as error:
        log.warning("No tau: %s", error)
        return dict.fromkeys(("tau", "p_value", "tau_ci_low", "tau_ci_high")) | counts
    ends = {"tau_ci_low": result.ci_low, "tau_ci_high": result.ci_high}
    interval = {name: None if np.isnan(end) else end for name, end in ends.items()}
    return {"tau": result.tau, "p_value": result.p_value} | interval | counts
