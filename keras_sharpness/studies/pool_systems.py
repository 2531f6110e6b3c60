"""The paper's systems as pools over hyper-parameters."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sharpness import data, models
from keras_sharpness.data.corruptions import corrupt
from keras_sharpness.data.fashion_mnist import MEAN, STANDARD_DEVIATION
from keras_sharpness.errors import require
from keras_sharpness.objective.graph import Graph
from keras_sharpness.pools.recipe import TRAINING
from keras_sharpness.studies.config import SYSTEMS
from keras_sharpness.studies.pool_study import PoolStudy

# The corruptions that LeNet is tested on too, at the largest severity, and on how many pictures.
CORRUPTED = ("gaussian_noise", "gaussian_blur", "contrast")
NUM_CORRUPTED = 1000
# The argument that is the width of a network, and its value in the paper; LeNet's is a factor itself.
WIDTHS = {"fcnn": ("units", 64), "gat": ("channels", 8)}


def system_study(
    model: str,
    space: Mapping[str, Sequence[Any]],
    *,
    data_dir: str | Path | None = None,
    download: bool = False,
    split_seed: int = 0,
    num_train: int | None = None,
    training: Mapping[str, Any],
    **options: Any,
) -> PoolStudy:
    """Returns the study of a system over hyper-parameters.

    Args:
        model: "fcnn", "lenet" or "gat".
        space: Values of each hyper-parameter: the training's, arguments of the network, or `width`, a factor of its
            width in the paper.
        data_dir: Folder with data files.
        download: Whether data may be fetched.
        split_seed: Seed of the split.
        num_train: Training examples, drawn with the seed 0; None: all.
        training: Further arguments of `train_pool`, and `learning_rate`; those left out are the paper's.
        **options: Fields of `PoolStudy`.

    Returns:
        The study.

    Raises:
        InputError: If the network has no such argument, or the data are not found.
    """
    system, network = SYSTEMS[model], getattr(models, SYSTEMS[model].network)
    build = scaled(network, *WIDTHS[model]) if model in WIDTHS else network
    known = [*inspect.signature(build).parameters, *TRAINING]
    unknown = [name for name in space if name not in known]
    require(not unknown, f"`vary` must name one of {', '.join(known)}", unknown=unknown)
    dataset = data.load(system.dataset, data_dir, download, split_seed)
    usual: dict[str, Any] = {"learning_rate": system.schedule.learning_rate, "loss": keras.losses.MeanSquaredError()}
    if system.classification:
        usual["loss"] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    settings = usual | {"initialization": "glorot_uniform"} | dict(training)
    settings["optimizer"] = keras.optimizers.SGD(settings.pop("learning_rate"))
    if model == "lenet":
        options = {"targets": _corrupted(*dataset.examples("test")), **options}
    return PoolStudy(
        build=build,
        train=_part(dataset.x, dataset.y, _subset(dataset.train, num_train)),
        test=_part(dataset.x, dataset.y, dataset.test),
        space=space,
        training=settings,
        source=dataset.source,
        **options,
    )


def scaled(network: Callable[..., keras.Model], argument: str, usual: int) -> Callable[..., keras.Model]:
    """Returns a function that builds a network, with `width` as a further argument: a factor of its usual width.

    Args:
        network: The function of the network.
        argument: Its argument that is the width.
        usual: Its usual value.
    """

    def build(width: float | None = None, **settings: Any) -> keras.Model:
        return network(**settings if width is None else settings | {argument: round(width * usual)})

    signature = inspect.signature(network)
    width = inspect.Parameter("width", inspect.Parameter.KEYWORD_ONLY, default=None)
    parameters = [*signature.parameters.values(), width]
    build.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return build


def _corrupted(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    pixels, y = np.clip(x[:NUM_CORRUPTED] * STANDARD_DEVIATION + MEAN, 0, 1), y[:NUM_CORRUPTED]
    found = {name: corrupt(pixels, name, severity=5) for name in CORRUPTED}
    return {name: (((part - MEAN) / STANDARD_DEVIATION).astype(np.float32), y) for name, part in found.items()}


def _subset(examples: np.ndarray, size: int | None) -> np.ndarray:
    if size is None:
        return examples
    require(0 < size <= len(examples), f"`num_train` must be from 1 to {len(examples)}", num_train=size)
    return np.sort(np.random.default_rng(0).choice(examples, size, replace=False))


def _part(x: Any, y: np.ndarray, examples: np.ndarray) -> tuple[Any, ...]:
    return (x, y, examples) if isinstance(x, Graph) else (x[examples], y[examples])
