"""The measures of the command line: the flags that each takes, and what it prints. Needs no backend."""

import dataclasses
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ASCENT = ("maximizer", "pga_steps", "step_size", "direction", "coordinates", "num_restarts")
DEVICES = ("strategy", "num_devices", "tpu", "split")
BALL = ("rho", "norm", "scaling", "eta")
BATCHES = ("m", "num_batches", "seed")
# What every measure takes that evaluates independent batches or points.
SHARED = ("batch_size", "plan", *DEVICES)
CURVATURE = ("scaling", "eta", "batch_size", "select")
# Flags that set an argument of another name, whatever the measure.
ARGUMENTS = dict.fromkeys(ASCENT, "maximizer") | dict.fromkeys(DEVICES, "distribution")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure of the command line.

    Attributes:
        function: Name in `keras_sharpness` of the function that measures.
        takes: Flags that it takes, each with the name of the argument that it sets.
        entries: From what the function returns to the entries of the result.
        figure: From what the function returns to a figure.
        defaults: Values of flags that are not given, where the function's own default does not serve.
        needs: Flags that must be given.
    """

    function: str
    takes: dict[str, str]
    entries: Callable[[Any], dict[str, Any]]
    figure: Callable[[Any], "Figure | None"] = lambda _: None
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()


def _takes(*flags: str, **renamed: str) -> dict[str, str]:
    return {flag: ARGUMENTS.get(flag, flag) for flag in ("loss", *flags)} | renamed


def _fields(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda result: {name: getattr(result, name) for name in names}


def _worst_case(result: Any) -> dict[str, Any]:
    found = _fields("value", "standard_error", "error_rise", "per_batch", "config")(result)
    return found | {"settled": result.settled, "diagnostics": result.diagnostics.means()}


def _bars(table: "pd.DataFrame") -> "Figure":
    from keras_sharpness.measures import plots

    return plots.bars(list(table["layer"]), table["sharpness"].to_numpy(), "sharpness of the layer")


_plot = operator.methodcaller("plot")

MEASURES = {
    "worst_case": Measure(
        function="worst_case_sharpness",
        takes=_takes(*BALL, *ASCENT, *BATCHES, "select", *SHARED),
        entries=_worst_case,
        figure=_plot,
    ),
    "average_case": Measure(
        function="average_case_sharpness",
        takes=_takes("rho", "scaling", "eta", "num_draws", *BATCHES, "select", *SHARED),
        entries=_fields("value", "standard_error", "error_rise", "per_batch", "config"),
    ),
    "grid": Measure(
        function="sharpness_grid",
        takes=_takes(*BALL, *ASCENT, *BATCHES, "select", *SHARED, rho="rhos", m="ms"),
        entries=_fields("table"),
        figure=_plot,
        defaults={"rho": 1e-3},
    ),
    "keskar": Measure(
        function="keskar_sharpness",
        takes=_takes(*ASCENT, "select", *SHARED, rho="epsilon", seed="maximizer"),
        entries=lambda result: {"value": result.value, "config": result.ascent.config},
        figure=lambda result: result.ascent.plot(),
    ),
    "attribution": Measure(
        function="attribute",
        takes=_takes(*BALL, *ASCENT, *BATCHES, "select", *SHARED),
        entries=lambda table: {"table": table},
        figure=_bars,
    ),
    "eigenvalues": Measure(
        function="hessian.top_eigenvalues",
        takes=_takes("k", "seed", *CURVATURE),
        entries=_fields("values", "residuals"),
    ),
    "trace": Measure(
        function="hessian.trace",
        takes=_takes("seed", *CURVATURE, num_draws="num_products"),
        entries=_fields("value", "standard_error"),
    ),
    "spectral_density": Measure(
        function="hessian.spectral_density",
        takes=_takes("seed", *CURVATURE, num_draws="num_runs"),
        entries=_fields("grid", "density", "standard_error"),
        figure=_plot,
    ),
    "gradient_norm": Measure(
        function="gradient_norm",
        takes=_takes("norm", *CURVATURE),
        entries=lambda value: {"value": value},
    ),
    "fisher_rao": Measure(
        function="fisher_rao_norm",
        takes=_takes("seed", "select", "plan", *DEVICES, num_draws="num_examples"),
        entries=_fields("value", "standard_error"),
    ),
    "relative_flatness": Measure(
        function="relative_flatness",
        takes=_takes("seed", "batch_size", num_draws="num_products", select="layer"),
        entries=_fields("value", "standard_error"),
    ),
    "critical": Measure(
        function="critical_sharpness",
        takes=_takes("batch_size", "select"),
        entries=_fields("value", "critical_rate", "evaluations"),
    ),
    "line": Measure(
        function="landscape.line",
        takes=_takes("seed", "select", *SHARED, other_models="direction"),
        entries=_fields("positions", "losses"),
        figure=_plot,
    ),
    "plane": Measure(
        function="landscape.plane",
        takes=_takes("seed", "select", *SHARED, other_models="directions"),
        entries=_fields("first", "second", "losses"),
        figure=_plot,
    ),
    "barrier": Measure(
        function="landscape.barrier",
        takes=_takes(*BATCHES, "select", *SHARED, other_models="other"),
        entries=_fields("value", "standard_error", "highest", "positions", "losses", "config"),
        figure=_plot,
        needs=("other_models",),
    ),
}
