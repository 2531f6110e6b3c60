"""The released code's three ascents, and what each calls sharpness."""

import copy
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.execution.plan import choose_plan
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.minibatches import split_batches
from keras_sharpness.pools.training import compile_steps, sgd_step
from keras_sharpness.studies.released.particulars import ReleasedConfig
from keras_sharpness.typing import Array, Data, State, Weights

# Tells the draws of an ascent from those of training, which are numbered by epoch.
ASCENT_STREAM = 2**31
EPOCHS = {"lenet": 5, "fcnn": 6, "gat": 5}
TRIALS = 5  # of gat

Evaluate = Callable[[Weights, State], float]


class Ascent:
    """What all three share.

    Attributes:
        config: The study.
        objective: The loss that is climbed.
        train: Indices of the training examples.
        evaluate: Loss over the training set, in inference mode.
    """

    def __init__(
        self, config: ReleasedConfig, objective: Objective, data: LabelledData, train: np.ndarray, evaluate: Evaluate
    ) -> None:
        """Takes what a study has built.

        Args:
            config: The study.
            objective: The loss that is climbed.
            data: Inputs and targets.
            train: Indices of the training examples.
            evaluate: Loss over the training set, in inference mode.
        """
        self.config, self.objective, self.data = config, objective, data.tensors
        self.train, self.evaluate = train, evaluate
        self.epochs = EPOCHS[config.model]
        self._plan = choose_plan(objective.model, "sequential")

    def rng(self, member: Member) -> np.random.Generator:
        """Returns the source of a member's draws."""
        return np.random.default_rng([member.seed, ASCENT_STREAM])

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns the highest loss on the way minus the trained network's, mean over trials; it can be negative."""
        return _sharpness(losses[:, 1:].max(axis=1) - losses[:, 0])

    def compile(self, training: bool, *, absolute_value: bool = True, clip: bool = True) -> Callable[..., Any]:
        """Compiles a run of steps w <- P(w + step_size * gradient).

        Args:
            training: Whether layers run in training mode.
            absolute_value: Whether the box around the reference is rho |w0| wide, not rho w0.
            clip: Whether there is a projection at all.

        Returns:
            A function of (weights, state, batches, reference) that returns weights, state and the losses before each
            step.
        """
        climb = sgd_step(self.objective, -self.config.step_size, training=training)

        def step(weights: Weights, state: State, data: Data, indices: Array, reference: Weights) -> tuple:
            weights, state, loss = climb(weights, state, data, indices)
            return _project(weights, reference, self.config.rho, absolute_value) if clip else weights, state, loss

        steps = compile_steps(step, self._plan)

        def run(weights: Weights, state: State, batches: np.ndarray, reference: Weights) -> tuple:
            return steps(weights, state, self.data, ops.convert_to_tensor(batches), reference)

        return run


class LeNetAscent(Ascent):
    """Five epochs up the losses of all training batches; the highest loss of the training set counts."""

    def __init__(
        self, config: ReleasedConfig, objective: Objective, data: LabelledData, train: np.ndarray, evaluate: Evaluate
    ) -> None:
        """Compiles the steps; see `Ascent`."""
        objective = without_dropout(objective) if config.follows_paper("dropout") else objective
        super().__init__(config, objective, data, train, evaluate)
        # Deviation: the network climbs in training mode.
        training = not config.follows_paper("batch_statistics")
        self._steps, self._free_step = self.compile(training), self.compile(training, clip=False)

    def __call__(self, member: Member) -> np.ndarray:
        """Returns the losses of the training set before and after each epoch, shape (1, 6)."""
        rng = self.rng(member)
        weights, state = member.tensors()
        reference, losses = weights, [self.evaluate(weights, state)]
        for epoch in range(self.epochs):
            parts = split_batches(rng.permutation(self.train), self.config.schedule.batch_size)
            if epoch == 0 and not self.config.follows_paper("reference"):
                # Deviation: the reference is an alias of the weights, which the first step edits in place.
                weights, state, _ = self._free_step(weights, state, parts[0][:1], reference)
                reference, parts[0] = weights, parts[0][1:]
            for batches in parts:
                weights, state, _ = self._steps(weights, state, batches, reference)
            losses.append(self.evaluate(weights, state))
        return np.array([losses])


class FCNNAscent(Ascent):
    """Six epochs of steps up the loss of the training set; the epoch of the largest sum of losses counts."""

    def __init__(
        self, config: ReleasedConfig, objective: Objective, data: LabelledData, train: np.ndarray, evaluate: Evaluate
    ) -> None:
        """Compiles the steps; see `Ascent`."""
        super().__init__(config, objective, data, train, evaluate)
        # Deviation: the bounds are w0 -+ rho w0, without the absolute value, and cross where w0 < 0.
        self._steps = self.compile(training=True, absolute_value=config.follows_paper("absolute_value"))

    def __call__(self, member: Member) -> np.ndarray:
        """Returns losses of the training set before and after each epoch, and sums of step losses, shape (2, 7)."""
        weights, state = reference, _ = member.tensors()
        losses, sums = [self.evaluate(weights, state)], [math.nan]
        batches = np.stack([self.train] * math.ceil(len(self.train) / self.config.schedule.batch_size))
        for _ in range(self.epochs):
            weights, state, met = self._steps(weights, state, batches.astype(np.int32), reference)
            losses.append(self.evaluate(weights, state))
            sums.append(float(ops.convert_to_numpy(met).astype(np.float64).sum()))
        return np.array([losses, sums])

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns the loss at the end of the epoch of the largest sum, minus the trained network's."""
        (start, *ends), (_, *sums) = losses
        return _sharpness(np.array([ends[int(np.argmax(sums))] - start]))


class GATAscent(Ascent):
    """Trials of five steps on a set of drawn nodes; the highest sum of the training batches' losses counts."""

    def __init__(
        self, config: ReleasedConfig, objective: Objective, data: LabelledData, train: np.ndarray, evaluate: Evaluate
    ) -> None:
        """Compiles the steps and the sums; see `Ascent`."""
        super().__init__(config, objective, data, train, evaluate)
        # Deviation: dropout is on, in the steps and in the losses that are compared.
        self._training = not config.follows_paper("dropout")
        self._steps, self._losses = self.compile(self._training), self._compile_losses()

    def __call__(self, member: Member) -> np.ndarray:
        """Returns sums of the batches' losses, at the trained weights and after each step, shape (trials, 6)."""
        rng = self.rng(member)
        reference, state = member.tensors()
        start, state = self._sum(reference, state, rng)
        trials = []
        for _ in range(TRIALS):
            # Drawn with replacement but used as a set: repeats count once.
            nodes = np.unique(rng.choice(self.train, self.config.schedule.batch_size))[None].astype(np.int32)
            weights, sums = reference, [start]
            for _ in range(self.epochs):
                weights, state, _ = self._steps(weights, state, nodes, reference)
                loss, state = self._sum(weights, state, rng)
                sums.append(loss)
            trials.append(sums)
        return np.array(trials)

    def _sum(self, weights: Weights, state: State, rng: np.random.Generator) -> tuple[float, State]:
        """Returns the sum of the losses of an epoch's batches, and the state after them."""
        total = 0.0
        for batches in split_batches(rng.permutation(self.train), self.config.schedule.batch_size):
            state, losses = self._losses(weights, state, self.data, ops.convert_to_tensor(batches))
            total += float(ops.convert_to_numpy(losses).astype(np.float64).sum())
        return total, state

    def _compile_losses(self) -> Callable[..., tuple[State, Array]]:
        def losses(weights: Weights, state: State, data: Data, batches: Array) -> tuple[State, Array]:
            def one(state: State, indices: Array) -> tuple[State, Array]:
                loss, state = self.objective.loss_and_state(weights, state, data, indices, self._training)
                return state, loss

            return self._plan.scan(one, state, batches)

        return backend.compile(losses)


ASCENTS: dict[str, type[LeNetAscent | FCNNAscent | GATAscent]] = {
    "lenet": LeNetAscent,
    "fcnn": FCNNAscent,
    "gat": GATAscent,
}


def without_dropout(objective: Objective) -> Objective:
    """Returns the objective of the same network with dropout off in training mode too; its state stays the same.

    Args:
        objective: The objective of a network.
    """
    quiet = copy.copy(objective)
    quiet.model = keras.models.clone_model(objective.model)
    for layer in quiet.model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return quiet


def _project(weights: Weights, reference: Weights, rho: float, absolute_value: bool) -> Weights:
    radii = [rho * (ops.abs(w0) if absolute_value else w0) for w0 in reference]
    # Where the bounds cross, the upper one wins, as in PyTorch's clamp.
    return [ops.minimum(ops.maximum(w, w0 - r), w0 + r) for w, w0, r in zip(weights, reference, radii, strict=True)]


def _sharpness(rises: np.ndarray) -> dict[str, float]:
    error = rises.std(ddof=1) / math.sqrt(len(rises)) if len(rises) > 1 else math.nan
    return {"sharpness": float(rises.mean()), "sharpness_standard_error": float(error)}
