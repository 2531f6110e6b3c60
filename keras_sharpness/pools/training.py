"""Trains pools: many members at once as one tensor computation, or one after another in threads."""

import dataclasses
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops

from keras_sharpness import backend, tree
from keras_sharpness.objective import Objective
from keras_sharpness.plan import Plan, choose_plan
from keras_sharpness.pools.initialization import initialize
from keras_sharpness.pools.member import Member, member_seed
from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.typing import Array, Data, State, Weights

# Members in training at once: enough to fill the vector units, few enough to stay in the caches.
SLOTS = 25

T = TypeVar("T")
U = TypeVar("U")
Step = Callable[[Weights, State, Data, Array], tuple[Weights, State, Array]]


class Trainer:
    """Trains members of a pool, each from its own seed; compiled once for all of them."""

    def __init__(
        self,
        objective: Objective,
        examples: np.ndarray,
        schedule: Schedule,
        seed: int,
        plan: str | None = None,
        num_models: int = SLOTS,
    ) -> None:
        """Compiles the training step.

        Args:
            objective: The loss; its model gives the architecture.
            examples: Indices of the training examples.
            schedule: How to train and when to stop.
            seed: Seed of the pool.
            plan: "vectorized" (members train together as one tensor computation) or "sequential"; None: the faster.
            num_models: Members of the pool. How many train at once follows from it alone, not from how many are still
                missing, so that a run that goes on computes exactly what it would have.

        Raises:
            InputError: If there is no such plan, or it does not fit the model.
        """
        self._objective, self._examples, self._schedule, self._seed = objective, examples, schedule, seed
        self._plan = choose_plan(objective, plan)
        self._slots = max(1, min(SLOTS, self._plan.most_copies, math.ceil(num_models / backend.workers())))
        self._steps = {mode: compile_steps(self._step(mode), self._plan) for mode in (True, False)}

    def train(self, indices: Iterable[int]) -> Iterator[Member]:
        """Returns an iterator over the trained members of these places in the pool, as they finish.

        Once `indices` end, those in training are finished and no others begun.
        """
        members = (self._start(index) for index in indices)
        return self._together(members) if self._plan.vectorized else map_in_threads(self._alone, members)

    def _step(self, training: bool) -> Step:
        return sgd_step(self._objective, self._schedule.learning_rate, self._schedule.weight_decay, training)

    def _start(self, index: int) -> Member:
        seed = member_seed(self._seed, index)
        rng = np.random.default_rng([seed, 0])
        weights, state = initialize(self._objective.model, rng, self._schedule.initialization)
        return Member(index=index, seed=seed, weights=weights, state=state)

    def _alone(self, member: Member) -> Member:
        while not self._schedule.is_over(member.epoch_losses):
            outputs = self._epoch(*member.tensors(), self._shuffle(member), self._in_training_mode(member))
            member = _advance(member, *outputs)
        weights, state = _map(ops.convert_to_numpy, (member.weights, member.state))
        return dataclasses.replace(member, weights=weights, state=state)

    def _together(self, waiting: Iterator[Member]) -> Iterator[Member]:
        """Yields members as they finish. Whoever stops makes room for the next in line."""
        workers, slots = backend.workers(), self._slots
        active = list(islice(waiting, workers * slots))
        while active:
            active.sort(key=self._in_training_mode)
            modes = [[*members] for _, members in groupby(active, self._in_training_mode)]
            groups = [members[k : k + slots] for members in modes for k in range(0, len(members), slots)]
            advanced = list(map_in_threads(lambda group: self._group_epoch(group, slots), groups))
            active = [member for group in advanced for member in group]
            yield from (m for m in active if self._schedule.is_over(m.epoch_losses))
            active = [m for m in active if not self._schedule.is_over(m.epoch_losses)]
            active.extend(islice(waiting, workers * slots - len(active)))

    def _group_epoch(self, group: list[Member], slots: int) -> list[Member]:
        """Returns the members after another epoch, trained at once."""
        # Empty slots are filled with copies, so that shapes, and with them the compiled function, stay the same.
        filled = group + [group[-1]] * (slots - len(group))
        weights, state = _map(ops.convert_to_tensor, _stack([(m.weights, m.state) for m in filled]))
        orders = np.stack([self._shuffle(m) for m in filled])
        outputs = self._epoch(weights, state, orders, self._in_training_mode(group[0]))
        outputs = _map(ops.convert_to_numpy, outputs)
        return [_advance(m, *_map(lambda a, k=k: a[k], outputs)) for k, m in enumerate(group)]

    def _shuffle(self, member: Member) -> np.ndarray:
        """Returns the examples in the order of the member's next epoch."""
        rng = np.random.default_rng([member.seed, 1 + len(member.epoch_losses)])
        return rng.permutation(self._examples)

    def _in_training_mode(self, member: Member) -> bool:
        """Returns whether layers run in training mode in the member's next epoch."""
        return self._schedule.in_training_mode(len(member.epoch_losses))

    def _epoch(
        self, weights: Weights, state: State, order: np.ndarray, training: bool
    ) -> tuple[Weights, State, np.ndarray]:
        """Returns new weights and state, and the epoch's loss."""
        losses, sizes = [], []
        for batches in self._schedule.batches(order):
            part = ops.convert_to_tensor(batches)
            weights, state, met = self._steps[training](weights, state, self._objective.data, part)
            losses.extend(ops.convert_to_numpy(met).astype(np.float64))
            sizes.extend([batches.shape[-1]] * len(batches))
        return weights, state, self._schedule.epoch_loss(np.stack(losses), sizes)


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


def compile_steps(step: Callable[..., tuple], plan: Plan) -> Callable[..., tuple]:
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

    def steps(weights: Weights, state: State, data: Data, batches: Array, *more: Any) -> tuple:
        def advance(carry: tuple[Weights, State], indices: Array) -> tuple[tuple[Weights, State], Array]:
            weights, state, loss = step(*carry, data, indices, *more)
            return (weights, state), loss

        (weights, state), losses = plan.scan(advance, (weights, state), batches)
        return weights, state, losses

    return backend.compile(steps) if plan.loops_compiled else steps


def map_in_threads(fn: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """Yields `fn` of each item, in order, computed on as many threads as keep the cores busy."""
    threads = backend.workers()
    pool = ThreadPoolExecutor(threads)
    running: deque[Future[U]] = deque()
    try:
        for item in items:
            running.append(pool.submit(fn, item))
            # No more items are taken than the threads need, so that memory does not grow with their number.
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _advance(member: Member, weights: Weights, state: State, loss: Any) -> Member:
    losses = (*member.epoch_losses, float(loss))
    return dataclasses.replace(member, weights=weights, state=state, epoch_losses=losses)


def _stack(values: list) -> Any:
    return keras.tree.map_structure(lambda *arrays: np.stack(arrays), *values)


def _map(fn: Callable, structure: Any) -> Any:
    return keras.tree.map_structure(fn, structure)
