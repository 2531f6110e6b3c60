"""Where the released code's procedure differs from the paper's text, system by system. Needs no backend."""

import dataclasses
from typing import Any

from keras_sharpness.errors import require
from keras_sharpness.studies.config import StudyConfig, System
from keras_sharpness.studies.released.schedule import ReleasedSchedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class Particular:
    """One difference between the released code and the paper's text.

    Attributes:
        name: What it is called on the command line.
        released: What the code does, in words.
        paper: What the paper says.
        schedule: Fields of the schedule that the paper's side sets; empty where the difference is not in training.
    """

    name: str
    released: str
    paper: str
    schedule: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReleasedSystem(System):
    """A system as in the released code.

    Attributes:
        particulars: Its differences from the paper: those of the ascent first, then those of training and data.
    """

    schedule: ReleasedSchedule
    particulars: tuple[Particular, ...]


ASCENT = "5 steps on each of 50 batches drawn anew, and the loss of that batch"
XAVIER = Particular(
    name="initialization",
    released="uniform in +-1/sqrt(fan_in), biases too (PyTorch's default)",
    paper="Xavier, biases zero",
    schedule={"initialization": "glorot_uniform"},
)

LENET = ReleasedSystem(
    dataset="fashion_mnist",
    network="lenet5",
    loss="cross-entropy",
    schedule=ReleasedSchedule(
        learning_rate=0.05, weight_decay=5e-3, initialization="torch_default", training_mode_epochs=1, sums_losses=True
    ),
    rho=0.0001,
    particulars=(
        Particular(
            name="reference",
            released="ball around the weights after a first, unprojected step (their copy was an alias)",
            paper="ball around the trained weights",
        ),
        Particular(name="dropout", released="on during the ascent", paper="off"),
        Particular(
            name="batch_statistics",
            released="batch norm uses each ascent batch's statistics and updates the running ones",
            paper="the trained network's running statistics",
        ),
        Particular(name="ascent", released="5 epochs over all batches, and the loss of the training set", paper=ASCENT),
        Particular(
            name="averages",
            released="losses are means over batches of 64 of their means, the smaller last one counting as much",
            paper="means over examples",
            schedule={"sums_losses": False},
        ),
        Particular(
            name="weight_decay",
            released="5e-3 on every parameter",
            paper="none",
            schedule={"weight_decay": 0.0},
        ),
        Particular(
            name="mode",
            released="inference mode (no dropout, fixed batch statistics) from the second epoch on",
            paper="training mode",
            schedule={"training_mode_epochs": None},
        ),
        XAVIER,
    ),
)

FCNN = ReleasedSystem(
    dataset="abalone",
    network="fcnn",
    loss="mean squared error",
    schedule=ReleasedSchedule(
        learning_rate=0.102,
        max_epochs=12,
        initialization="torch_default",
        full_gradient=True,
        sums_losses=True,
        signed_change=True,
    ),
    rho=0.025,
    particulars=(
        Particular(
            name="absolute_value",
            released="clipped to w0 +- rho w0: bounds of negative weights cross, which pins them at w0 (1 + rho)",
            paper="clipped to w0 +- rho |w0|",
        ),
        Particular(
            name="ascent",
            released="6 epochs of 53 steps on the whole training set, and its loss",
            paper=ASCENT,
        ),
        Particular(name="activation", released="ELU, on the output too", paper="ReLU, output linear"),
        XAVIER,
        Particular(name="learning_rate", released="0.102", paper="0.014", schedule={"learning_rate": 0.014}),
        Particular(
            name="gradient",
            released="of the whole training set in every step",
            paper="of a mini-batch of 64",
            schedule={"full_gradient": False},
        ),
        Particular(
            name="stopping",
            released="sum of step losses falls by less than 5 %, or rises; at most 12 epochs",
            paper="mean loss changes by less than 5 %; at most 10 epochs",
            schedule={"signed_change": False, "sums_losses": False, "max_epochs": 10},
        ),
        Particular(
            name="split",
            released="first row lost as a header, scikit-learn's split of seed 42, sexes in the last columns",
            paper="all 4177 rows, a random split",
        ),
    ),
)

GAT = ReleasedSystem(
    dataset="cora",
    network="gat",
    loss="cross-entropy",
    schedule=ReleasedSchedule(learning_rate=0.236, min_epochs=11, max_epochs=20, sums_losses=True),
    rho=0.02,
    particulars=(
        Particular(
            name="dropout",
            released="on in the ascent and in the losses that the sharpness is the difference of",
            paper="off",
        ),
        Particular(
            name="ascent",
            released="5 trials of 5 steps on a set of 64 draws, and the sum of the three training batches' losses",
            paper=ASCENT,
        ),
        Particular(
            name="stopping",
            released="sum of the three batch losses changes by less than 5 %, from epoch 11 on",
            paper="mean loss changes by less than 5 %, from epoch 10 on",
            schedule={"min_epochs": 10, "sums_losses": False},
        ),
    ),
)

RELEASED: dict[str, ReleasedSystem] = {"fcnn": FCNN, "lenet": LENET, "gat": GAT}
# What the paper's ascent is set by; the released one is fixed.
PAPER_ASCENT = (
    *("norm", "scaling", "eta", "maximizer", "pga_steps", "direction", "coordinates", "num_restarts", "m"),
    "num_batches",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReleasedConfig(StudyConfig):
    """A study by the released code's procedure. The paper's ascent settings hold where `ascent` is as in the paper.

    Attributes:
        as_in_paper: Names of the particulars that follow the paper instead.
    """

    schedule: ReleasedSchedule
    as_in_paper: tuple[str, ...] = ()

    @property
    def system(self) -> ReleasedSystem:
        """The data, network and loss."""
        return RELEASED[self.model]

    @property
    def network_options(self) -> dict[str, Any]:
        """Options of the network."""
        if self.model == "fcnn" and not self.follows_paper("activation"):
            return {"activation": "elu", "output_activation": "elu"}
        return super().network_options

    def follows_paper(self, name: str) -> bool:
        """Returns whether a particular is as in the paper."""
        return name in self.as_in_paper


def released_config(model: str = "fcnn", as_in_paper: tuple[str, ...] = (), **settings: Any) -> ReleasedConfig:
    """Returns a study by the released code's procedure, with other settings where given.

    Args:
        model: "fcnn", "lenet" or "gat".
        as_in_paper: Particulars that follow the paper instead; all of them make the paper's procedure.
        **settings: Fields of `StudyConfig` or `ReleasedSchedule`. Those that are None keep the released code's value.

    Returns:
        The configuration.

    Raises:
        InputError: If the model or a particular is unknown, or a setting is out of range or without effect.
    """
    require(model in RELEASED, f"`model` must be one of {', '.join(RELEASED)}", model=model)
    system = RELEASED[model]
    known = [particular.name for particular in system.particulars]
    unknown = [name for name in as_in_paper if name not in known]
    require(not unknown, f"`as_in_paper` must name particulars of {model}: {', '.join(known)}", unknown=unknown)
    changes: dict[str, Any] = {}
    for particular in system.particulars:
        changes |= particular.schedule if particular.name in as_in_paper else {}
    given = {name: value for name, value in settings.items() if value is not None}
    of_schedule = {f.name for f in dataclasses.fields(ReleasedSchedule)} & given.keys()
    changes |= {name: given.pop(name) for name in of_schedule}
    schedule = dataclasses.replace(system.schedule, **changes)
    defaults: dict[str, Any] = {"rho": system.rho, "step_size": schedule.learning_rate, "protocol": "released"}
    config = ReleasedConfig(model=model, schedule=schedule, as_in_paper=tuple(as_in_paper), **(defaults | given))
    _check_effect(config)
    return config


def _check_effect(config: ReleasedConfig) -> None:
    fields = {f.name: f.default for f in dataclasses.fields(StudyConfig)}
    idle = [name for name in PAPER_ASCENT if getattr(config, name) != fields[name]]
    require(
        config.follows_paper("ascent") or not idle,
        "the released ascent is fixed; only with as_in_paper=ascent may be set: " + ", ".join(PAPER_ASCENT),
        set=", ".join(idle),
    )
