"""Sharpness while a model trains."""

from collections.abc import Callable
from typing import Any, Unpack

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

    In epochs that are left out, the last number is logged again, since callbacks such as `ModelCheckpoint` and
    `EarlyStopping` want one in each: a number that has not changed is no improvement to them. The first epoch is always
    measured.

    By default the measure is worst-case sharpness, compiled once. It costs num_batches * (num_steps + 1) passes on m
    examples each time, about as much as training on num_batches * num_steps batches of m.

        model.fit(x, y, epochs=10, callbacks=[ks.SharpnessCallback(x, y, rho=0.01)])

    Attributes:
        name: Name of the metric.
        measured: Numbers of the epochs that were measured.
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
            every: Epochs between measurements, or a function of the epoch, counted from 0, to whether it is measured;
                the first epoch of training is measured in any case.
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
                `distribution`, `progress`; see `Sample`.

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
        self._measure: Callable[[keras.Model, Any, Any], float] | None = measure
        self._sample: Sample | None = None
        self.measured: dict[int, float] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Draws the batches; of a model that its first batch builds, at the end of the first epoch."""
        self._sample, self.measured = None, {}
        if self._measure is None and self.model.built:
            self._sample = self._draw()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures, and adds the number, or in epochs that are left out the last one, to the logs."""
        due = self._every(epoch) if callable(self._every) else (epoch + 1) % self._every == 0
        if due or not self.measured:
            self.measured[epoch] = self._now()
        if logs is not None:
            logs[self.name] = [*self.measured.values()][-1]

    def _now(self) -> float:
        if self._measure is not None:
            return float(self._measure(self.model, *self._data))
        # The sample keeps what is compiled from one epoch to the next.
        self._sample = self._sample or self._draw()
        return worst_case(self._sample, self._ball, self._maximizer).value

    def _draw(self) -> Sample:
        return Sample(self.model, *self._data, self._loss, **{"progress": False} | self._arguments)
