"""Trains pools: groups of members, each as one tensor computation, an epoch at a time."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any

import keras
import numpy as np

from keras_sharpness import backend
from keras_sharpness.arrays import tree
from keras_sharpness.distribution import distribute
from keras_sharpness.execution.plan import MOST_MEMBERS, Plan, choose_plan
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.initialization import initialize
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.typing import Array, Data, State, Weights

Step = Callable[[Weights, State, Data, Array], tuple[Weights, State, Array]]


class Trainer:
    """Trains members of a pool, each from its own seed; compiled once for all of them."""

    def __init__(
        self,
        objective: Objective,
        data: LabelledData,
        examples: np.ndarray,
        schedule: Schedule,
        seed: int,
        plan: str | None = None,
        num_models: int = MOST_MEMBERS,
        distribution: Any = None,
    ) -> None:
        """Compiles the training step.

        Args:
            objective: The loss; its model gives the architecture.
            data: Inputs and targets.
            examples: Indices of the training examples.
            schedule: How to train and when to stop.
            seed: Seed of the pool.
            plan: "vectorized" (members train together as one tensor computation) or "sequential"; None: the faster.
            num_models: Members of the pool. How many train together follows from it, not from how many are still
                missing, so that a run that goes on computes exactly what it would have.
            distribution: Where groups of members train; None: in this process.

        Raises:
            InputError: If there is no such plan, or it does not fit the model.
        """
        self._objective, self._data, self._examples, self._seed = objective, data.tensors, examples, seed
        self._schedule, self._plan = schedule, choose_plan(objective.model, plan)
        self._distribution = distribute(distribution)
        # Not the number of replicas, which must not change any number. Processes take the first one's number of cores.
        self._parts = self._distribution.of_chief(np.asarray(backend.workers()))
        self._num_models = num_models
        self._steps = {mode: compile_steps(self._step(mode), self._plan) for mode in (True, False)}

    def slots(self, num_models: int) -> int:
        """Returns how many members of a pool of that size train as one tensor computation on this machine."""
        return self._plan.members(num_models, int(self._parts))

    def train(self, indices: Iterable[int], slots: int | None = None) -> Iterator[Member]:
        """Yields the trained members of these places in the pool, as they finish.

        A member that stops is replaced by the next one. Once `indices` end, the members in training are finished and no
        others begun.

        Args:
            indices: The places.
            slots: How many members train as one tensor computation; None: as many as suit this machine. The last bits
                of a member's numbers depend on it.
        """
        slots = (slots or self.slots(self._num_models)) if self._plan.vectorized else 1
        waiting, most = (self._start(index) for index in indices), self._distribution.at_once * slots
        active = list(islice(waiting, most))
        while active:
            active.sort(key=self._in_training_mode)
            modes = [[*members] for _, members in groupby(active, self._in_training_mode)]
            active = [member for members in modes for member in self._epoch(members, slots)]
            yield from (m for m in active if self._schedule.is_over(m.epoch_losses))
            active = [m for m in active if not self._schedule.is_over(m.epoch_losses)]
            active.extend(islice(waiting, most - len(active)))

    def _step(self, training: bool) -> Step:
        return sgd_step(self._objective, self._schedule.learning_rate, self._schedule.weight_decay, training)

    def _start(self, index: int) -> Member:
        seed = member_seed(self._seed, index)
        rng = np.random.default_rng([seed, 0])
        weights, state = initialize(self._objective.model, rng, self._schedule.initialization)
        return Member(index=index, seed=seed, weights=weights, state=state)

    def _epoch(self, members: list[Member], slots: int) -> Iterator[Member]:
        """Yields the members after another epoch, all of them in the same mode."""
        step, data = self._steps[self._in_training_mode(members[0])], self._distribution.place(self._data)
        groups = [members[k : k + slots] for k in range(0, len(members), slots)]
        carries = [self._together([(m.weights, m.state) for m in group], slots) for group in groups]
        orders = [self._together([self._shuffle(m) for m in group], slots) for group in groups]
        losses, sizes = [], []
        for part in zip(*map(self._schedule.batches, orders), strict=True):
            calls = [(*carry, data, batches) for carry, batches in zip(carries, part, strict=True)]
            results = list(self._distribution.map(step, calls))
            carries = [(weights, state) for weights, state, _ in results]
            losses.append([before for *_, before in results])
            sizes.extend([part[0].shape[-1]] * len(part[0]))
        for group, (weights, state), *parts in zip(groups, carries, *losses, strict=True):
            loss = self._schedule.epoch_loss(np.concatenate(parts).astype(np.float64), sizes)
            for member, (w, s, value) in zip(group, self._apart((weights, state, loss), slots), strict=False):
                yield dataclasses.replace(member, weights=w, state=s, epoch_losses=(*member.epoch_losses, float(value)))

    def _together(self, values: list[Any], slots: int) -> Any:
        """Returns the values of a group's members in the form that the step takes."""
        if not self._plan.vectorized:
            return values[0]
        # Empty slots are filled with copies, so that shapes, and with them the compiled function, stay the same.
        filled = values + [values[-1]] * (slots - len(values))
        return keras.tree.map_structure(lambda *arrays: np.stack(arrays), *filled)

    def _apart(self, values: Any, slots: int) -> list[Any]:
        """Returns the values of each slot of a group: the inverse of `_together`."""
        if not self._plan.vectorized:
            return [values]
        return [keras.tree.map_structure(lambda a, k=k: a[k], values) for k in range(slots)]

    def _shuffle(self, member: Member) -> np.ndarray:
        """Returns the examples in the order of the member's next epoch."""
        rng = np.random.default_rng([member.seed, 1 + len(member.epoch_losses)])
        return rng.permutation(self._examples)

    def _in_training_mode(self, member: Member) -> bool:
        """Returns whether layers run in training mode in the member's next epoch."""
        return self._schedule.in_training_mode(len(member.epoch_losses))


def sgd_step(objective: Objective, learning_rate: float, weight_decay: float = 0.0, training: bool = True) -> Step:
    """Returns the training step w <- w - learning_rate * (gradient of L_S(w) + weight_decay * w).

    Args:
        objective: The loss.
        learning_rate: Learning rate.
        weight_decay: Factor of the weights in the step.
        training: Whether layers run in training mode.

    Returns:
        A function of (weights, state, data, indices) that returns new weights, new state and the loss before the step.
    """
    loss_and_gradient = backend.value_and_grad(objective.loss_and_state, has_aux=True)

    def step(weights: Weights, state: State, data: Data, indices: Array) -> tuple[Weights, State, Array]:
        (loss, state), gradient = loss_and_gradient(weights, state, data, indices, training)
        if weight_decay:
            gradient = tree.add_scaled(gradient, weight_decay, weights)
        return tree.add_scaled(weights, -learning_rate, gradient), state, loss

    return step


def compile_steps(step: Callable[..., tuple[Any, ...]], plan: Plan) -> Callable[..., tuple[Any, ...]]:
    """Compiles a run of steps, one for each batch in turn.

    Args:
        step: Function of (weights, state, data, indices, *more) to new weights, new state and a loss.
        plan: If vectorized, weights, state and batches have a member axis: first of all, and second in the batches.

    Returns:
        A function of (weights, state, data, batches, *more) that returns new weights, new state and the losses of the
        steps, shape (num_batches, [members]).
    """
    if plan.vectorized:
        step = backend.vectorize(step, in_axes=(0, 0, None, 0))
    if not plan.loops_compiled:
        step = backend.compile(step)

    def steps(weights: Weights, state: State, data: Data, batches: Array, *more: Any) -> tuple[Any, ...]:
        def advance(carry: tuple[Weights, State], indices: Array) -> tuple[tuple[Weights, State], Array]:
            weights, state, loss = step(*carry, data, indices, *more)
            return (weights, state), loss

        (weights, state), losses = plan.scan(advance, (weights, state), batches)
        return weights, state, losses

    if not plan.loops_compiled:
        return steps
    # The last batch of an epoch is smaller than the others, and alone. Without known lengths, convolutions take others
    # of TensorFlow's ways, with other rounding.
    return backend.compile(steps, {3: (0, 2)} if plan.vectorized else None)
