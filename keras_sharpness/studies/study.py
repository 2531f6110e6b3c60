"""A study in memory: the data, the pool and the measurement."""

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sharpness import backend
from keras_sharpness.data.dataset import Dataset
from keras_sharpness.distribution import distribute
from keras_sharpness.distribution.structures import to_numpy
from keras_sharpness.errors import InputError, require
from keras_sharpness.maximizers import make_maximizer
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import values
from keras_sharpness.perturbations import Ball
from keras_sharpness.pools.data_split import Split
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.pools.scores import average_batches, compile_example_losses, compile_scores
from keras_sharpness.pools.trainer import Trainer, sgd_trainer
from keras_sharpness.studies.config import StudyConfig
from keras_sharpness.studies.details import MOST_LOSSES, NEEDED
from keras_sharpness.studies.measurement import Arrays, BatchAscents, Measurement, with_indices
from keras_sharpness.studies.networks import build_network, build_objective
from keras_sharpness.studies.released import datasets
from keras_sharpness.studies.released.ascents import ReleasedAscents
from keras_sharpness.studies.released.other_pool import OtherPool, other_seed
from keras_sharpness.typing import State, Weights


class Study:
    """Trains the members of a pool and measures them.

    Attributes:
        config: The settings.
        dataset: The data.
        distribution: Where the work runs.
        objective: The loss.
        data: All inputs and targets.
        ball: The set of perturbations.
        maximizer: How to climb.
    """

    def __init__(
        self, config: StudyConfig, dataset: Dataset, plan: str | None = None, distribution: Any = None
    ) -> None:
        """Builds the network and compiles what all members share.

        Args:
            config: The settings.
            dataset: The system's data.
            plan: "vectorized" or "sequential"; None: the faster. Results do not depend on it beyond rounding.
            distribution: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or
                `torch.distributed.ProcessGroup` to share out the work over; None: this process. Results do not depend
                on it.
        """
        self.config, self.dataset, self.distribution = config, dataset, distribute(distribution)
        whole = self.distribution.shares == 1
        require(whole, "a study must be shared out by its models, not by examples", devices=self.distribution.shares)
        network, on_graph = build_network(config), isinstance(dataset.x, Graph)
        self.objective = build_objective(config, network, on_graph)
        self.data = LabelledData(dataset.x, dataset.y)
        part = Split(self.data, dataset.train).receptive_field(network)
        self._training_data, self._training_examples = part.data, part.examples
        self._trainer = self._make_trainer(config.schedule, config.seed, plan, self.distribution)
        scores = compile_scores(self.objective, self.data, config.system.classification, self.distribution)
        averages = config.follows_paper("averages")
        self._scores = scores if averages else average_batches(scores, config.schedule.batch_size)
        self.ball = Ball(rho=config.rho, norm=config.norm, scaling=config.scaling, eta=config.eta)
        settings = (config.step_size, config.direction, config.coordinates, config.num_restarts, config.seed)
        self.maximizer = make_maximizer(config.maximizer, config.pga_steps, *settings)
        self._measurement = self._make_measurement(plan)

    def slots(self, num_models: int) -> int:
        """Returns how many members of a pool of that size train as one tensor computation on this machine."""
        return self._trainer.slots(num_models)

    def train(self, indices: Iterable[int], slots: int | None = None) -> Iterator[Member]:
        """Returns an iterator of the trained members of these places in the pool, as they finish; see `Trainer`."""
        return self._trainer.train(indices, slots)

    def evaluate(self, member: Member) -> dict[str, float]:
        """Returns training and test loss and, for classification, error rates, in inference mode."""
        weights, state = member.tensors()
        values: dict[str, float] = {}
        for split in ("train", "test"):
            found = self._scores(weights, state, getattr(self.dataset, split))
            values |= dict(zip((f"{split}_loss", f"{split}_error"), found, strict=False))
        return values

    def measure(self, members: Iterable[Member]) -> Iterator[tuple[int, Arrays]]:
        """Returns an iterator of (index, arrays: the `losses` that the member's sharpness follows from, and more)."""
        return with_indices(self._measurement, (member.checked(self.objective.model) for member in members))

    def prepare(self) -> None:
        """Compiles the measurement; may run while members train."""
        # PyTorch has nothing to compile.
        if keras.config.backend() != "torch":
            # Arrays, as those of a member: for variables TensorFlow would trace another function.
            self._measurement.prepare(*to_numpy(values(self.objective.model)))

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns `sharpness` and `sharpness_standard_error` of a member from its losses.

        Raises:
            InputError: If the losses are of another study.
        """
        return self._measurement.sharpness(losses)

    @property
    def has_details(self) -> bool:
        """Whether its numbers are means over batches and not too many test examples, the same for all models."""
        few = self.config.num_models * len(self.dataset.test) <= MOST_LOSSES
        return few and all(map(self.config.follows_paper, NEEDED))

    @functools.cached_property
    def _example_losses(self) -> Callable[..., np.ndarray]:
        return compile_example_losses(self.objective, self.data)

    def test_losses(self, member: Member) -> np.ndarray:
        """Returns a member's loss of each test example, shape (num_test,)."""
        return self._example_losses(*member.tensors(), self.dataset.test)

    def rises(self, losses: np.ndarray) -> np.ndarray:
        """Returns the rise on each batch, shape (num_batches,), of a member from its losses.

        Raises:
            InputError: If the measurement has no batches that all models share, or the losses are of another study.
        """
        measurement = self._measurement
        if not isinstance(measurement, BatchAscents):
            raise InputError("rises on batches must be of the paper's ascents")
        return measurement.rises(losses)

    def describe(self) -> dict[str, Any]:
        """Returns where data and numbers come from, for the record."""
        return {
            "data": self.dataset.source,
            "backend": keras.config.backend(),
            "devices": backend.devices(),
            # Not a setting: results do not depend on it.
            "distribution": self.distribution.describe(),
        }

    def _make_trainer(self, schedule: Schedule, seed: int, plan: str | None, distribution: Any) -> Trainer:
        # A gradient of the whole training set fills the cores, and those of several members do not fit the caches.
        plan = plan or ("sequential" if schedule.gradient == "full" else None)
        on = (self.objective, self._training_data, self._training_examples)
        options = {"plan": plan, "num_models": self.config.num_models, "distribution": distribution}
        return sgd_trainer(*on, schedule, seed, **options)

    def _make_measurement(self, plan: str | None) -> Measurement:
        config, measurement = self.config, self._make_ascents(plan)
        if config.follows_paper("matching"):
            return measurement
        trainer = self._make_trainer(config.climbed_schedule, other_seed(config.seed), plan, None)
        return OtherPool(measurement, trainer)

    def _make_ascents(self, plan: str | None) -> Measurement:
        if self.config.follows_paper("ascent"):
            on = (self.objective, self.data, self.dataset.train)
            return BatchAscents(self.config, *on, self.ball, self.maximizer, plan, self.distribution)
        climbed = (self.objective, self._training_data, self._training_examples)
        return ReleasedAscents(self.config, *climbed, self._training_loss)

    def _training_loss(self, weights: Weights, state: State) -> float:
        return self._scores(weights, state, self.dataset.train)[0]


def make_study(
    config: StudyConfig,
    data_dir: str | Path | None = None,
    download: bool = False,
    plan: str | None = None,
    distribution: Any = None,
) -> Study:
    """Loads a study's data and builds the study.

    Args:
        config: What `make_config` returned.
        data_dir: Folder with data files.
        download: Whether data may be fetched.
        plan: "vectorized" or "sequential"; None: the faster.
        distribution: What to share out the work over; see `Study`.

    Returns:
        The study.

    Raises:
        InputError: If the data are not found or damaged, or the plan does not fit.
    """
    return Study(config, datasets.load(config, data_dir, download), plan, distribution)
