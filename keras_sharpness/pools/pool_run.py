"""A pool on disk: each model is saved as soon as it is trained, so that a run that was stopped goes on."""

import dataclasses
import itertools
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras

from keras_sharpness.errors import InputError, require
from keras_sharpness.execution.progress import bar as progress_bar
from keras_sharpness.files.atomic import write_json
from keras_sharpness.files.plain import read_plain
from keras_sharpness.pools.architecture import Architecture
from keras_sharpness.pools.data_split import Split
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.pool import Family, Pool, status_of, with_gaps
from keras_sharpness.pools.recipe import Recipe
from keras_sharpness.pools.space import Setting
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.pools.trainer import Trainer

MANIFEST = "pool.json"
log = logging.getLogger(__name__)


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
        self._trained: set[int] = set()

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
        self.store.pack()
        # To look at every file takes long, and names those that are damaged.
        self._trained = self.store.trained()
        if self._trained:
            try:
                before = json.loads(read_plain(path))
            except (OSError, ValueError) as error:
                raise InputError(f"{path} must be the settings of the pool there. Received: {error}") from None
            known = before if isinstance(before, dict) else {}
            differing = [name for name, value in now.items() if _nameless(known.get(name)) != value]
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
        missing = [index for index in range(self._size) if index not in self._trained]
        failures: dict[int, str] = {}
        with progress_bar(len(missing), "model", progress and bool(missing), title="training", delay=0) as bar:
            for numbers in self._architectures():
                if (of_these := self._of(missing, numbers)) and not stop():
                    self._train_alike(numbers, of_these, failures, stop, bar)
        return failures

    def pool(self, failures: dict[int, str]) -> Pool:
        """Returns the pool of the models that are saved; takes what `train` returned."""
        stored = sorted(index for index in self._trained if index < self._size)
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

    def _groups(self, numbers: Iterable[int], key: Callable[[Setting], Any]) -> list[list[int]]:
        """Returns the numbers of settings that share a key, for each key."""
        found: dict[Any, list[int]] = {}
        for number in numbers:
            found.setdefault(key(self._settings[number]), []).append(number)
        return [*found.values()]

    def _architectures(self) -> list[list[int]]:
        return self._groups(range(len(self._settings)), self._recipe.architecture)

    def _of(self, indices: Iterable[int], numbers: list[int]) -> list[int]:
        """Returns those of some places whose setting is one of some numbers."""
        wanted = {*numbers}
        return [index for index in indices if index % len(self._settings) in wanted]

    def _made_families(self, stored: list[int]) -> Iterator[Family]:
        for numbers in self._architectures():
            if indices := self._of(stored, numbers):
                model = self._recipe.model(self._settings[numbers[0]], self._train)
                yield Family(model=model, loss=self._recipe.loss, indices=indices)

    def _model(self, index: int) -> keras.Model:
        setting = self._settings[index % len(self._settings)]
        return self.store.load_member(index).assign_to(self._recipe.model(setting, self._train))

    def _train_alike(
        self, numbers: list[int], missing: list[int], failures: dict[int, str], stop: Callable[[], bool], bar: Any
    ) -> None:
        """Trains the missing models of one architecture, a family after the other."""
        try:
            of = Architecture(self._recipe, self._settings[numbers[0]], self._train, self._test, **self._options)
        except InputError as error:
            self._fail(numbers, error, failures)
            return
        for family in self._groups(numbers, self._recipe.family):
            indices = itertools.takewhile(lambda _: not stop(), self._of(missing, family))
            try:
                for member in self._trainer(of, family).train(indices):
                    self.store.save_member(member, of.score(member) | {"last_loss": member.epoch_losses[-1]})
                    self._trained.add(member.index)
                    bar.update()
            except InputError as error:
                self._fail(family, error, failures)

    def _trainer(self, of: Architecture, numbers: list[int]) -> Trainer:
        def start(index: int) -> Member:
            return of.start(self._settings[index % len(self._settings)], index, member_seed(self._seed, index))

        size = len(numbers) * (self._size // len(self._settings))
        return of.trainer(self._settings[numbers[0]], start, size)

    def _fail(self, numbers: list[int], error: InputError, failures: dict[int, str]) -> None:
        for number in numbers:
            failures[number] = str(error)
            log.warning("setting %s is not trained: %s", self._settings[number], error)

    def _row(self, index: int) -> dict[str, Any]:
        scores = self.store.load_row(index, "training_loss", "test_loss", "last_loss")
        number = index % len(self._settings)
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


def _word(value: Any) -> Any:
    """Returns a setting as JSON takes it: objects of Keras by their configuration."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "get_config"):
        return _nameless({"class": type(value).__name__, **json.loads(json.dumps(value.get_config(), default=str))})
    return getattr(value, "__name__", type(value).__name__)


def _nameless(value: Any) -> Any:
    """Returns a configuration without its name: Keras numbers the optimizers of a process, "sgd_1", "sgd_2"."""
    return {key: part for key, part in value.items() if key != "name"} if isinstance(value, dict) else value
