"""What a measure of complexity is: a name, a formula, and what it needs."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["count", "norm", "margin", "pac_bayes", "worst_case", "optimization", "sharpness"]
"""What a measure is made of."""


class Value(NamedTuple):
    """What a measure says of a model.

    Attributes:
        value: The number. NaN where the model has none.
        standard_error: Its standard error; zero where it is exact, NaN where it is not known.
    """

    value: float
    standard_error: float = 0.0


@dataclasses.dataclass(frozen=True)
class Measure:
    """A measure of complexity; a larger one predicts a larger gap between training and test.

    Attributes:
        name: Its name.
        kind: What it is made of.
        equation: Where its formula stands.
        function: From a `TrainedModel` to a number, a `Value`, or a result with `value` and `standard_error`.
        needs: Names of the fields of `TrainedModel` that may not be left out.
        cheap: Whether all cheap measures of a model together cost less than one worst-case sharpness.
        classifies: Whether the model must be a classifier: one output, and a cross-entropy for the loss.
        layered: Whether the layers must be of known kinds.
    """

    name: str
    kind: Kind
    equation: str
    function: Callable[[Any], Any]
    needs: tuple[str, ...] = ()
    cheap: bool = False
    classifies: bool = False
    layered: bool = False

    def __call__(self, trained: Any) -> Value:
        """Returns what the measure says of a trained model."""
        found = self.function(trained)
        if isinstance(found, (int, float)):
            return Value(float(found))
        return Value(float(found.value), float(found.standard_error))
