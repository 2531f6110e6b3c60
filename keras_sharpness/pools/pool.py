"""A pool of models: which settings they have, what they reached, and their weights."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras

from keras_sharpness.errors import require
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.pools.data_split import Split
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.store import PoolStore

if TYPE_CHECKING:
    import pandas as pd

REACHED, ENDED, MISSED, DIVERGED = "reached", "ended", "missed", "diverged"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Family:
    """Members of one architecture, which one model stands for in turn.

    Attributes:
        model: The model.
        loss: The loss; None: the model's own.
        indices: Places of the members in the pool.
    """

    model: keras.Model
    loss: LossLike
    indices: Sequence[int]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """Models over hyper-parameters, trained and evaluated; `train_pool` and `load_pool` make one.

    Attributes:
        hyper_parameters: Names of the hyper-parameters.
        rows: A dictionary for each model: `index`, `setting` (a number), `seed`, the hyper-parameters, `epochs`,
            `status`, and what was evaluated.
        train: The training examples.
        test: The test examples.
        failures: The reason for each setting, by its number, whose models could not be trained.
        load: From a place in the pool to the member's weights.
        make_families: Returns the families; see `families`.
        make_model: From a place to a model of its own, with the trained weights.
        store: Files that keep what is measured; None: nothing does.
    """

    hyper_parameters: tuple[str, ...]
    rows: Sequence[dict[str, Any]]
    train: Split
    test: Split
    failures: dict[int, str] = dataclasses.field(default_factory=dict)
    load: Callable[[int], Member]
    make_families: Callable[[], Iterator[Family]]
    make_model: Callable[[int], keras.Model]
    store: PoolStore | None = None

    def families(self) -> Iterator[Family]:
        """Returns an iterator of the families, each built when it is due."""
        return self.make_families()

    def table(self) -> "pd.DataFrame":
        """Returns a row per model.

        Returns:
            Columns `index`, `setting`, `seed`, the hyper-parameters, `epochs`, `status`, losses and error rates of
            training and test, and `gap` and `error_gap`, test minus training.
        """
        import pandas as pd

        table = pd.DataFrame(self.rows)
        table.attrs["hyper_parameters"] = list(self.hyper_parameters)
        return table

    def model(self, index: int) -> keras.Model:
        """Returns a model of the pool, with its trained weights.

        Args:
            index: Its place.

        Raises:
            InputError: If there is no such model.
        """
        known = any(row["index"] == index for row in self.rows)
        require(known, f"`index` must be that of one of the pool's {len(self)} models", index=index)
        return self.make_model(index)

    def __len__(self) -> int:
        """Returns how many models there are."""
        return len(self.rows)

    def __repr__(self) -> str:
        """Returns a line: models, settings, and how the training ended."""
        counts = {status: sum(row["status"] == status for row in self.rows) for status in (REACHED, MISSED, DIVERGED)}
        of = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        settings = len({row["setting"] for row in self.rows})
        failed = f", {len(self.failures)} settings failed" if self.failures else ""
        names = ", ".join(self.hyper_parameters)
        return f"Pool({len(self)} models of {settings} settings of {names}{': ' if of else ''}{of}{failed})"


def status_of(training_loss: float, last: float, stop_loss: float | None) -> str:
    """Returns how a member's training ended.

    Args:
        training_loss: The loss that was reached.
        last: The loss of the last epoch.
        stop_loss: The loss at which the training was to stop; None: there was none.

    Returns:
        "reached" or "missed", "ended" where there was no such loss, "diverged" where a loss is not finite.
    """
    if not (math.isfinite(training_loss) and math.isfinite(last)):
        return DIVERGED
    if stop_loss is None:
        return ENDED
    return REACHED if last <= stop_loss else MISSED


def with_gaps(scores: dict[str, float]) -> dict[str, float]:
    """Returns evaluations together with `gap` and `error_gap`, test minus training.

    Args:
        scores: `training_loss`, `test_loss`, and error rates where they mean something.
    """
    gaps = {"gap": scores["test_loss"] - scores["training_loss"]}
    if "test_error" in scores:
        gaps["error_gap"] = scores["test_error"] - scores["training_error"]
    return scores | gaps
