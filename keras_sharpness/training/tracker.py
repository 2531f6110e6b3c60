"""Sharpness followed step by step while a model trains."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
import pandas as pd
from keras import ops

from keras_sharpness.errors import InputError, require, require_count, require_options
from keras_sharpness.maximizers import PGA, Maximizer, check_maximizer
from keras_sharpness.measures.critical import critical_sharpness
from keras_sharpness.measures.curvature import CurvatureOperator
from keras_sharpness.measures.mean_loss import MeanLoss, unflatten
from keras_sharpness.measures.sample import LossArguments, Sample
from keras_sharpness.measures.worst_case import worst_case
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball
from keras_sharpness.training.next_update import NextUpdate, next_update, threshold
from keras_sharpness.training.top_eigenvalue import top_eigenvalue
from keras_sharpness.training.track_log import TrackLog

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = ("eigenvalue", "preconditioned", "critical", "worst_case")
COLUMNS = ("step", "loss", "gradient_norm", "learning_rate", "two_over_rate", "threshold", *MEASURES, "cosine")
STEEPEST = PGA(num_steps=5, step_size="auto")


class SharpnessTracker(keras.callbacks.Callback):
    """Measures curvature every few steps of `model.fit`, and keeps a table of it.

        step, loss, gradient_norm   optimizer steps so far; the loss of the given examples and its gradient's norm
        learning_rate               that of the next step; two_over_rate is 2 / learning_rate
        eigenvalue                  largest eigenvalue of the loss's Hessian H (arXiv:2103.00065)
        preconditioned              that of P^-1 H, P the preconditioner of Adam, AdamW, RMSprop or Adagrad
                                    (arXiv:2207.14484)
        threshold                   value of the two at which the optimizer becomes unstable; see `next_update`
        critical                    critical sharpness along the optimizer's own next update (arXiv:2601.16979)
        cosine                      absolute cosine of the gradient and the top eigenvector
        worst_case                  worst-case sharpness of the given examples

    The loss is all that `fit` minimizes, penalties too, in inference mode unless `training` is given. What cannot be
    computed, such as the critical sharpness of an update that does not lower the loss, is NaN. The model and its
    optimizer are left as they were.

    Each measurement costs about 20 to 40 passes over the given examples; an eigenvalue starts from the last
    eigenvector. The last numbers also go into the logs, where `keras.callbacks.CSVLogger` and `TensorBoard` find them:
    put this callback before them.

        tracker = ks.SharpnessTracker(x, y, every_steps=10)
        model.fit(x, y, callbacks=[tracker])
        tracker.to_frame()
        tracker.plot().savefig("curvature.png")

    Attributes:
        log: The rows.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        loss: LossLike = None,
        every_steps: int = 10,
        measures: tuple[str, ...] = MEASURES,
        ball: Ball = Ball(),  # noqa: B008
        maximizer: Maximizer = STEEPEST,
        max_rows: int = 10_000,
        csv_file: str | Path | None = None,
        **data: Unpack[LossArguments],
    ) -> None:
        """Sets up the measurement; nothing is computed before training begins.

        Args:
            x: Inputs to measure on; see `Sample`.
            y: Targets; see `Sample`.
            loss: The loss; None takes the compiled one.
            every_steps: Steps of the optimizer between measurements; there is one before the first step too.
            measures: Which of "eigenvalue", "preconditioned", "critical", "worst_case" to take.
            ball: Ball of worst-case sharpness.
            maximizer: How to climb in it.
            max_rows: Rows in memory; beyond, every second one is dropped, and the file still has all.
            csv_file: File that gets each row at once.
            **data: `examples`, `training`, `normalize_logits`, `regularization` (True by default), `sample_weight`,
                `class_weight`, `batch_size`; see `Sample`.

        Raises:
            InputError: If an argument is out of range.
        """
        super().__init__()
        require_count("every_steps", every_steps)
        require_count("max_rows", max_rows - 1)
        require_options(data, tuple(name for name in LossArguments.__annotations__ if name != "select"))
        unknown = sorted(set(measures) - set(MEASURES))
        require(not unknown, f"`measures` must be among {', '.join(MEASURES)}", unknown=unknown)
        self.log = TrackLog(COLUMNS, max_rows, None if csv_file is None else Path(csv_file))
        self._data, self._loss = (x, y), loss
        self._options: dict[str, Any] = {"regularization": True, "progress": False, **data}
        self._every, self._measures = every_steps, measures
        self._ball, self._maximizer = ball, check_maximizer(maximizer)
        self._sample: Sample | None = None
        self._rng = np.random.default_rng(0)
        self._vectors: dict[str, np.ndarray] = {}
        self._rate = 0.1

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Measures before the first step, unless the first batch is still to build the model."""
        if self.model.built:
            self._measure()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures when enough steps have passed since the last time, and adds the last numbers to the logs."""
        if not self.log.rows or self._step() - self.log.rows[-1]["step"] >= self._every:
            self._measure()
        self._add_to(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the last numbers to the logs."""
        self._add_to(logs)

    def to_frame(self) -> pd.DataFrame:
        """Returns the rows in memory as a table."""
        return self.log.to_frame()

    def plot(self) -> "Figure":
        """Returns a figure of what was measured, with the lines of stability."""
        from keras_sharpness.training.track_figure import track_figure

        return track_figure(self.to_frame())

    def _measure(self) -> None:
        if hasattr(self.model, "jax_state_sync"):
            # Between two steps, Keras's trainer for JAX holds the values of variables.
            self.model.jax_state_sync()
        self._sample = self._sample or Sample(self.model, *self._data, self._loss, m=None, **self._options)
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        if not optimizer.built:
            optimizer.build(variables)
        row = dict.fromkeys(COLUMNS, float("nan")) | {"step": self._step()}
        hessian = CurvatureOperator(self._sample) if {"eigenvalue", "preconditioned"} & set(self._measures) else None
        mean_loss = MeanLoss(self._sample) if hessian is None else hessian.mean_loss
        row["loss"], gradient = mean_loss.gradient()
        weights = [variable.value for variable in variables]
        update = next_update(optimizer, weights, unflatten(ops.convert_to_tensor(gradient), weights))
        row["gradient_norm"], row["learning_rate"] = float(np.linalg.norm(gradient)), update.learning_rate
        row["two_over_rate"] = 2 / update.learning_rate if update.learning_rate else float("inf")
        row["threshold"] = threshold(optimizer, update.learning_rate)
        if hessian is not None:
            row |= self._curvature(hessian, gradient, update)
        if "critical" in self._measures:
            row["critical"] = self._critical(self._sample, update)
        if "worst_case" in self._measures:
            row["worst_case"] = worst_case(self._sample, self._ball, self._maximizer).value
        self.log.add(row)

    def _curvature(self, hessian: CurvatureOperator, gradient: np.ndarray, update: NextUpdate) -> dict[str, float]:
        """Returns eigenvalues, and the cosine of gradient and eigenvector."""
        row = {}
        if "eigenvalue" in self._measures:
            row["eigenvalue"] = self._leading("eigenvalue", hessian, np.ones_like(gradient))
            size = float(np.linalg.norm(gradient))
            row["cosine"] = abs(float(gradient @ self._vectors["eigenvalue"])) / size if size else float("nan")
        if "preconditioned" in self._measures and update.preconditioner is not None:
            # The eigenvalues of P^-1 H are those of the symmetric P^(-1/2) H P^(-1/2).
            scale = np.sqrt(np.concatenate([np.ravel(factor) for factor in update.preconditioner]))
            row["preconditioned"] = self._leading("preconditioned", hessian, scale)
        return row

    def _leading(self, name: str, hessian: CurvatureOperator, scale: np.ndarray) -> float:
        """Returns the largest eigenvalue of D H D, D the diagonal of a scale, and keeps its vector."""
        start = self._vectors.get(name)
        start = self._rng.normal(size=len(scale)) if start is None else start
        found = top_eigenvalue(lambda v: scale * hessian.matvec(scale * v), start, self._rng)
        self._vectors[name] = found.vector
        return found.value

    def _critical(self, sample: Sample, update: NextUpdate) -> float:
        try:
            found = critical_sharpness(sample, direction=list(update.direction), first_rate=self._rate)
        except InputError:
            # The update does not lower the loss, as those of momentum need not, or lowers it at every rate.
            return float("nan")
        # Where the next search begins.
        self._rate = found.critical_rate
        return found.value

    def _step(self) -> int:
        return int(ops.convert_to_numpy(ops.convert_to_tensor(self.model.optimizer.iterations)))

    def _add_to(self, logs: dict[str, Any] | None) -> None:
        if logs is not None and self.log.rows:
            last = self.log.rows[-1]
            names = [name for name in (*MEASURES, "gradient_norm") if np.isfinite(last[name])]
            logs.update({name: last[name] for name in names})
