"""One model of a pool."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import require
from keras_sharpness.typing import State, Weights


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Member:
    """A model of a pool, in training or trained.

    Attributes:
        index: Its place in the pool.
        seed: The seed that its initial weights, shuffles and dropout masks follow from.
        weights: Trainable weights.
        state: Non-trainable variables.
        epoch_losses: Training loss of each epoch; see `Epochs.reduction`.
        optimizer: Variables of the optimizer, while it trains.
        initial: Trainable weights before the first step, where measures need them.
        first_epoch: Weights and state after the first epoch, likewise.
    """

    index: int
    seed: int
    weights: Weights
    state: State
    epoch_losses: tuple[float, ...] = ()
    optimizer: list[Any] = dataclasses.field(default_factory=list)
    initial: Weights | None = None
    first_epoch: tuple[Weights, State] | None = None

    def tensors(self) -> tuple[Weights, State]:
        """Returns weights and state as tensors of the backend."""
        return keras.tree.map_structure(ops.convert_to_tensor, (self.weights, self.state))

    def assign_to(self, model: keras.Model) -> keras.Model:
        """Returns the given model of the pool's architecture, with this member's weights and state.

        Args:
            model: The model.

        Raises:
            InputError: If it is of another architecture.
        """
        self.checked(model)
        for variables, values in (
            (model.trainable_variables, self.weights),
            (model.non_trainable_variables, self.state),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return model

    def checked(self, model: keras.Model) -> "Member":
        """Returns the member, if a model is of its architecture.

        Args:
            model: The model.

        Returns:
            The member.

        Raises:
            InputError: If a weight has another shape there.
        """
        here = [np.shape(w) for w in (*self.weights, *self.state)]
        there = [tuple(v.shape) for v in (*model.trainable_variables, *model.non_trainable_variables)]
        require(here == there, f"model {self.index} must have the weights of {model.name}", saved=here, model=there)
        return self


@contextlib.contextmanager
def unchanged(model: keras.Model) -> Iterator[None]:
    """Gives a model its values back after the block, in which others' may stand in it.

    Args:
        model: The model.

    Yields:
        Nothing.
    """
    before = [(variable, ops.convert_to_numpy(variable.value).copy()) for variable in model.variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def member_seed(seed: int, index: int) -> int:
    """Returns the seed of a member: 32 bits that depend only on the pool's seed and the member's place."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
