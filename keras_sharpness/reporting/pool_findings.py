"""What a pool over hyper-parameters says about its measures, in sentences."""

import pandas as pd

from keras_sharpness.reporting.environments_of_measure import errors_of
from keras_sharpness.reporting.pool_folder import FIRST_TARGET, PoolFolder
from keras_sharpness.reporting.ranked_measures import Ranking
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
    """Returns what a target is called within a sentence, such as "the test loss"."""
    return TARGETS.get(target, f"the {target.replace('_', ' ')}")


def findings(pool: PoolFolder, ranking: Ranking) -> list[str]:
    """Says which measures rank a target when hyper-parameters vary, and how the best one does.

    Args:
        pool: The pool.
        ranking: The ranking of its measures.

    Returns:
        Sentences without markup, the answer first.
    """
    name, known = target_name(ranking.target), ranking.rows[ranking.rows["psi"].notna()]
    if known.empty:
        return [f"Psi is undefined for all measures: too few models have values of {name} that differ."]
    return [_answer(name, known), _best(pool, ranking), " ".join(SCOPE.format(target=name).split())]


def _answer(name: str, rows: pd.DataFrame) -> str:
    clear = rows[rows["clear"]]
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


def _best(pool: PoolFolder, ranking: Ranking) -> str:
    best, name = ranking.rows.iloc[0], target_name(ranking.target)
    within = ", ".join(f"{number(tau)} for {each}" for each, tau in ranking.taus.iloc[0].items())
    psi = f"{number(best['psi'])} {interval(best['psi_all_low'], best['psi_all_high'])}"
    turned = [OTHER_WAY.format(target=name)] if best["psi"] < 0 else []
    found = (
        f"The largest psi by size is that of {best['measure']}: {psi}; within each hyper-parameter, tau is {within}."
    )
    return " ".join([found, *turned, *_worst(pool, ranking)])


def _worst(pool: PoolFolder, ranking: Ranking) -> list[str]:
    """Returns how the best measure does in its worst environment, if environments of this target are known."""
    best = ranking.measures[0]
    errors = errors_of(pool, best, ranking.turned[best])
    if errors.empty or ranking.target != FIRST_TARGET:
        return []
    row, it = errors.iloc[0], "taken the other way round, it" if ranking.turned[best] else "it"
    at = f" at {row['others']}" if row["others"] else ""
    where = f"{row['hyper_parameter']} from {row['first']} to {row['second']}{at}"
    return [
        f"In its worst environment ({where}), {it} mistakes the order of {100 * row['error']:.0f} % of the pairs of "
        "models; a coin would mistake 50 %."
    ]
