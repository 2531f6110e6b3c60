"""One model of a pool."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_sharpness.typing import State, Weights


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Member:
    """A model of a pool, in training or trained.

    Attributes:
        index: Its place in the pool.
        seed: The seed that its initial weights, shuffles and dropout masks follow from.
        weights: Trainable weights.
        state: Non-trainable variables.
        epoch_losses: Mean training loss of each epoch, as met while training.
    """

    index: int
    seed: int
    weights: Weights
    state: State
    epoch_losses: tuple[float, ...] = ()

    def tensors(self) -> tuple[Weights, State]:
        """Returns weights and state as tensors of the backend."""
        return keras.tree.map_structure(ops.convert_to_tensor, (self.weights, self.state))

    def assign_to(self, model: keras.Model) -> keras.Model:
        """Returns the given model of the pool's architecture, with this member's weights and state."""
        for variables, values in (
            (model.trainable_variables, self.weights),
            (model.non_trainable_variables, self.state),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return model


def member_seed(seed: int, index: int) -> int:
    """Returns the seed of a member: 32 bits that depend on the pool's seed and the member's place alone."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
