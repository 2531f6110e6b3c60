"""What a run or a comparison of pools found, in sentences."""

import math
from collections.abc import Sequence

from keras_sharpness.reporting.differences import INDEPENDENT, Difference, compared
from keras_sharpness.reporting.published import Published
from keras_sharpness.reporting.sources import Pool
from keras_sharpness.reporting.wording import interval, number, p_equals, tau_interval
from keras_sharpness.statistics import Kendall

LEVEL = 0.05


def excludes_zero(kendall: Kendall) -> bool:
    """Returns whether the interval of tau excludes zero."""
    return kendall.ci_low > 0 or kendall.ci_high < 0


def finding(kendall: Kendall) -> str:
    """Returns the sign of tau in words, if its interval excludes zero."""
    if not excludes_zero(kendall):
        return "No clear relation between sharpness and test loss"
    return f"Sharper models had {'higher' if kendall.tau > 0 else 'lower'} test loss"


def verdict(kendall: Kendall | None, published: Published | None) -> str:
    """Says in one sentence what a run found.

    Args:
        kendall: The run's correlation; None if it is undefined.
        published: The paper's, if it has this model.

    Returns:
        A sentence without markup.
    """
    if kendall is None:
        return "Kendall's tau is undefined: too few models have finite values that differ."
    found = f"{finding(kendall)}: tau = {number(kendall.tau)}."
    if math.isnan(kendall.ci_low):
        return f"{found} {kendall.num_models} models are too few for an interval."
    found += (
        f" Its {100 * kendall.confidence:g} % interval {interval(kendall.ci_low, kendall.ci_high)} "
        f"{'excludes' if excludes_zero(kendall) else 'includes'} 0."
    )
    return f"{found} {_against_paper(kendall, published)}" if published else found


def verdicts(pools: Sequence[Pool]) -> list[str]:
    """Says what each pool found, whether its sign is the reference's, and whether the taus differ.

    Args:
        pools: The pools of one model.

    Returns:
        A line for each pool that is not a reference, without markup.
    """
    references = [pool for pool in pools if pool.is_reference]
    return [
        " ".join([_found(pool), *(_against(pool, reference) for reference in references)])
        for pool in pools
        if not pool.is_reference
    ]


def _against_paper(kendall: Kendall, published: Published) -> str:
    sign = "the same sign" if _same_sign(kendall.tau, published.tau) else "the opposite sign"
    place = "inside" if kendall.ci_low <= published.tau <= kendall.ci_high else "outside"
    return f"The paper's tau, {number(published.tau)}, has {sign} and lies {place} the interval."


def _same_sign(a: float, b: float) -> bool:
    return a * b > 0


def _found(pool: Pool) -> str:
    return f"{pool.source}: {finding(pool.kendall)}, {tau_interval(pool.kendall)}."


def _against(pool: Pool, reference: Pool) -> str:
    return f"{_sign(pool, reference)}. {_difference(compared(pool, reference))}."


def _sign(pool: Pool, reference: Pool) -> str:
    theirs = f"{reference.source} has {tau_interval(reference.kendall)}"
    includes = reference.kendall.ci_low <= 0 <= reference.kendall.ci_high
    doubt = ", an interval that includes 0" if includes else ""
    if not excludes_zero(pool.kendall):
        return f"Whether the sign holds is open: {theirs}{doubt}"
    holds = _same_sign(pool.kendall.tau, reference.kendall.tau)
    return f"The sign {'holds' if holds else 'is reversed'}: {theirs}{doubt}"


def _difference(found: Difference) -> str:
    dependent = found.basis != INDEPENDENT
    if math.isnan(found.p_value):
        few = f"The taus are not compared: the pools are not independent, and {found.basis} are too few"
        return few if dependent else "The pools are too small to tell whether the taus differ"
    how = f"{number(found.difference)} {interval(found.ci_low, found.ci_high)}, {p_equals(found.p_value)}"
    basis = f", on {found.basis}" if dependent else ""
    return f"The taus {'differ' if found.p_value < LEVEL else 'do not clearly differ'}: {how}{basis}"
