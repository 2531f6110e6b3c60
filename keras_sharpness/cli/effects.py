"""Flags that have no effect together with others are refused. Needs no backend."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras_sharpness.cli import flags
from keras_sharpness.errors import require
from keras_sharpness.studies.released.particulars import ASCENT_SETTINGS


@dataclasses.dataclass(frozen=True)
class Rule:
    """When some flags have an effect.

    Attributes:
        names: The flags.
        holds: From the values of all flags to whether these have an effect.
        needs: The flags that they need, in words.
    """

    names: tuple[str, ...]
    holds: Callable[[Any], bool]
    needs: str


def _follows_paper(given: Any, particular: str) -> bool:
    return given.protocol == "paper" or particular in (given.as_in_paper or ())


RULES = (
    Rule(
        ("model", "split_seed", "vary", "num_train", "learning_rate", "data_dir", "download"),
        lambda given: given.study is None,
        "no --study, whose file says it",
    ),
    Rule(("rows", "plan", "strategy"), lambda given: given.score is None, "no --score, which trains nothing"),
    Rule(("heads",), lambda given: given.model == "gat", "--model=gat"),
    Rule(
        ("split_seed",),
        lambda given: given.model == "gat" or given.model == "fcnn" and _follows_paper(given, "split"),
        "--model=fcnn or gat, and for fcnn --protocol=paper or --as_in_paper=split",
    ),
    Rule(("as_in_paper",), lambda given: given.protocol == "released", "--protocol=released"),
    Rule(ASCENT_SETTINGS, lambda given: _follows_paper(given, "ascent"), "--protocol=paper or --as_in_paper=ascent"),
    # The released training on Abalone stops by a rule that has no minimum number of epochs.
    Rule(
        ("min_epochs",),
        lambda given: given.model != "fcnn" or _follows_paper(given, "stopping"),
        "--protocol=paper or --as_in_paper=stopping",
    ),
    Rule(("step_size", "direction", "coordinates"), lambda given: given.maximizer == "pga", "--maximizer=pga"),
    Rule(("coordinates",), lambda given: given.direction == "gradient", "--direction=gradient"),
    Rule(("pga_steps",), lambda given: given.maximizer != "single_step", "--maximizer=pga or apgd"),
    Rule(("seed",), lambda given: given.measure != "keskar" or given.num_restarts > 1, "--num_restarts above 1"),
    Rule(("seed",), lambda given: given.measure != "fisher_rao" or given.num_draws is not None, "--num_draws"),
    Rule(("verbose",), lambda given: not given.quiet, "no --quiet"),
    Rule(("tpu",), lambda given: given.strategy == "tpu", "--strategy=tpu"),
    Rule(("num_devices",), lambda given: given.strategy == "mirrored", "--strategy=mirrored"),
    Rule(("split",), lambda given: given.strategy != "none", "a --strategy of several devices"),
)


def require_effect() -> None:
    """Raises unless every flag that was given has an effect.

    Raises:
        InputError: If one has none, with the flags that it needs.
    """
    given = set(flags.given())
    for rule in RULES:
        idle = {name: flags.FLAGS[name].value for name in rule.names if name in given}
        named = ", ".join(f"--{name}" for name in idle)
        require(not idle or rule.holds(flags.FLAGS), f"{named} must come with {rule.needs}", **idle)
