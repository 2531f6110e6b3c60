"""Sharpness while a model trains."""

from collections.abc import Callable
from typing import Any, Unpack, cast

import keras

from keras_sharpness.errors import require, require_count, require_options
from keras_sharpness.maximizers import Maximizer, check_maximizer
from keras_sharpness.measures.sample import Sample, SampleArguments
from keras_sharpness.measures.worst_case import PAPER_ASCENT, worst_case
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.perturbations import Ball
from keras_sharpness.typing import NormName, ScalingName

Schedule = int | Callable[[int], bool]


class SharpnessCallback(keras.callbacks.Callback):
    """Measures sharpness during `model.fit` and logs it like any metric.

    The number appears in the progress bar and in the history, and `keras.callbacks.TensorBoard` and `CSVLogger` pick it
    up; put this callback before them. All epochs are measured on the same batches, drawn once from a seed, so that
    differences are the training's.

    By default the measure is worst-case sharpness, compiled once. It costs num_batches * (num_steps + 1) passes on m
    examples each time, about as much as training on num_batches * num_steps batches of m.

        model.fit(x, y, epochs=10, callbacks=[ks.SharpnessCallback(x, y, rho=0.01)])
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        loss: LossLike = None,
        every: Schedule = 1,
        name: str = "sharpness",
        measure: Callable[[keras.Model, Any, Any], float] | None = None,
        rho: float = 1e-4,
        norm: NormName = "linf",
        scaling: ScalingName = "adaptive",
        eta: float = 0.0,
        maximizer: Maximizer = PAPER_ASCENT,
        **sample: Unpack[SampleArguments],
    ) -> None:
        """Sets up the measurement; nothing is computed before training begins.

        Args:
            x: Inputs to measure on; see `Sample`.
            y: Targets; see `Sample`.
            loss: The loss; None takes the compiled one.
            every: Epochs between measurements, or a function of the epoch, counted from 0, to whether it is measured.
            name: Name of the metric.
            measure: Any function of (model, x, y) to a number, instead of worst-case sharpness; the arguments below are
                then not used.
            rho: Radius of the ball.
            norm: Norm of the ball.
            scaling: Scale of the ball.
            eta: Floor added to the scale.
            maximizer: How to climb.
            **sample: `m`, `num_batches` (10 by default), `seed`, `batches`, `examples`, `training`, `select`,
                `normalize_logits`, `regularization`, `sample_weight`, `class_weight`, `batch_size`, `plan`,
                `distribution`; see `Sample`.

        Raises:
            InputError: If an argument is out of range.
        """
        super().__init__()
        require_options(sample, tuple(SampleArguments.__annotations__))
        if not callable(every):
            require_count("every", every)
        require(measure is None or callable(measure), "`measure` must be a function of (model, x, y)", measure=measure)
        self.name, self._every, self._data, self._loss = name, every, (x, y), loss
        self._ball = Ball(rho=rho, norm=norm, scaling=scaling, eta=eta)
        self._maximizer = check_maximizer(maximizer)
        self._arguments: dict[str, Any] = {"num_batches": 10, **sample}
        self._measure, self._sample = measure, cast(Sample, None)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Draws the batches."""
        if self._measure is None:
            self._sample = Sample(self.model, *self._data, self._loss, **self._arguments)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures and adds the number to the logs; NaN in epochs that are left out, as loggers want every key."""
        due = self._every(epoch) if callable(self._every) else (epoch + 1) % self._every == 0
        if logs is not None:
            logs[self.name] = self._now() if due else float("nan")

    def _now(self) -> float:
        if self._measure is not None:
            return float(self._measure(self.model, *self._data))
        # The sample keeps what is compiled from one epoch to the next.
        return worst_case(self._sample, self._ball, self._maximizer).value
