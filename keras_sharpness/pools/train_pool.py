"""Trains a pool of anyone's models over hyper-parameters; a run that was stopped goes on where it ended."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_sharpness.distribution import distribute
from keras_sharpness.errors import require, require_count, require_seed
from keras_sharpness.files.lock import alone_in
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.pools.callback_epochs import CallbackEpochs
from keras_sharpness.pools.data_split import read_split
from keras_sharpness.pools.pool import Pool
from keras_sharpness.pools.pool_run import PoolRun
from keras_sharpness.pools.recipe import Recipe
from keras_sharpness.pools.schedule import Epochs
from keras_sharpness.pools.space import Space, settings_of


def train_pool(
    build: Callable[..., keras.Model],
    train: Any,
    test: Any,
    *,
    space: Space,
    seeds: int = 1,
    loss: LossLike = None,
    optimizer: Any = None,
    batch_size: int = 64,
    stop_loss: float | None = None,
    max_epochs: int = 100,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    num_settings: int | None = None,
    initialization: str | None = None,
    seed: int = 0,
    plan: str | None = None,
    distribution: Any = None,
    output_dir: str | Path | None = None,
    resume: bool = True,
    progress: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Pool:
    """Trains models of all settings of hyper-parameters, from several seeds each.

    Models that differ only in `learning_rate`, `weight_decay` or seed share a compiled step, and train together.

    Args:
        build: From hyper-parameters to a built Keras model. Its arguments get the values of the same names; those of
            `learning_rate`, `weight_decay`, `batch_size` and `optimizer` that it does not take are the training's.
        train: Training examples: `(x, y)`, `(x, y, sample_weight)`, `(graph, y, nodes)`, or batches of them.
        test: Test examples likewise.
        space: Values of each hyper-parameter (all combinations are settings), or a list of settings.
        seeds: Models of each setting.
        loss: Keras loss; None: that of the built model.
        optimizer: Optimizer of Keras, with a schedule if you like; None: that of the built model, or plain SGD.
        batch_size: Examples in a batch, where `space` does not say.
        stop_loss: Training loss, in inference mode, at which a model stops. It is evaluated after each epoch.
        max_epochs: Epochs at most.
        callbacks: Callbacks that look at `loss` to stop the training, such as `EarlyStopping(monitor="loss")`.
        num_settings: Settings to draw of the space; then its values may be distributions of `scipy.stats`.
        initialization: "glorot_uniform" draws weights with NumPy, the same on every backend; None: `build` is called
            for each model, and its layers draw.
        seed: Seed of the pool.
        plan: "vectorized" or "sequential"; None: the faster.
        distribution: Devices of this process to share out the models over; see `Sample`.
        output_dir: Folder of the pool; a pool that is there goes on. None: a temporary one.
        resume: Whether models that the folder holds are kept.
        progress: Whether a bar is shown on a terminal.
        stop: Asked before each model whether to stop.

    Returns:
        The pool. Models that miss `stop_loss` are in it, with the status "missed".

    Raises:
        InputError: If an argument is out of range, the folder holds another pool, or no model could be trained.
    """
    require_count("seeds", seeds)
    require_seed(seed)
    processes = distribute(distribution).describe()["processes"]
    require(processes == 1, "`distribution` of a pool must be devices of one process", processes=processes)
    epochs = _epochs(batch_size, stop_loss, max_epochs, callbacks)
    recipe = Recipe(build=build, loss=loss, optimizer=optimizer, epochs=epochs, initialization=initialization)
    settings = settings_of(space, num_settings, seed)
    recipe.require_known([*settings[0]])
    splits = read_split("train", train), read_split("test", test)
    folder = Path(output_dir or tempfile.mkdtemp())
    run = PoolRun(recipe, settings, seeds, seed, *splits, folder, {"plan": plan, "distribution": distribution})
    if output_dir is None:
        # The weights last as long as anyone can load them.
        weakref.finalize(run.store, shutil.rmtree, folder, ignore_errors=True)
    with alone_in(folder):
        run.open(resume)
        failures = run.train(stop, progress)
    pool = run.pool(failures)
    require(bool(pool.rows) or stop(), "at least one setting must train", failures=[*failures.values()][:1])
    return pool


def _epochs(
    batch_size: int, stop_loss: float | None, max_epochs: int, callbacks: Sequence[keras.callbacks.Callback]
) -> Epochs:
    settings: dict[str, Any] = {"batch_size": batch_size, "max_epochs": max_epochs}
    settings |= {"stopping": "at_loss", "stop_loss": stop_loss, "reduction": "evaluated"}
    return CallbackEpochs(callbacks=tuple(callbacks), **settings) if callbacks else Epochs(**settings)
