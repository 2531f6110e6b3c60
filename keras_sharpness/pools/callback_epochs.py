"""Training that callbacks of Keras stop."""

import copy
import dataclasses
import types
from collections.abc import Sequence

import keras

from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.pools.schedule import Epochs


@dataclasses.dataclass(frozen=True, kw_only=True)
class CallbackEpochs(Epochs):
    """Epochs until a callback says so, or as `Epochs` if none does.

    Each member sees callbacks of its own: they are shown all its epochs so far, every time. What they see is the loss
    of each epoch; they have no model whose weights they could read.

    Attributes:
        callbacks: The callbacks, as a user would give them to `fit`.
    """

    callbacks: tuple[keras.callbacks.Callback, ...]

    def __post_init__(self) -> None:
        """Checks the callbacks.

        Raises:
            InputError: If one looks at something else than the loss, or restores weights.
        """
        super().__post_init__()
        for callback in self.callbacks:
            name = type(callback).__name__
            require(isinstance(callback, keras.callbacks.Callback), "`callbacks` must be Keras's", callback=name)
            monitor = getattr(callback, "monitor", "loss")
            require(
                monitor == "loss", f"{name} must have monitor='loss': a pool looks at nothing else", monitor=monitor
            )
            require(not getattr(callback, "restore_best_weights", False), f"{name} must not restore weights")
        self._stopped([1.0])

    def is_over(self, epoch_losses: Sequence[float]) -> bool:
        """Returns whether training ends after epochs of these losses."""
        return super().is_over(epoch_losses) or self._stopped(epoch_losses)

    def _stopped(self, epoch_losses: Sequence[float]) -> bool:
        model = types.SimpleNamespace(stop_training=False)
        for callback in map(copy.deepcopy, self.callbacks):
            callback.set_model(model)
            try:
                callback.on_train_begin()
                for epoch, loss in enumerate(epoch_losses):
                    callback.on_epoch_begin(epoch)
                    callback.on_epoch_end(epoch, {"loss": loss})
            except Exception as error:  # Whatever needs more than the loss.
                name = type(callback).__name__
                raise InputError(f"{name} must need nothing but the loss. Received: {reason(error)}") from error
        return bool(model.stop_training)
