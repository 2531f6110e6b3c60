"""How much of the work is done at once, which changes how long it takes, but no number beyond rounding."""

import dataclasses
from collections.abc import Callable

import keras
from keras.src.layers.convolutional.base_conv import BaseConv
from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv

from keras_sharpness import backend
from keras_sharpness.errors import require
from keras_sharpness.models.graph_attention import GraphAttention
from keras_sharpness.objective.objective import Objective

PLANS = ("vectorized", "sequential")
# Copies of a larger network no longer fit a CPU's caches together.
MOST_PARAMETERS = 100_000
# Numbers in the weights of all copies at once: what the caches of a core hold.
MOST_NUMBERS = 2**20
MOST_COPIES = 64
# With filters that differ along the batch, these have no kernel of their own on a CPU.
CONVOLUTIONS = (BaseConv, BaseDepthwiseConv)
# Layers that are known to run fast at once, and on every backend; the steps of a subclassed model are not known.
FAST_AT_ONCE = (
    *(keras.layers.InputLayer, keras.layers.Dense, keras.layers.Dropout, keras.layers.Flatten, keras.layers.Reshape),
    *(keras.layers.Activation, keras.layers.ReLU, keras.layers.ELU, keras.layers.LeakyReLU, keras.layers.Softmax),
    *(keras.layers.BatchNormalization, keras.layers.LayerNormalization, keras.layers.Rescaling),
    *(keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply, keras.layers.Average, keras.layers.Concatenate),
    GraphAttention,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """How copies of a network (members of a pool, perturbations of one model) are computed.

    Attributes:
        most_copies: Copies that run at once as one tensor computation; 1: one after another.
        scan: How loops run: compiled, or in Python around a compiled step.
    """

    most_copies: int
    scan: Callable = backend.scan

    @property
    def vectorized(self) -> bool:
        """Whether several copies run at once."""
        return self.most_copies > 1

    @property
    def loops_compiled(self) -> bool:
        """Whether loops are part of the compiled function."""
        return self.scan is backend.scan


def choose_plan(objective: Objective, name: str | None = None) -> Plan:
    """Chooses the faster way.

    Args:
        objective: The loss; its model decides.
        name: "vectorized" or "sequential" to force one; None: vectorized for networks of layers that are known to run
            fast at once, on a CPU only for small ones.

    Returns:
        The plan.

    Raises:
        InputError: If there is no such plan, or the backend cannot vectorize the model.
    """
    require(name in (None, *PLANS), f"`plan` must be one of {', '.join(PLANS)}", plan=name)
    layers = objective.model._flatten_layers(include_self=False, recursive=True)
    convolutional = any(isinstance(layer, CONVOLUTIONS) for layer in layers)
    possible = backend.VECTORIZES_CONVOLUTIONS or not convolutional
    require(
        possible or name != "vectorized",
        f"`plan` must be 'sequential' for a model with convolutions on {keras.config.backend()}",
        plan=name,
    )
    known = all(isinstance(step, FAST_AT_ONCE) for step in _steps(objective.model))
    small = objective.model.count_params() <= MOST_PARAMETERS or backend.on_accelerator()
    at_once = known and small if name is None else name == "vectorized"
    compiled = backend.LOOPS_CONVOLUTIONS or not convolutional or backend.on_accelerator()
    copies = max(2, min(MOST_COPIES, MOST_NUMBERS // max(1, objective.model.count_params()))) if at_once else 1
    return Plan(most_copies=copies, scan=backend.scan if compiled else backend.unrolled)


def _steps(model: keras.Model) -> list:
    """Returns all steps of a model, those of models inside it too; [None] where they are not known."""
    if isinstance(model, keras.Sequential):
        steps = model.layers
    else:
        steps = getattr(model, "operations", [None])
    inner = [_steps(step) if isinstance(step, keras.Model) else [step] for step in steps]
    return [step for part in inner for step in part]
