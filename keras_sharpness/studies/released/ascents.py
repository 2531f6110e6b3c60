"""Climbs as the released code does, by a recipe."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from keras import ops

from keras_sharpness import backend
from keras_sharpness.distribution import map_in_threads
from keras_sharpness.errors import require
from keras_sharpness.execution.plan import choose_plan
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.trainer import Carry, compile_steps, training_step
from keras_sharpness.pools.update_rules import PlainSGD
from keras_sharpness.studies.config import StudyConfig
from keras_sharpness.studies.measurement import Arrays, mean_rise
from keras_sharpness.studies.networks import build_objective, without_dropout
from keras_sharpness.studies.released.recipes import RECIPES
from keras_sharpness.typing import Array, Data, State, Weights

# Keeps the random numbers of an ascent apart from those of training, which are numbered by epoch.
ASCENT_STREAM = 2**31

Examples = Callable[[], np.ndarray]
"""Draws the examples of an ascent the first time that it is called."""


class ReleasedAscents:
    """The measurement of the released code; see `Measurement`.

    Attributes:
        recipe: How to climb and what counts.
    """

    def __init__(
        self,
        config: StudyConfig,
        objective: Objective,
        data: LabelledData,
        train: np.ndarray,
        training_loss: Callable[[Weights, State], float],
    ) -> None:
        """Compiles the steps.

        Args:
            config: The study.
            objective: The loss that is climbed.
            data: Inputs and targets.
            train: Indices of the training examples in them.
            training_loss: From weights and state to the loss of the training set, in inference mode.
        """
        self.recipe = RECIPES[config.model](config)
        if not self.recipe.dropout:
            objective = build_objective(config, without_dropout(objective.model), objective.on_graph)
        self._config, self._objective, self._data, self._train = config, objective, data.tensors, train
        self._training_loss, self._plan = training_loss, choose_plan(objective.model, "sequential")
        self._steps, self._free_step = self._compile_steps(clip=True), self._compile_steps(clip=False)
        self._losses = self._compile_losses()

    def paths(self, members: Iterable[Member]) -> Iterator[Arrays]:
        """Returns an iterator of the `losses` of each member; see `climb`. They run whole in every process."""
        return map_in_threads(lambda member: {"losses": self.climb(member)}, members)

    def starts(self, members: Iterable[Member]) -> Iterator[np.ndarray]:
        """Returns an iterator of column 0 of `paths`, for recipes that read the training set."""

        def start(member: Member) -> np.ndarray:
            losses = np.full(self.recipe.shape[0], math.nan)
            losses[: self.recipe.ascents] = self._training_loss(*member.tensors())
            return losses

        return map_in_threads(start, members)

    def prepare(self, weights: Weights, state: State) -> None:
        """Does nothing: these ascents have no small part."""

    def sharpness(self, losses: np.ndarray) -> dict[str, float]:
        """Returns the mean rise over the ascents, which can be negative, and its standard error.

        Where all ascents share one loss at the trained weights, the standard error leaves out the noise of that loss:
        a single reading does not show it.

        Args:
            losses: What `climb` returned.
        """
        shape = self.recipe.shape
        require(losses.shape == shape, f"a model's losses must have shape {shape}", shape=losses.shape)
        return mean_rise(self.recipe.rises(losses))

    def climb(self, member: Member) -> np.ndarray:
        """Climbs from a member's weights.

        Args:
            member: A trained member.

        Returns:
            Losses at the trained weights and after each epoch, shape (ascents, epochs + 1). With `largest_sum`, a
            second block of that shape holds the epochs' sums of losses.
        """
        rng = np.random.default_rng([member.seed, ASCENT_STREAM])
        (weights, state), start, paths = member.tensors(), None, []
        for number in range(self.recipe.ascents):
            # Drawn when first used: the released code reads a loss before it draws nodes, and dropout's masks and the
            # order of the batches depend on how much has been drawn.
            examples = functools.cache(functools.partial(self.recipe.examples, rng, self._train, number))
            if start is None or not self.recipe.reads_start_once:
                start, state = self._read(weights, state, rng, examples)
            path, state = self._ascend(weights, state, rng, examples)
            paths.append([(start, math.nan), *path])
        losses, sums = np.moveaxis(np.array(paths), -1, 0)
        return np.concatenate([losses, sums]) if self.recipe.largest_sum else losses

    def _ascend(
        self, weights: Weights, state: State, rng: np.random.Generator, examples: Examples
    ) -> tuple[list[tuple[float, float]], State]:
        """Returns the loss and the sum of step losses of each epoch, and the state after the last."""
        reference, path = weights, []
        for epoch in range(self.recipe.epochs):
            parts, before = self.recipe.batches(rng, examples()), []
            if epoch == 0 and self.recipe.free_first_step:
                # The reference was to be a copy but is an alias, which the first step edits in place.
                weights, state, _ = self._free_step(weights, state, parts[0][:1], reference)
                reference, parts[0] = weights, parts[0][1:]
            for batches in parts:
                weights, state, losses = self._steps(weights, state, batches, reference)
                before.append(losses)
            loss, state = self._read(weights, state, rng, examples)
            path.append((loss, self._sum_after_steps(before, loss)))
        return path, state

    def _sum_after_steps(self, before: list[Array], last: float) -> float:
        """Returns the sum of the losses after each step: those before the next ones, and the last."""
        if not self.recipe.largest_sum:
            return math.nan
        losses = np.concatenate([ops.convert_to_numpy(part) for part in before]).astype(np.float64)
        return float(losses[1:].sum()) + last

    def _read(
        self, weights: Weights, state: State, rng: np.random.Generator, examples: Examples
    ) -> tuple[float, State]:
        """Returns the loss of a point, and the state after the reading."""
        if self.recipe.reading is None:
            return self._training_loss(weights, state), state
        total, source = 0.0, examples() if self.recipe.reads_own_examples else self._train
        for batches in self.recipe.reading(rng, source):
            state, losses = self._losses(weights, state, self._data, ops.convert_to_tensor(batches))
            total += float(ops.convert_to_numpy(losses).astype(np.float64).sum())
        return total, state

    def _compile_steps(self, clip: bool) -> Callable[..., Any]:
        """Returns a function of (weights, state, batches, reference): weights, state, losses before the steps."""
        recipe, rho = self.recipe, self._config.rho
        climb = training_step(self._objective, PlainSGD(-self._config.step_size), recipe.training)

        def step(carry: Carry, data: Data, indices: Array, reference: Weights) -> tuple[Carry, Array]:
            (weights, *others), loss = climb(carry, data, indices)
            weights = project(weights, reference, rho, recipe.absolute_value) if clip else weights
            return (weights, *others), loss

        steps = compile_steps(step, self._plan)

        def run(weights: Weights, state: State, batches: np.ndarray, reference: Weights) -> tuple:
            carry: Carry = (weights, state, [])
            (weights, state, _), losses = steps(carry, self._data, ops.convert_to_tensor(batches), reference)
            return weights, state, losses

        return run

    def _compile_losses(self) -> Callable[..., tuple[State, Array]]:
        """Returns a function of (weights, state, data, batches): the state, and the loss of each batch."""

        def losses(weights: Weights, state: State, data: Data, batches: Array) -> tuple[State, Array]:
            def one(state: State, indices: Array) -> tuple[State, Array]:
                loss, state = self._objective.loss_and_state(weights, state, data, indices, self.recipe.training)
                return state, loss

            return self._plan.scan(one, state, batches)

        return backend.compile(losses)


def project(weights: Weights, reference: Weights, rho: float, absolute_value: bool = True) -> Weights:
    """Clips weights to w0 +- rho |w0|, or to w0 +- rho w0, whose bounds cross where w0 is negative.

    Args:
        weights: The weights.
        reference: The centre w0 of the ball.
        rho: Its radius.
        absolute_value: Which of the two.

    Returns:
        The clipped weights.
    """
    radii = [rho * (ops.abs(w0) if absolute_value else w0) for w0 in reference]
    # Where the bounds cross, the upper one wins, as in PyTorch's clamp.
    return [ops.minimum(ops.maximum(w, w0 - r), w0 + r) for w, w0, r in zip(weights, reference, radii, strict=True)]
