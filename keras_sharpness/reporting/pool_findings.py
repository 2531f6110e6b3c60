"""What a pool over hyper-parameters says about its measures, in sentences."""

import pandas as pd

from keras_sharpness.reporting.environments_of_measure import errors_of
from keras_sharpness.reporting.pool_folder import FIRST_TARGET, PoolFolder
from keras_sharpness.reporting.ranked_measures import taus_within
from keras_sharpness.reporting.wording import interval, number

TARGETS = {
    "gap": "the gap (test loss minus training loss)",
    "error_gap": "the gap of the error rates (test minus training)",
}
SCOPE = """Psi is the mean of Kendall's tau between models that differ in one hyper-parameter: 1 if the measure orders
them as {target} does, -1 if the other way round, 0 if it says nothing. Intervals are over settings, each with the
models of all its seeds. They say what other settings of the same space would give, not what other data, architectures
or spaces would. A correlation names no cause."""
OTHER_WAY = "It orders models the other way round: where it is larger, {target} is smaller."


def target_name(target: str) -> str:
    """Returns what a target is called within a sentence."""
    return TARGETS.get(target, f"the {target.replace('_', ' ')}")


def findings(pool: PoolFolder, target: str, rows: pd.DataFrame) -> list[str]:
    """Says which measures rank a target when hyper-parameters vary, and how the best one does.

    Args:
        pool: The pool.
        target: The target.
        rows: What `ranked_measures` returned for it.

    Returns:
        Sentences without markup, the answer first.
    """
    known = rows[rows["psi"].notna()]
    if known.empty:
        return [f"Psi is undefined for all measures: too few models have values of {target_name(target)} that differ."]
    scope = " ".join(SCOPE.format(target=target_name(target)).split())
    return [_answer(target, known), _best(pool, target, known.iloc[0]), scope]


def _answer(target: str, rows: pd.DataFrame) -> str:
    clear, name = rows[rows["clear"]], target_name(target)
    together = (
        f"95 % intervals that hold for all {len(rows)} measures at once" if len(rows) > 1 else "its 95 % interval"
    )
    if clear.empty:
        each = "psi may be 0 for each" if len(rows) > 1 else "psi may be 0"
        return f"No measure clearly ranks {name} when hyper-parameters vary: by {together}, {each}."
    ranks, their = ("ranks", "its") if len(clear) == 1 else ("rank", "their")
    up = int((clear["psi"] > 0).sum())
    signs = "" if up in (0, len(clear)) else f" ({up} with a positive psi, {len(clear) - up} with a negative one)"
    return (
        f"{len(clear)} of {len(rows)} measures {ranks} {name} when hyper-parameters vary: by {together}, "
        f"{their} psi is not 0{signs}."
    )


def _best(pool: PoolFolder, target: str, best: pd.Series) -> str:
    parts = taus_within(pool, target, [best["measure"]]).iloc[0]
    within = ", ".join(f"{number(tau)} for {name}" for name, tau in parts.items())
    psi = f"{number(best['psi'])} {interval(best['psi_all_low'], best['psi_all_high'])}"
    found = (
        f"The largest psi by size is that of {best['measure']}: {psi}; its tau within each hyper-parameter is {within}."
    )
    return " ".join(
        [
            found,
            *([OTHER_WAY.format(target=target_name(target))] if best["psi"] < 0 else []),
            *_worst(pool, target, best),
        ]
    )


def _worst(pool: PoolFolder, target: str, best: pd.Series) -> list[str]:
    """Says how the best measure does in its worst environment, if environments of this target are known."""
    turned = bool(best["psi"] < 0)
    errors = errors_of(pool, best["measure"], turned)
    if errors.empty or target != FIRST_TARGET:
        return []
    row, it = errors.iloc[0], "taken the other way round, it" if turned else "it"
    return [
        f"In its worst environment ({row['hyper_parameter']} from {row['first']} to {row['second']}), {it} mistakes "
        f"the order of {100 * row['error']:.0f} % of the pairs of models; a coin would mistake 50 %."
    ]
