"""Trains a pool of anyone's models over hyper-parameters; a run that was stopped goes on where it ended."""

import dataclasses
import itertools
import json
import logging
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from keras_sharpness.errors import InputError, require, require_count, require_seed
from keras_sharpness.files.atomic import write_json
from keras_sharpness.files.lock import alone_in
from keras_sharpness.objective.layers import hops
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.pools.callback_epochs import CallbackEpochs
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.pool import Family, Pool, status_of, with_gaps
from keras_sharpness.pools.recipe import Recipe
from keras_sharpness.pools.schedule import Epochs
from keras_sharpness.pools.scores import Scores, compile_scores
from keras_sharpness.pools.space import Setting, Space, settings_of
from keras_sharpness.pools.split import Split, read_split
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.pools.trainer import Trainer

MANIFEST = "pool.json"
log = logging.getLogger(__name__)


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
        distribution: What to share out the models over; see `Sample`.
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


class PoolRun:
    """A pool in a folder.

    Attributes:
        store: Its files.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: list[Setting],
        seeds: int,
        seed: int,
        train: Split,
        test: Split,
        folder: Path,
        options: dict[str, Any],
    ) -> None:
        """Looks at nothing yet.

        Args:
            recipe: How models are built and trained.
            settings: The settings.
            seeds: Models of each.
            seed: Seed of the pool.
            train: Training examples.
            test: Test examples.
            folder: The folder.
            options: `plan` and `distribution` of the trainer.
        """
        self._recipe, self._settings, self._seed = recipe, settings, seed
        self._train, self._test, self._folder, self._options = train, test, folder, options
        self.store, self._size = PoolStore(folder), seeds * len(settings)

    def open(self, resume: bool) -> None:
        """Writes `pool.json`, or checks that the folder's is of the same pool, perhaps with fewer seeds.

        Args:
            resume: Whether models that are there are kept.

        Raises:
            InputError: If it is not.
        """
        if not resume:
            self.store.clear()
        path, now = self._folder / MANIFEST, json.loads(json.dumps(self._describe()))
        if self.store.trained():
            try:
                before = json.loads(path.read_text())
            except (OSError, ValueError) as error:
                raise InputError(f"{path} must be the settings of the pool there. Received: {error}") from None
            differing = [name for name in now if before.get(name) != now[name]]
            require(
                not differing,
                f"{self._folder} must hold a pool with the same settings; choose another folder, or resume=False",
                differing=differing,
            )
        write_json(path, now)

    def train(self, stop: Callable[[], bool], progress: bool) -> dict[int, str]:
        """Trains the models that are missing, and saves each.

        Args:
            stop: Asked before each model whether to stop.
            progress: Whether a bar is shown on a terminal.

        Returns:
            The reason for each setting that could not be trained.
        """
        trained = self.store.trained()
        missing = [index for index in range(self._size) if index not in trained]
        failures: dict[int, str] = {}
        with tqdm(
            total=len(missing), desc="training", unit="model", disable=None if progress and missing else True
        ) as bar:
            for numbers in self._groups(self._recipe.family):
                indices = [index for index in missing if index % len(self._settings) in numbers]
                if indices and not stop():
                    self._train_family(numbers, indices, failures, stop, bar)
        return failures

    def pool(self, failures: dict[int, str]) -> Pool:
        """Returns the pool of the models that are saved; takes what `train` returned."""
        stored = sorted(index for index in self.store.trained() if index < self._size)
        return Pool(
            hyper_parameters=tuple(self._settings[0]),
            rows=[self._row(index) for index in stored],
            train=self._train,
            test=self._test,
            failures=failures,
            load=self.store.load_member,
            make_families=lambda: self._made_families(stored),
            make_model=self._model,
            store=self.store,
        )

    def _groups(self, key: Callable[[Setting], Any]) -> list[list[int]]:
        """Returns the numbers of the settings that share a key, for each key."""
        found: dict[Any, list[int]] = {}
        for number, setting in enumerate(self._settings):
            found.setdefault(key(setting), []).append(number)
        return [*found.values()]

    def _made_families(self, stored: list[int]) -> Iterator[Family]:
        for numbers in self._groups(self._recipe.architecture):
            indices = [index for index in stored if index % len(self._settings) in numbers]
            if indices:
                model = self._recipe.model(self._settings[numbers[0]], self._train)
                yield Family(model=model, loss=self._recipe.loss, indices=indices)

    def _model(self, index: int) -> keras.Model:
        setting = self._settings[index % len(self._settings)]
        return self.store.load_member(index).assign_to(self._recipe.model(setting, self._train))

    def _train_family(
        self, numbers: list[int], indices: list[int], failures: dict[int, str], stop: Callable[[], bool], bar: Any
    ) -> None:
        try:
            trainer, score = self._trainer(numbers)
            for member in trainer.train(itertools.takewhile(lambda _: not stop(), indices)):
                self.store.save_member(member, score(member) | {"last_loss": member.epoch_losses[-1]})
                bar.update()
        except InputError as error:
            for number in numbers:
                failures[number] = str(error)
                log.warning("setting %s is not trained: %s", self._settings[number], error)

    def _trainer(self, numbers: list[int]) -> tuple[Trainer, Callable[[Member], dict[str, float]]]:
        recipe, setting, train = self._recipe, self._settings[numbers[0]], self._train
        model = recipe.model(setting, train)
        trained, reported = recipe.objectives(model, train)
        reported.check(self._test.data, self._test.examples)
        rule = recipe.rule(model, setting, recipe.decays(setting))

        def start(index: int) -> Member:
            of = self._settings[index % len(self._settings)]
            return recipe.start(model, rule, of, index, member_seed(self._seed, index), train)

        size = len(numbers) * (self._size // len(self._settings))
        part = training_part(model, train)
        trainer = Trainer(
            trained, part.data, part.examples, recipe.of(setting), rule, start, num_models=size, **self._options
        )
        scores = {
            name: (compile_scores(reported, split.data, True, self._options["distribution"]), split.examples)
            for name, split in (("training", train), ("test", self._test))
        }
        return trainer, lambda member: _evaluate(member, scores)

    def _row(self, index: int) -> dict[str, Any]:
        scores, number = self.store.load_row(index), index % len(self._settings)
        head = {name: scores.pop(name) for name in ("index", "seed", "epochs")}
        status = status_of(scores["training_loss"], scores.pop("last_loss"), self._recipe.epochs.stop_loss)
        return {**head, "setting": number, **self._settings[number], "status": status, **with_gaps(scores)}

    def _describe(self) -> dict[str, Any]:
        """Returns all settings that can change a number, but for the number of seeds."""
        recipe = self._recipe
        epochs = {name: value for name, value in dataclasses.asdict(recipe.epochs).items() if name != "callbacks"}
        return {
            "settings": [{name: _word(value) for name, value in setting.items()} for setting in self._settings],
            "seed": self._seed,
            "epochs": epochs,
            "loss": _word(recipe.loss),
            "optimizer": _word(recipe.optimizer),
            "initialization": recipe.initialization,
            "data": [split.checksum() for split in (self._train, self._test)],
            "backend": keras.config.backend(),
        }


def training_part(model: keras.Model, split: Split) -> Split:
    """Returns what training depends on: of a graph, the receptive field of the split's nodes, where it is known.

    Args:
        model: The model.
        split: The training examples.
    """
    reach = hops(model) if split.data.graph is not None else 0
    if not reach:
        return split
    data, field = split.data.on_field(split.examples, reach)
    return Split(data, field.places(split.examples))


def _epochs(
    batch_size: int, stop_loss: float | None, max_epochs: int, callbacks: Sequence[keras.callbacks.Callback]
) -> Epochs:
    settings: dict[str, Any] = {"batch_size": batch_size, "max_epochs": max_epochs}
    settings |= {"stopping": "at_loss", "stop_loss": stop_loss, "reduction": "evaluated"}
    return CallbackEpochs(callbacks=tuple(callbacks), **settings) if callbacks else Epochs(**settings)


def _evaluate(member: Member, scores: dict[str, tuple[Scores, np.ndarray]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (score, examples) in scores.items():
        loss, error = score(*member.tensors(), examples)
        found |= {f"{name}_loss": loss} | ({} if np.isnan(error) else {f"{name}_error": error})
    return found


def _word(value: Any) -> Any:
    """Returns a setting as JSON takes it: objects of Keras by their configuration."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "get_config"):
        return {"class": type(value).__name__, **json.loads(json.dumps(value.get_config(), default=str))}
    return getattr(value, "__name__", type(value).__name__)
