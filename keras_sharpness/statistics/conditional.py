"""Kendall's tau of two quantities given others, zero where they are independent given these.

Kendall's partial tau (`partial`) is not: for normal quantities its null value is far from zero. The three estimators
here first take out what the given quantities explain, each in its own way:

- "residual": tau of what regressions on natural cubic splines of the given quantities leave of the normal scores of x
  and y. It asks for no joint distribution, only that both depend smoothly, and additively, on what is given.
- "matched": tau over pairs of models with nearly the same given quantities (see `matched`). It asks only that pairs are
  matched closely enough, and varies more.
- "copula": with r_ij = sin(pi tau_ij / 2), the correlation of normal pairs whose tau is tau_ij (Kruskal 1958, section
  5), the partial correlation of x and y given the others, turned back into a tau by 2 / pi arcsin(r). Right for any
  increasing transformation of jointly normal quantities.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from keras_sharpness.errors import require, require_count
from keras_sharpness.statistics.copula import copula_tau
from keras_sharpness.statistics.correlation import Kendall, vector
from keras_sharpness.statistics.intervals import FEWEST_MODELS
from keras_sharpness.statistics.jackknife import NO_INTERVAL, leave_parts_out, student_interval
from keras_sharpness.statistics.matched import default_neighbours, matched_tau
from keras_sharpness.statistics.residual import residual_tau

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("residual", "matched", "copula")


def conditional_kendall(
    x: ArrayLike,
    y: ArrayLike,
    given: Sequence[ArrayLike],
    method: str = "residual",
    *,
    num_neighbours: int | None = None,
    confidence: float = 0.95,
) -> Kendall:
    """Correlates two quantities with others held fixed.

    Interval and p-value come from one standard error, that of a jackknife on Fisher's z = artanh(tau), with Student's
    distribution. "copula" leaves out each model in turn, the others one of up to 50 parts of the models (each part
    drawn across the pool).

    Args:
        x: One value per model, shape (num_models,).
        y: One value per model.
        given: The quantities to hold fixed, each with one value per model.
        method: "residual", "matched" or "copula"; see the module.
        num_neighbours: For "matched": how many models each is paired with. None: the cube root of their number.
        confidence: Nominal coverage of the interval over models, between 0 and 1.

    Returns:
        The conditional correlation; its interval and p-value are NaN for fewer than 15 models.

    Raises:
        InputError: If an argument is out of range or a quantity is the same for all models.
    """
    require(0 < confidence < 1, "`confidence` must be between 0 and 1", confidence=confidence)
    require(method in METHODS, f"`method` must be one of {', '.join(METHODS)}", method=method)
    matched = method == "matched"
    require(matched or num_neighbours is None, "`num_neighbours` must come with method='matched'", method=method)
    require(len(given) > 0, "`given` must hold at least one quantity", given=len(given))
    names = ("x", "y", *(f"given[{k}]" for k in range(len(given))))
    data = np.stack(_of_one_length(names, (x, y, *given)))
    num_models = data.shape[1]
    tau, left_out = copula_tau(data) if method == "copula" else _jackknifed(method, data, num_neighbours)
    enough = num_models >= FEWEST_MODELS and abs(tau) < 1
    precision = student_interval(tau, left_out, confidence) if enough else NO_INTERVAL
    return Kendall(tau=tau, num_models=num_models, confidence=confidence, **precision)


def neighbour_sensitivity(
    x: ArrayLike, y: ArrayLike, given: Sequence[ArrayLike], nums_neighbours: Sequence[int] = (2, 4, 8, 16, 32)
) -> "pd.DataFrame":
    """Shows how `conditional_kendall` with method "matched" depends on how many models each is paired with.

    A tau that drifts as pairs are matched less closely still holds what the given quantities explain; read it where
    fewer neighbours no longer change it.

    Args:
        x: One value per model, shape (num_models,).
        y: One value per model.
        given: The quantities to hold fixed.
        nums_neighbours: The numbers to try; those that are not below the number of models are left out.

    Returns:
        A row for each: num_neighbours, width (neighbours over models), tau, ci_low, ci_high, p_value.
    """
    import pandas as pd

    rows = []
    for number in (number for number in nums_neighbours if number < len(vector("x", x))):
        r = conditional_kendall(x, y, given, "matched", num_neighbours=number)
        rows.append((number, number / r.num_models, r.tau, r.ci_low, r.ci_high, r.p_value))
    return pd.DataFrame(rows, columns=["num_neighbours", "width", "tau", "ci_low", "ci_high", "p_value"])


def _jackknifed(method: str, data: np.ndarray, num_neighbours: int | None) -> tuple[float, np.ndarray]:
    """Returns an estimate and its values without each part of the models."""
    num_models = data.shape[1]
    number = default_neighbours(num_models) if num_neighbours is None else num_neighbours
    require_count("num_neighbours", number)
    require(number < num_models, "`num_neighbours` must be below the number of models", num_neighbours=number)

    def estimate(part: np.ndarray) -> float:
        return matched_tau(part, number) if method == "matched" else residual_tau(part)

    return estimate(data), leave_parts_out(num_models, lambda kept: estimate(data[:, kept]))


def _of_one_length(names: Sequence[str], columns: Sequence[ArrayLike]) -> list[np.ndarray]:
    vectors = [vector(name, values) for name, values in zip(names, columns, strict=True)]
    lengths = {name: len(values) for name, values in zip(names, vectors, strict=True)}
    require(len(set(lengths.values())) == 1, "all quantities must be of one length", lengths=lengths)
    require(len(vectors[0]) > 2 * len(vectors), "there must be more models", num_models=len(vectors[0]))
    for name, values in zip(names, vectors, strict=True):
        require(values.min() < values.max(), f"`{name}` must not be the same for all models", value=float(values[0]))
    return vectors
