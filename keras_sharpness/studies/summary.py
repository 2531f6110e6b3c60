"""What a table of models says: Kendall's tau of sharpness and test loss."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import InputError
from keras_sharpness.statistics import kendall

log = logging.getLogger(__name__)


def summarize(table: Mapping[str, ArrayLike]) -> dict[str, Any]:
    """Correlates sharpness with test loss over the models of a table; diverged ones are counted and left out.

    Args:
        table: Columns `sharpness` and `test_loss`, one value per model each.

    Returns:
        tau, p_value, tau_ci_low, tau_ci_high, num_models, num_diverged. The interval is None when fewer than 15 models
        are left, the first four when fewer than three are.
    """
    values = np.array([table["sharpness"], table["test_loss"]], dtype=float)
    finite = values[:, np.isfinite(values).all(axis=0)]
    counts = {"num_models": finite.shape[1], "num_diverged": values.shape[1] - finite.shape[1]}
    try:
        result = kendall(*finite)
    except InputError as error:
        log.warning("No tau: %s", error)
        return dict.fromkeys(("tau", "p_value", "tau_ci_low", "tau_ci_high")) | counts
    ends = {"tau_ci_low": result.ci_low, "tau_ci_high": result.ci_high}
    interval = {name: None if np.isnan(end) else end for name, end in ends.items()}
    return {"tau": result.tau, "p_value": result.p_value} | interval | counts
