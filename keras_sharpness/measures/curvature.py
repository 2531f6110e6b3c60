"""Matrices of second derivatives as operators that any of SciPy's solvers takes."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np
import scipy.sparse.linalg

from keras_sharpness.errors import require, require_options
from keras_sharpness.execution.progress import bar
from keras_sharpness.measures.curvature_products import DERIVATIVES, PRODUCTS
from keras_sharpness.measures.mean_loss import MeanLoss
from keras_sharpness.measures.sample import LossArguments, Sample
from keras_sharpness.measures.symmetry import check_symmetry
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.typing import CurvatureName, DerivativesName, ScalingName


class CurvatureArguments(LossArguments, total=False):
    """Further arguments of measures of a curvature matrix; documented at `hessian.operator`."""

    kind: CurvatureName
    scaling: ScalingName
    eta: float
    derivatives: DerivativesName


class CurvatureOperator(scipy.sparse.linalg.LinearOperator):
    """A symmetric matrix D M D of the mean loss, D the diagonal of a scale (the identity by default).

    With c = |w|, x'(D H D)x is the second derivative of the loss in the adaptive geometry, where a perturbation is
    delta = c nu. Vectors hold the entries of the weights that move, one after another.

    Attributes:
        kind: What M is.
        mean_loss: The loss, its gradient and the weights as flat vectors.
    """

    def __init__(
        self,
        sample: Sample,
        kind: CurvatureName = "hessian",
        scaling: ScalingName = "none",
        eta: float = 0.0,
        derivatives: DerivativesName = "exact",
    ) -> None:
        """Compiles the product, at the weights that the model has now, and tries whether it is symmetric.

        Args:
            sample: Model, loss and examples.
            kind: "hessian", "ggn" (generalized Gauss-Newton) or "fisher" (empirical Fisher).
            scaling: "none" for D = 1, or a scale of the ball: "adaptive", "per_filter", "per_layer".
            eta: Floor added to the scale.
            derivatives: "exact", or "differences" of gradients or outputs at two points.

        Raises:
            InputError: If an argument is out of range, the loss is random or has no second derivative, or the examples
                depend on each other.
        """
        what = f"`derivatives` must be one of {', '.join(DERIVATIVES)}"
        require(derivatives in DERIVATIVES, what, derivatives=derivatives)
        require(kind in PRODUCTS, f"`kind` must be one of {', '.join(PRODUCTS)}", kind=kind)
        require(
            kind != "fisher" or not sample.training,
            '`training` must be False for kind="fisher", since batch statistics couple the examples',
            training=sample.training,
        )
        self.kind, self.mean_loss, self._bar = kind, MeanLoss(sample, scaling, eta), None
        self._progress = sample.progress
        self.mean_loss.check_deterministic()
        training = sample.training
        self._product = sample.compile(
            lambda objective: PRODUCTS[kind](objective, training, DERIVATIVES[derivatives]),
            ("product", kind, training, derivatives),
        )
        super().__init__(np.float64, (self.mean_loss.size,) * 2)
        check_symmetry(self, sample.model)

    @classmethod
    def of(
        cls, model: "Source", x: Any, y: Any, loss: LossLike, arguments: Mapping[str, object]
    ) -> scipy.sparse.linalg.LinearOperator:
        """Returns the matrix that a measure's arguments stand for.

        Args:
            model: A model, a sample, or the matrix itself.
            x: Inputs; None for a sample or a matrix.
            y: Targets.
            loss: The loss.
            arguments: The measure's further keyword arguments.

        Raises:
            InputError: If an argument is unknown, or a matrix is given together with what it holds already.
        """
        require_options(arguments, tuple(CurvatureArguments.__annotations__))
        if isinstance(model, scipy.sparse.linalg.LinearOperator):
            given = [name for name, value in (("x", x), ("y", y), ("loss", loss)) if value is not None]
            extra = ", ".join([*given, *arguments])
            require(not extra, "an operator must be given without what it holds already", extra=extra)
            require(len(set(model.shape)) == 1, "an operator must be a symmetric matrix", shape=tuple(model.shape))
            return model
        own: dict[str, Any] = {
            name: arguments[name] for name in ("kind", "scaling", "eta", "derivatives") if name in arguments
        }
        rest = {name: value for name, value in arguments.items() if name not in own}
        return cls(Sample.of(model, x, y, loss, rest, LossArguments, m=None), **own)

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        product = self.mean_loss.product(self._product, vector)
        if self._bar is not None:
            self._bar.update()
        return product

    @contextlib.contextmanager
    def _counted(self, total: int | None) -> Iterator[None]:
        with bar(total, "product", self._progress) as self._bar:
            yield
        self._bar = None

    def _adjoint(self) -> "CurvatureOperator":
        return self


def counted(
    matrix: scipy.sparse.linalg.LinearOperator, total: int | None = None
) -> contextlib.AbstractContextManager[None]:
    """Returns a context that shows a bar of the products with a matrix.

    Args:
        matrix: The matrix; there is no bar if it is none of ours.
        total: How many there will be; None: unknown.
    """
    return matrix._counted(total) if isinstance(matrix, CurvatureOperator) else contextlib.nullcontext()


Source: TypeAlias = keras.Model | Sample | scipy.sparse.linalg.LinearOperator
"""What a curvature matrix is that of: a model, a sample, or the matrix itself."""
