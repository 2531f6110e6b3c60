"""The weights along a training, for planes and lines through them."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import InputError, require, require_count
from keras_sharpness.files.checksum import load_arrays, save_arrays
from keras_sharpness.files.writable import require_writable
from keras_sharpness.objective.objective import values
from keras_sharpness.training.thinned import Thinned

Checkpoint = tuple[int, list[np.ndarray] | Path]
"""The step, and the weights or the file that holds them."""


class Trajectory(keras.callbacks.Callback):
    """Keeps the trainable weights at the start of `model.fit`, every few steps or at each epoch, and at the end.

    When there are too many checkpoints, every second one is dropped and they are kept half as often from then on: they
    stay evenly spaced, however long the training. Each takes the memory, or the place in the folder, of the trainable
    weights. The model is left as it was.

        path = ks.Trajectory(every_steps=10)
        model.fit(x, y, epochs=10, callbacks=[path])
        axes = ks.landscape.principal_directions(path)
        ks.landscape.plane(model, x, y, directions=axes, show=path).plot()

    A `fit` that goes on from the last step goes on with the path; any other begins a new one.
    """

    def __init__(
        self, every_steps: int | None = None, max_checkpoints: int = 100, folder: str | Path | None = None
    ) -> None:
        """Keeps nothing before training begins.

        Args:
            every_steps: Steps of the optimizer between checkpoints; None: each epoch.
            max_checkpoints: Checkpoints at most.
            folder: Folder that holds the checkpoints, a whole file each, instead of the memory; `load` reads it.

        Raises:
            InputError: If an argument is out of range, or the folder cannot be written to or holds other checkpoints.
        """
        super().__init__()
        require_count("every_steps", 1 if every_steps is None else every_steps)
        require_count("max_checkpoints", max_checkpoints)
        require(max_checkpoints >= 2, "`max_checkpoints` must be at least 2", max_checkpoints=max_checkpoints)
        self._every, self._folder = every_steps, None if folder is None else Path(folder)
        self._bound, self._kept = max_checkpoints, Thinned[Checkpoint](max_checkpoints)
        if self._folder is not None:
            require_writable(self._folder)
            present = _files(self._folder)
            require(not present, "`folder` must hold no other checkpoints", folder=folder, checkpoints=len(present))

    @classmethod
    def load(cls, folder: str | Path) -> "Trajectory":
        """Returns the trajectory that a folder holds.

        Args:
            folder: The folder of a `Trajectory`.

        Raises:
            InputError: If it holds no checkpoints.
        """
        found = _files(Path(folder))
        require(bool(found), "`folder` must hold the checkpoints of a trajectory", folder=str(folder))
        trajectory = cls(max_checkpoints=max(2, len(found)))
        for checkpoint in found.items():
            trajectory._kept.add(checkpoint)
        return trajectory

    @property
    def steps(self) -> list[int]:
        """Optimizer steps before each checkpoint."""
        return [step for step, _ in self._kept.items]

    @property
    def checkpoints(self) -> list[list[np.ndarray]]:
        """The trainable weights at each of `steps`, read anew if they are in a folder."""
        return [_read(kept) if isinstance(kept, Path) else kept for _, kept in self._kept.items]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins a new path, or goes on; keeps the start unless the first batch is still to build the model."""
        if self._kept.items and self._step() != self.steps[-1]:
            for _, kept in self._kept.items:
                _delete(kept)
            self._kept = Thinned(self._bound)
        if self.model.built:
            self._keep()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps the weights when enough steps have passed since the last time."""
        if self._every is not None and self._step() - (self.steps or [-self._every])[-1] >= self._every:
            self._keep()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps the weights, unless steps are counted."""
        if self._every is None:
            self._keep()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Keeps the end."""
        self._keep()

    def _keep(self) -> None:
        if hasattr(self.model, "jax_state_sync"):
            # Between two steps, Keras's trainer for JAX holds the values of variables.
            self.model.jax_state_sync()
        step = self._step()
        if step in self.steps[-1:]:
            return
        weights = [np.array(ops.convert_to_numpy(weight)) for weight in values(self.model)[0]]
        for _, dropped in self._kept.add((step, self._write(step, weights))):
            _delete(dropped)

    def _write(self, step: int, weights: list[np.ndarray]) -> list[np.ndarray] | Path:
        """Returns the weights, or the file that holds them.

        Raises:
            InputError: If the file cannot be written.
        """
        if self._folder is None:
            return weights
        path = self._folder / f"step_{step:09d}.npz"
        try:
            save_arrays(path, **{f"weight_{k}": weight for k, weight in enumerate(weights)})
        except OSError as error:
            raise InputError(f"{path} must be a place that can be written to. Received: {error.strerror}") from error
        return path

    def _step(self) -> int:
        return int(ops.convert_to_numpy(ops.convert_to_tensor(self.model.optimizer.iterations)))


def _files(folder: Path) -> dict[int, Path]:
    """Returns the files of checkpoints in a folder, by their steps in ascending order."""
    names = ((re.fullmatch(r"step_(\d+)\.npz", path.name), path) for path in folder.glob("step_*.npz"))
    return dict(sorted((int(name[1]), path) for name, path in names if name))


def _read(path: Path) -> list[np.ndarray]:
    try:
        arrays = load_arrays(path)
    except FileNotFoundError as error:
        raise InputError(f"{path} must be a checkpoint that is still there") from error
    return [arrays[f"weight_{k}"] for k in range(len(arrays))]


def _delete(kept: list[np.ndarray] | Path) -> None:
    if isinstance(kept, Path):
        kept.unlink(missing_ok=True)
