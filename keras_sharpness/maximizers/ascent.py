"""The climb that every maximizer makes, on many batches at once."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from keras import ops

from keras_sharpness import backend
from keras_sharpness.perturbations import Region
from keras_sharpness.typing import Array, Weights

State: TypeAlias = dict[str, Any]
"""What a maximizer remembers from step to step; the entry "point" is the perturbation that it is at."""


class Maximizer(Protocol):
    """A rule for climbing, of one ascent: it never sees that many run at once.

    Attributes:
        num_steps: Steps of an ascent; each costs one gradient.
    """

    num_steps: int

    def start(self, delta: Weights) -> State:
        """Returns the state of an ascent that begins at a perturbation."""
        ...

    def step(self, state: State, value: Array, gradient: Weights, region: Region) -> State:
        """Returns the state after one step, given loss and gradient at the point."""
        ...


def ascend(
    maximizer: Maximizer,
    losses: Callable[[Weights], Array],
    region: Region,
    start: Weights,
    scan: Callable = backend.scan,
) -> Array:
    """Climbs on many batches at once and records the losses.

    Args:
        maximizer: The rule.
        losses: From perturbations with a leading axis, one for each ascent, to the ascents' losses, shape (n,). Each
            loss must depend on its own perturbation only.
        region: The set of perturbations, the same for all.
        start: Perturbations to start from, with that leading axis, inside the region.
        scan: How to loop over the steps.

    Returns:
        Losses, shape (n, num_steps + 1): at the start, then after each step.
    """
    step = backend.vectorize(
        lambda state, value, gradient: maximizer.step(state, value, gradient, region), in_axes=(0, 0, 0)
    )

    def total(delta: Weights) -> tuple[Array, Array]:
        values = losses(delta)
        return ops.sum(values), values

    gradients = backend.value_and_grad(total, has_aux=True)

    def advance(state: State, _: None) -> tuple[State, Array]:
        (_, values), gradient = gradients(state["point"])
        return step(state, values, gradient), values

    end, path = scan(advance, maximizer.start(start), length=maximizer.num_steps)
    return ops.transpose(ops.concatenate([path, losses(end["point"])[None]]))
