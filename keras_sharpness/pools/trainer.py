"""Trains pools: groups of members, each as one tensor computation, an epoch at a time."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import keras
import numpy as np

from keras_sharpness import backend
from keras_sharpness.distribution import distribute
from keras_sharpness.execution.plan import EVALUATION_BATCH, MOST_MEMBERS, Plan, choose_plan
from keras_sharpness.objective.labelled_data import LabelledData
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.initialization import Origin, initialize
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.minibatches import split_batches
from keras_sharpness.pools.schedule import Epochs, Schedule
from keras_sharpness.pools.update_rules import PlainSGD, UpdateRule
from keras_sharpness.typing import Array, Data, State, Weights

Carry = Any
"""What a run of steps hands on from step to step, a structure of tensors."""
Step = Callable[..., tuple[Carry, Array]]
"""From (carry, data, indices, *more) to the new carry and the loss before the step."""


class CompiledTraining:
    """What trains models of one architecture by one rule. It is compiled once, for batches of any size.

    Attributes:
        plan: How members are computed.
        steps: A run of steps in training mode (True) and in inference mode; see `compile_steps`.
        losses: Losses of batches at given weights; see `compile_losses`.
    """

    def __init__(self, objective: Objective, rule: UpdateRule, plan: str | None = None) -> None:
        """Compiles the steps when they are first called.

        Args:
            objective: The loss; its model gives the architecture.
            rule: What a step does with the gradient.
            plan: "vectorized" (members train together as one tensor computation) or "sequential"; None: the faster.

        Raises:
            InputError: If there is no such plan, or it does not fit the model.
        """
        self.plan = choose_plan(objective.model, plan)
        self.steps = {mode: compile_steps(training_step(objective, rule, mode), self.plan) for mode in (True, False)}
        self.losses = compile_losses(objective, self.plan)


class Trainer:
    """Trains members of a pool that share a compiled step."""

    def __init__(
        self,
        training: CompiledTraining,
        data: LabelledData,
        examples: np.ndarray,
        epochs: Epochs,
        start: Callable[[int], Member],
        num_models: int = MOST_MEMBERS,
        distribution: Any = None,
    ) -> None:
        """Looks at nothing yet.

        Args:
            training: The compiled steps.
            data: Inputs and targets.
            examples: Indices of the training examples.
            epochs: How members go through the examples, and when they stop.
            start: From a place in the pool to the member before its first step.
            num_models: Members of the pool. How many train together follows from it, not from how many are still
                missing, so that a run that goes on computes exactly what it would have.
            distribution: Where groups of members train; None: in this process.
        """
        self._training, self._plan = training, training.plan
        self._data, self._examples, self._epochs, self._start = data.tensors, examples, epochs, start
        self._distribution = distribute(distribution)
        # Not the number of replicas, which must not change any number. Processes take the first one's number of cores.
        self._parts = self._distribution.of_chief(np.asarray(backend.workers()))
        self._num_models = num_models

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
            yield from (m for m in active if self._epochs.is_over(m.epoch_losses))
            active = [m for m in active if not self._epochs.is_over(m.epoch_losses)]
            active.extend(islice(waiting, most - len(active)))

    def _epoch(self, members: list[Member], slots: int) -> Iterator[Member]:
        """Yields the members after another epoch, all of them in the same mode."""
        step, data = self._training.steps[self._in_training_mode(members[0])], self._distribution.place(self._data)
        groups = [members[k : k + slots] for k in range(0, len(members), slots)]
        carries = [self._together([(m.weights, m.state, m.optimizer) for m in group], slots) for group in groups]
        orders = [self._together([self._shuffle(m) for m in group], slots) for group in groups]
        losses, sizes = [], []
        for part in zip(*map(self._epochs.batches, orders), strict=True):
            calls = [(carry, data, batches) for carry, batches in zip(carries, part, strict=True)]
            results = list(self._distribution.map(step, calls))
            carries = [carry for carry, _ in results]
            losses.append([before for _, before in results])
            sizes.extend([part[0].shape[-1]] * len(part[0]))
        if self._epochs.reduction == "evaluated":
            losses, sizes = self._evaluate(carries, data)
        for group, carry, *parts in zip(groups, carries, *losses, strict=True):
            loss = self._epochs.epoch_loss(np.concatenate(parts).astype(np.float64), sizes)
            for member, after in zip(group, self._apart((carry, loss), slots), strict=False):
                yield _after_epoch(member, *after)

    def _evaluate(self, carries: Sequence[Carry], data: Data) -> tuple[list[Any], list[int]]:
        """Returns the losses of all training examples, in a few batches of each group, and the sizes of the batches."""
        losses, sizes = [], []
        for batches in split_batches(self._examples, EVALUATION_BATCH):
            calls = [(weights, state, data, batches) for weights, state, _ in carries]
            losses.append(list(self._distribution.map(self._training.losses, calls)))
            sizes.extend([batches.shape[-1]] * len(batches))
        return losses, sizes

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
        return self._epochs.in_training_mode(len(member.epoch_losses))


def training_step(objective: Objective, rule: UpdateRule, training: bool = True) -> Step:
    """Returns the step that takes the gradient of a batch's loss and lets a rule make new weights of it.

    Args:
        objective: The loss.
        rule: The rule.
        training: Whether layers run in training mode.

    Returns:
        A function of ((weights, state, optimizer's variables), data, indices) to such a carry and the loss before.
    """
    loss_and_gradient = backend.value_and_grad(objective.loss_and_state, has_aux=True)

    def step(carry: Carry, data: Data, indices: Array) -> tuple[Carry, Array]:
        weights, state, optimizer = carry
        (loss, state), gradient = loss_and_gradient(weights, state, data, indices, training)
        weights, optimizer = rule.update(gradient, weights, optimizer)
        return (weights, state, optimizer), loss

    return step


def compile_steps(step: Step, plan: Plan) -> Callable[..., tuple[Carry, Array]]:
    """Compiles a run of steps, one for each batch in turn.

    Args:
        step: The step.
        plan: If vectorized, carry and batches have a member axis: first of all, and second in the batches.

    Returns:
        A function of (carry, data, batches, *more) that returns the last carry and the losses of the steps, shape
        (num_batches, [members]).
    """
    if plan.vectorized:
        step = backend.vectorize(step, in_axes=(0, None, 0))
    if not plan.loops_compiled:
        step = backend.compile(step)

    def steps(carry: Carry, data: Data, batches: Array, *more: Any) -> tuple[Carry, Array]:
        return plan.scan(lambda carry, indices: step(carry, data, indices, *more), carry, batches, outputs="float32")

    if not plan.loops_compiled:
        return steps
    # The last batch of an epoch is smaller than the others, and alone. Without known lengths, convolutions take others
    # of TensorFlow's ways, with other rounding.
    return backend.compile(steps, {2: (0, 2)} if plan.vectorized else None)


def compile_losses(objective: Objective, plan: Plan) -> Callable[..., Array]:
    """Compiles the losses of batches at given weights, in inference mode.

    Args:
        objective: The loss.
        plan: If vectorized, weights and state have a member axis; the batches have none.

    Returns:
        A function of (weights, state, data, batches) that returns shape (num_batches, [members]).
    """

    def loss(weights: Weights, state: State, data: Data, indices: Array) -> Array:
        return objective.loss(weights, state, data, indices, training=False)

    one = backend.vectorize(loss, in_axes=(0, 0, None, None)) if plan.vectorized else loss
    if not plan.loops_compiled:
        one = backend.compile(one)

    def losses(weights: Weights, state: State, data: Data, batches: Array) -> Array:
        return plan.scan(
            lambda none, indices: (none, one(weights, state, data, indices)), (), batches, outputs="float32"
        )[1]

    return backend.compile(losses) if plan.loops_compiled else losses


def sgd_trainer(
    objective: Objective,
    data: LabelledData,
    examples: np.ndarray,
    schedule: Schedule,
    seed: int,
    plan: str | None = None,
    **options: Any,
) -> Trainer:
    """Returns the trainer of a pool by plain SGD from weights that are drawn.

    Args:
        objective: The loss.
        data: Inputs and targets.
        examples: Indices of the training examples.
        schedule: How to train and when to stop.
        seed: Seed of the pool.
        plan: As of `CompiledTraining`.
        **options: Further arguments of `Trainer`.
    """
    # A caller may put a member into the model while others are still to start.
    origin = Origin(objective.model)

    def start(index: int) -> Member:
        of_member = member_seed(seed, index)
        weights, state = initialize(origin, np.random.default_rng([of_member, 0]), schedule.initialization)
        return Member(index=index, seed=of_member, weights=weights, state=state)

    training = CompiledTraining(objective, PlainSGD(schedule.learning_rate, schedule.weight_decay), plan)
    return Trainer(training, data, examples, schedule, start, **options)


def _after_epoch(member: Member, carry: Carry, loss: float) -> Member:
    weights, state, optimizer = carry
    new = {"weights": weights, "state": state, "optimizer": optimizer}
    if member.initial is not None and not member.epoch_losses:
        new["first_epoch"] = (weights, state)
    return dataclasses.replace(member, **new, epoch_losses=(*member.epoch_losses, float(loss)))
