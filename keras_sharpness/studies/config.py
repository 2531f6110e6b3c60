"""The settings of a study, by the paper's text or by its released code. Needs no backend."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from keras_sharpness.errors import require, require_count, require_non_negative, require_positive, require_seed
from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.studies.released.particulars import ASCENT_SETTINGS, RELEASED
from keras_sharpness.studies.systems import SYSTEMS, System

PROTOCOLS = {"paper": SYSTEMS, "released": RELEASED}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """All settings of a study that can change its numbers.

    Attributes:
        model: "fcnn", "lenet" or "gat".
        protocol: "paper": the procedure of the paper's text; "released": that of its released code.
        num_models: Models in the pool.
        seed: Seed of the pool and of the batches.
        heads: Attention heads of `gat`.
        split_seed: Seed of the split of Abalone, or of the Cora that ships with the package.
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
        as_in_paper: Names of the released code's particulars that follow the paper instead.
    """

    model: str = "fcnn"
    protocol: str = "paper"
    num_models: int = 50
    seed: int = 0
    heads: int = 1
    split_seed: int = 0
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
    as_in_paper: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks the numbers, before any data are read.

        Raises:
            InputError: If one is out of range.
        """
        for name in ("num_models", "heads", "pga_steps", "num_restarts", "m", "num_batches"):
            require_count(name, getattr(self, name))
        require_seed(self.seed)
        require_seed(self.split_seed)
        require_non_negative("rho", self.rho)
        require_non_negative("eta", self.eta)
        require_positive("step_size", self.step_size)

    @property
    def system(self) -> System:
        """The data, network and loss."""
        return PROTOCOLS[self.protocol][self.model]

    @property
    def network_options(self) -> dict[str, Any]:
        """Options of the network."""
        options: dict[str, Any] = {"heads": self.heads} if self.model == "gat" else {}
        for particular in self.system.particulars:
            options |= {} if self.follows_paper(particular.name) else particular.network
        return options

    @property
    def climbed_schedule(self) -> Schedule:
        """Training of the networks that are climbed: of another pool unless `matching` is as in the paper."""
        return self.schedule if self.follows_paper("matching") else _climbed(self.schedule, self.system)

    def follows_paper(self, name: str) -> bool:
        """Returns whether a particular, or each of a group, is as in the paper's text.

        Args:
            name: The particular or group. Where the system has none of that name, it follows the paper.
        """
        in_code = {particular.name for particular in self.system.particulars} - self.system.expand(self.as_in_paper)
        return not in_code & self.system.expand((name,))


def make_config(
    protocol: str = "paper", as_in_paper: Sequence[str] | None = None, model: str = "fcnn", **settings: Any
) -> StudyConfig:
    """Returns the configuration of a study: a procedure, with other settings where given.

    Args:
        protocol: "paper" or "released".
        as_in_paper: Particulars of the released code that follow the paper instead; all of them make the paper's
            procedure.
        model: "fcnn", "lenet" or "gat".
        **settings: Fields of `StudyConfig` or `Schedule`. Those that are None keep the procedure's value.

    Returns:
        The configuration.

    Raises:
        InputError: If a name is unknown, or a setting is out of range or without effect.
    """
    require(protocol in PROTOCOLS, "`protocol` must be paper or released", protocol=protocol)
    systems = PROTOCOLS[protocol]
    require(model in systems, f"`model` must be one of {', '.join(systems)}", model=model)
    system = systems[model]
    _check_names(protocol, model, system, as_in_paper or ())
    names = tuple(name for name in system.names if name in (as_in_paper or ()))
    given = {name: value for name, value in settings.items() if value is not None}
    low, high = given.get("min_epochs", 0), given.get("max_epochs", math.inf)
    require(low <= high, "`min_epochs` must not exceed `max_epochs`", min_epochs=low, max_epochs=high)
    schedule = _schedule(system, system.expand(names), given)
    climbed = schedule if "matching" in names else _climbed(schedule, system)
    defaults: dict[str, Any] = {
        "rho": system.rho,
        "step_size": climbed.learning_rate,
        "protocol": protocol,
        "as_in_paper": names,
    }
    config = StudyConfig(model=model, schedule=schedule, **(defaults | given))
    _check_effect(config)
    return config


def studies_of_splits(split_seeds: Iterable[int], seed: int = 0, **settings: Any) -> Iterator[StudyConfig]:
    """Yields a study for each split.

    The seed of its pool is `seed` plus that of the split: pools of one seed would start from the same weights, and
    their taus would not be independent.

    Args:
        split_seeds: Seeds of the splits.
        seed: Seed of the pool of split 0.
        **settings: Other settings of the studies; see `make_config`.

    Yields:
        The configuration of each study.

    Raises:
        InputError: If a setting does not fit.
    """
    for split_seed in split_seeds:
        yield make_config(**settings, seed=seed + split_seed, split_seed=split_seed)


def study_config(model: str = "fcnn", **settings: Any) -> StudyConfig:
    """Returns a study by the paper's text; see `make_config`."""
    return make_config(model=model, **settings)


def released_config(model: str = "fcnn", as_in_paper: Sequence[str] = (), **settings: Any) -> StudyConfig:
    """Returns a study by the released code; see `make_config`."""
    return make_config("released", as_in_paper, model, **settings)


def _schedule(system: System, as_in_paper: set[str], given: dict[str, Any]) -> Schedule:
    """Returns the training; takes its settings out of those given."""
    changes: dict[str, Any] = {}
    for particular in system.particulars:
        changes |= particular.schedule if particular.name in as_in_paper else {}
    of_schedule = {f.name for f in dataclasses.fields(Schedule)} & given.keys()
    changes |= {name: given.pop(name) for name in of_schedule}
    return dataclasses.replace(system.schedule, **changes)


def _climbed(schedule: Schedule, system: System) -> Schedule:
    return dataclasses.replace(schedule, **system.other_pool)


def _check_names(protocol: str, model: str, system: System, names: Sequence[str]) -> None:
    fits = protocol == "released" or not names
    require(fits, "`as_in_paper` must be used with the released protocol", as_in_paper=list(names))
    unknown = [name for name in names if name not in system.names]
    require(not unknown, f"`as_in_paper` must name particulars of {model}: {', '.join(system.names)}", unknown=unknown)


def _check_effect(config: StudyConfig) -> None:
    public = config.model == "lenet" or not config.follows_paper("split")
    fixed = "`split_seed` must be 0 where the split is fixed: for lenet, and for fcnn unless as_in_paper=split"
    require(not (public and config.split_seed), fixed, split_seed=config.split_seed)
    fields = {f.name: f.default for f in dataclasses.fields(StudyConfig)}
    idle = [name for name in ASCENT_SETTINGS if getattr(config, name) != fields[name]]
    require(
        config.follows_paper("ascent") or not idle,
        "the released ascent is fixed; only with as_in_paper=ascent may be set: " + ", ".join(ASCENT_SETTINGS),
        set=", ".join(idle),
    )
