"""A study in memory: the data, the pool and the measurements."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from keras_sharpness import models
from keras_sharpness.data.dataset import Dataset
from keras_sharpness.distribution import distribute
from keras_sharpness.errors import require
from keras_sharpness.execution.grid import Grid
from keras_sharpness.maximizers import make_maximizer, num_starts
from keras_sharpness.measures.batches import draw_batches
from keras_sharpness.measures.climbing import loss_paths
from keras_sharpness.measures.worst_case import WorstCaseSharpness
from keras_sharpness.objective.graph import Graph
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.layers import hops
from keras_sharpness.objective.objective import Objective
from keras_sharpness.perturbations import Ball
from keras_sharpness.pools.evaluation import compile_evaluation
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.training import Trainer
from keras_sharpness.studies.config import StudyConfig
from keras_sharpness.typing import State, Weights


class Study:
    """Trains the members of a pool and measures them.

    Attributes:
        config: The settings.
        dataset: The data.
        objective: The loss.
        data: All inputs and targets.
        training_data: What training can depend on: on a graph, the field of the training nodes.
        training_examples: Indices of the training examples in it.
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
            plan: "vectorized" or "sequential"; None: the faster. The numbers do not depend on it.
            distribution: A `tf.distribute.Strategy`, `keras.distribution.DataParallel` or
                `torch.distributed.ProcessGroup` to share out the work over; None: this process. Results do not depend
                on it.
        """
        self.config, self.dataset, self.distribution = config, dataset, distribute(distribution)
        whole = self.distribution.shares == 1
        require(whole, "a study must be shared out by its models, not by examples", devices=self.distribution.shares)
        network, loss = build_network(config), _loss(config)
        self.objective = Objective(network, loss, on_graph=isinstance(dataset.x, Graph))
        self.data = LabelledData(dataset.x, dataset.y)
        field = dataset.training_field(hops(network))
        self.training_examples = field.train
        self.training_data = self.data if field is dataset else LabelledData(field.x, field.y)
        on = (self.training_data, self.training_examples)
        self._trainer = Trainer(
            self.objective, *on, config.schedule, config.seed, plan, config.num_models, self.distribution
        )
        self._evaluation = compile_evaluation(
            self.objective, self.data, config.system.classification, self.distribution
        )
        self.ball = Ball(rho=config.rho, norm=config.norm, scaling=config.scaling, eta=config.eta)
        settings = (config.step_size, config.direction, config.coordinates, config.num_restarts, config.seed)
        self.maximizer = make_maximizer(config.maximizer, config.pga_steps, *settings)
        # All members climb on the same batches: their differences are then their own, not the draw's.
        batches = draw_batches(dataset.train, config.m, config.num_batches, config.seed)
        draws = num_starts(self.maximizer)
        grid = Grid(self.objective, self.data, batches, draws=draws, plan=plan, distribution=self.distribution)
        self._paths = loss_paths(grid, self.ball, self.maximizer)

    def grows_from(self, num_models: int) -> bool:
        """Returns whether a pool of that size is the beginning of this one, bit for bit."""
        size = self.config.num_models
        return num_models <= size and self._trainer.slots(num_models) == self._trainer.slots(size)

    def train(self, indices: Iterable[int]) -> Iterator[Member]:
        """Returns an iterator that trains the members of these places in the pool, as they finish."""
        return self._trainer.train(indices)

    def evaluate(self, member: Member) -> dict[str, float]:
        """Returns training and test loss and, for classification, error rate, in inference mode."""
        weights, state = member.tensors()
        values: dict[str, float] = {}
        for split in ("train", "test"):
            metrics = self._means(weights, state, getattr(self.dataset, split))
            values |= dict(zip((f"{split}_loss", f"{split}_error"), metrics, strict=False))
        return values

    def measure(self, members: Iterable[Member]) -> Iterator[tuple[int, np.ndarray]]:
        """Returns an iterator of (index, losses along the ascents), losses of shape (num_batches, num_steps + 1)."""
        members, measured = itertools.tee(member.checked(self.objective.model) for member in members)
        return zip((m.index for m in members), self._paths(m.tensors() for m in measured), strict=True)

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns `sharpness` and `sharpness_standard_error` that follow from a member's losses.

        Raises:
            InputError: If the losses are of another study.
        """
        shape = (self.config.num_batches, self.maximizer.num_steps + 1)
        require(losses.shape == shape, f"a model's losses must have the shape {shape}", shape=losses.shape)
        result = WorstCaseSharpness(losses)
        return {"sharpness": result.value, "sharpness_standard_error": result.standard_error}

    def _means(self, weights: Weights, state: State, indices: np.ndarray) -> list[float]:
        """Returns the loss and, for classification, the error rate over some examples."""
        return self._evaluation(weights, state, indices)


def build_network(config: StudyConfig) -> keras.Model:
    """Returns the network of a study, untrained."""
    return getattr(models, config.system.network)(**config.network_options)


def _loss(config: StudyConfig) -> keras.losses.Loss:
    if config.system.classification:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return keras.losses.MeanSquaredError()
