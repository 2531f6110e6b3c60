"""Numbers and titles as text, the same in every report, table, figure and message."""

import math

from keras_sharpness.statistics import Kendall

TITLES = {"fcnn": "FCNN on Abalone", "lenet": "LeNet-5 on FashionMNIST", "gat": "GAT on Cora"}
UNDEFINED, NO_INTERVAL = "undefined", "no interval"


def title(model: str) -> str:
    """Returns what a model of the paper is called with its data, such as "GAT on Cora"; another model's own name."""
    return TITLES.get(model, model)


def heading(model: str, subject: str) -> str:
    """Returns the heading of a page or figure, such as "GAT on Cora: sharpness and test loss"."""
    return f"{title(model)}: {subject}"


def number(value: float | None) -> str:
    """Returns a tau or a difference of taus, such as "-0.185"."""
    return UNDEFINED if value is None or math.isnan(value) else f"{value:.3f}"


def quantity(value: float) -> str:
    """Returns a loss, a sharpness or a count with four significant digits."""
    return f"{value:.4g}"


def interval(low: float | None, high: float | None) -> str:
    """Returns an interval of tau or of a difference of taus, such as "[-0.457, -0.047]"."""
    ends = number(low), number(high)
    return NO_INTERVAL if UNDEFINED in ends else f"[{', '.join(ends)}]"


def p_value(value: float | None) -> str:
    """Returns "0.058"; "< 0.0001" where the value is smaller, as further digits have no meaning."""
    if value is None or math.isnan(value):
        return UNDEFINED
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def p_equals(value: float | None) -> str:
    """Returns "p = 0.058" or "p < 0.0001"."""
    text = p_value(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def tau_interval(kendall: Kendall) -> str:
    """Returns "tau = -0.185 [-0.360, 0.002]"; a pool too small for an interval has only tau."""
    ends = interval(kendall.ci_low, kendall.ci_high)
    return f"tau = {number(kendall.tau)}" + ("" if ends == NO_INTERVAL else f" {ends}")


def describe(kendall: Kendall | None) -> str:
    """Returns a correlation in one line: "tau = -0.185 [-0.360, 0.002], p = 0.058, 50 models"."""
    if kendall is None:
        return f"tau is {UNDEFINED}"
    return f"{tau_interval(kendall)}, {p_equals(kendall.p_value)}, {kendall.num_models} models"


def typeset(text: str) -> str:
    """Returns a text of this module as figures show it: with the Greek letter and the minus sign."""
    return text.replace("tau", "τ").replace("-", "−")
