"""The settings of a study, and the paper's: Table I and sections II.B and III. Needs no backend."""

import dataclasses
import math
from typing import Any

from keras_sharpness.errors import require, require_count, require_non_negative, require_positive, require_seed
from keras_sharpness.pools.schedule import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class System:
    """One of the paper's three combinations of data, network and loss.

    Attributes:
        dataset: Name of the data set.
        network: Name of the function in `models` that builds the network.
        loss: Name of the loss.
        schedule: Training as in Table I.
        rho: Radius as in Table I.
    """

    dataset: str
    network: str
    loss: str
    schedule: Schedule
    rho: float

    @property
    def classification(self) -> bool:
        """Whether the targets are classes."""
        return self.loss == "cross-entropy"


SYSTEMS = {
    "fcnn": System(
        dataset="abalone",
        network="fcnn",
        loss="mean squared error",
        schedule=Schedule(learning_rate=0.014),
        rho=0.025,
    ),
    "lenet": System(
        dataset="fashion_mnist",
        network="lenet5",
        loss="cross-entropy",
        schedule=Schedule(learning_rate=0.05),
        rho=0.0001,
    ),
    "gat": System(
        dataset="cora",
        network="gat",
        loss="cross-entropy",
        # "Due to the slow start of training", at least 10 epochs (section III.C).
        schedule=Schedule(learning_rate=0.236, min_epochs=10, max_epochs=20),
        rho=0.02,
    ),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """All settings of a study that can change its numbers.

    Attributes:
        model: "fcnn", "lenet" or "gat".
        protocol: "paper": the procedure that the paper's text describes.
        num_models: Models in the pool.
        seed: Seed of the pool and of the batches.
        heads: Attention heads of `gat`.
        schedule: Training.
        rho: Radius of the ball.
        norm: Norm of the ball.
        scaling: Scale of the ball.
        eta: Floor added to the scale.
        maximizer: "pga", "apgd" or "single_step".
        pga_steps: Ascent steps.
        step_size: Step size of the ascent; in the paper, the learning rate.
        direction: Direction of the ascent.
        coordinates: Coordinates of the ascent.
        num_restarts: Ascents on each batch.
        m: Examples in a batch.
        num_batches: Batches that the sharpness is averaged over, the same for every model.
    """

    model: str = "fcnn"
    protocol: str = "paper"
    num_models: int = 50
    seed: int = 0
    heads: int = 1
    schedule: Schedule
    rho: float
    norm: str = "linf"
    scaling: str = "adaptive"
    eta: float = 0.0
    maximizer: str = "pga"
    pga_steps: int = 5
    step_size: float
    direction: str = "gradient"
    coordinates: str = "weights"
    num_restarts: int = 1
    m: int = 64
    num_batches: int = 50

    def __post_init__(self) -> None:
        """Checks the numbers, before any data are read.

        Raises:
            InputError: If one is out of range.
        """
        for name in ("num_models", "heads", "pga_steps", "num_restarts", "m", "num_batches"):
            require_count(name, getattr(self, name))
        require_seed(self.seed)
        require_non_negative("rho", self.rho)
        require_non_negative("eta", self.eta)
        require_positive("step_size", self.step_size)

    @property
    def system(self) -> System:
        """The data, network and loss."""
        return SYSTEMS[self.model]

    @property
    def network_options(self) -> dict[str, Any]:
        """Options of the network."""
        return {"heads": self.heads} if self.model == "gat" else {}


def study_config(model: str = "fcnn", **settings: Any) -> StudyConfig:
    """Returns a study of the paper's, with other settings where given.

    Args:
        model: "fcnn", "lenet" or "gat".
        **settings: Fields of `StudyConfig` or `Schedule`. Those that are None keep the paper's value.

    Returns:
        The configuration.

    Raises:
        InputError: If the model is unknown or a setting out of range.
    """
    require(model in SYSTEMS, f"`model` must be one of {', '.join(SYSTEMS)}", model=model)
    given = {name: value for name, value in settings.items() if value is not None}
    low, high = given.get("min_epochs", 0), given.get("max_epochs", math.inf)
    require(low <= high, "`min_epochs` must not exceed `max_epochs`", min_epochs=low, max_epochs=high)
    of_schedule = {f.name for f in dataclasses.fields(Schedule)} & given.keys()
    schedule = dataclasses.replace(SYSTEMS[model].schedule, **{name: given.pop(name) for name in of_schedule})
    defaults = {"rho": SYSTEMS[model].rho, "step_size": schedule.learning_rate}
    return StudyConfig(model=model, schedule=schedule, **(defaults | given))
