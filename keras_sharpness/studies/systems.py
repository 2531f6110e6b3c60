"""The paper's three systems: data, network, loss and settings (Table I, sections II.B and III). Needs no backend."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_sharpness.pools.schedule import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class Particular:
    """One difference between the released code and the paper's text.

    Attributes:
        name: Its name on the command line.
        released: What the code does.
        paper: What the paper says.
        schedule: Fields of the schedule that the paper's side sets; empty where the difference is not in training.
        network: Options of the network that the code's side sets.
    """

    name: str
    released: str
    paper: str
    schedule: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    network: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class System:
    """One of the paper's three combinations of data, network and loss.

    Attributes:
        dataset: Name of the data set.
        network: Name of the function in `models` that builds the network.
        loss: Name of the loss.
        schedule: Training.
        rho: Radius.
        particulars: Differences from the paper's text: those of the measurement first, then those of training and data.
        groups: Names that stand for several particulars together.
        other_pool: Fields of the schedule of the networks that are climbed, where these are of another pool.
    """

    dataset: str
    network: str
    loss: str
    schedule: Schedule
    rho: float
    particulars: tuple[Particular, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    other_pool: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def classification(self) -> bool:
        """Whether the targets are classes."""
        return self.loss == "cross-entropy"

    @property
    def names(self) -> list[str]:
        """Names of the particulars and groups."""
        return [*(particular.name for particular in self.particulars), *self.groups]

    def expand(self, names: tuple[str, ...]) -> set[str]:
        """Returns the particulars that some names stand for."""
        return {part for name in names for part in self.groups.get(name, (name,))}


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
