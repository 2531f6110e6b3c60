"""Decides how much runs at once. That changes how long the work takes, but no number beyond rounding."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras

from keras_sharpness import backend
from keras_sharpness.backend.internals import CONVOLUTIONS, flatten_layers
from keras_sharpness.errors import require
from keras_sharpness.objective.layers import is_vectorizable

PLANS = ("vectorized", "sequential")
# Up to here, copies at once were no slower on a CPU: dense networks of 0.1 to 1.9 million parameters, 8 batches of 64.
# PyTorch was 3.5 to 1.3 times as fast, TensorFlow 1.8 to 1.1, JAX the same. Larger ones were not tried.
MOST_PARAMETERS = 2_000_000
# Numbers in the weights of all copies at once: what the caches of a core hold.
MOST_NUMBERS = 2**20
MOST_COPIES = 64
# Numbers in the activations of a block, about: what bounds the memory where batches are large.
MOST_ACTIVATIONS = 2**24
# Members of a pool in training at once: enough to fill the vector units, few enough to stay in the caches.
MOST_MEMBERS = 25
# Examples in one forward pass that takes no gradient: bounds the activations of a convolutional network.
EVALUATION_BATCH = 1000
# Examples in one forward pass of an ascent on the whole training set.
ASCENT_BATCH = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """How copies of a network (members of a pool, perturbations of one model) are computed.

    Attributes:
        most_copies: Copies that run at once as one tensor computation; 1: one after another.
        loops_compiled: Whether loops are part of compiled functions. Otherwise they are Python's, around a compiled
            step.
        width: Numbers that the layers make from one example, about.
    """

    most_copies: int
    loops_compiled: bool = True
    width: int = 1

    @property
    def vectorized(self) -> bool:
        """Whether several copies run at once."""
        return self.most_copies > 1

    @property
    def scan(self) -> Callable[..., Any]:
        """How loops run."""
        return backend.scan if self.loops_compiled else backend.unrolled

    def block_size(self, num_cells: int, m: int | None = None) -> int:
        """Returns how many cells run at once: blocks of equal size, so that one compiled function serves all.

        Args:
            num_cells: Cells of the grid.
            m: Examples in one forward pass of a cell; None: the activations need no bound.
        """
        bound = self.most_copies if m is None else max(1, MOST_ACTIVATIONS // (m * self.width))
        return math.ceil(num_cells / math.ceil(num_cells / min(self.most_copies, bound)))

    def members(self, num_models: int, parts: int) -> int:
        """Returns how many members of a pool train as one tensor computation.

        Args:
            num_models: Members of the pool.
            parts: Groups that train at the same time.
        """
        return max(1, min(MOST_MEMBERS, self.most_copies, math.ceil(num_models / parts)))


def choose_plan(model: keras.Model, name: str | None = None) -> Plan:
    """Chooses the faster way.

    Args:
        model: The model.
        name: "vectorized" or "sequential" to force one; None: vectorized for networks of layers that are known to run
            fast at once, on a CPU only for small ones.

    Returns:
        The plan.

    Raises:
        InputError: If there is no such plan, or the backend cannot vectorize the model.
    """
    require(name in (None, *PLANS), f"`plan` must be one of {', '.join(PLANS)}", plan=name)
    layers = flatten_layers(model)
    # With filters that differ along the batch, convolutions have no kernel of their own on a CPU.
    convolutional = any(isinstance(layer, CONVOLUTIONS) for layer in layers)
    possible = backend.VECTORIZES_CONVOLUTIONS or not convolutional
    require(
        possible or name != "vectorized",
        f"`plan` must be 'sequential' for a model with convolutions on {keras.config.backend()}",
        plan=name,
    )
    small = model.count_params() <= MOST_PARAMETERS or backend.on_accelerator()
    at_once = is_vectorizable(model) and small if name is None else name == "vectorized"
    copies = max(2, min(MOST_COPIES, MOST_NUMBERS // max(1, model.count_params()))) if at_once else 1
    fit = (small or backend.LOOPS_IN_PLACE) and (backend.LOOPS_CONVOLUTIONS or not convolutional)
    compiled = fit or backend.on_accelerator()
    return Plan(most_copies=copies, loops_compiled=compiled, width=_width(model))


def _width(model: keras.Model) -> int:
    return sum(v.shape[-1] for v in model.trainable_variables if len(v.shape) > 1) or 1
