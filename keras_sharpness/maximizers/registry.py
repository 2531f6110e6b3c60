"""Maximizers by the names that the command line and saved settings use."""

from keras_sharpness.errors import require
from keras_sharpness.maximizers.apgd import APGD
from keras_sharpness.maximizers.ascent import Maximizer
from keras_sharpness.maximizers.pga import PGA
from keras_sharpness.maximizers.restarts import Restarts
from keras_sharpness.maximizers.single_step import SingleStep

NAMES = ("pga", "apgd", "single_step")


def make_maximizer(
    name: str,
    num_steps: int,
    step_size: float | str,
    direction: str | None = None,
    coordinates: str = "weights",
    num_restarts: int = 1,
    seed: int = 0,
) -> Maximizer:
    """Makes a maximizer from its settings.

    Args:
        name: "pga", "apgd" or "single_step".
        num_steps: Ascent steps, but for a single step.
        step_size: Step size of `pga`, a number or "auto".
        direction: Direction of `pga`; None: its own default.
        coordinates: Coordinates of `pga`.
        num_restarts: Ascents on each batch.
        seed: Seed of the random starts.

    Returns:
        The maximizer.

    Raises:
        InputError: If a name is unknown or a number out of range.
    """
    require(name in NAMES, f"`maximizer` must be one of {', '.join(NAMES)}", maximizer=name)
    rule: Maximizer
    if name == "pga":
        rule = PGA(num_steps=num_steps, step_size=step_size, direction=direction, coordinates=coordinates)
    else:
        rule = APGD(num_steps=num_steps) if name == "apgd" else SingleStep()
    return rule if num_restarts == 1 else Restarts(maximizer=rule, num_restarts=num_restarts, seed=seed)
