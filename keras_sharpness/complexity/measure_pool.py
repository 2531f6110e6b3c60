"""Measures every model of a pool."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import keras
import numpy as np

from keras_sharpness.complexity.catalogue import MEASURES, choose, measure
from keras_sharpness.complexity.definition import Measure
from keras_sharpness.complexity.predictions import is_classifier, predict
from keras_sharpness.complexity.trained_model import TrainedModel
from keras_sharpness.errors import InputError, require
from keras_sharpness.execution.progress import bar as progress_bar
from keras_sharpness.measures.sample import Sample
from keras_sharpness.objective.objective import Objective
from keras_sharpness.pools.data_split import Split, read_split
from keras_sharpness.pools.member import Member, unchanged
from keras_sharpness.pools.pool import ENDED, REACHED, Family, Pool
from keras_sharpness.pools.scores import compile_split_scores

if TYPE_CHECKING:
    import pandas as pd

ERROR = "_standard_error"
Found = dict[str, Any]
"""`values` of a model by the names of columns, and `reasons`: why it lacks some measures."""
log = logging.getLogger(__name__)


def measure_pool(
    pool: Pool,
    measures: str | Sequence[str | Measure] = "all",
    *,
    targets: Mapping[str, Any] | None = None,
    statuses: Sequence[str] = (REACHED, ENDED),
    progress: bool = True,
    stop: Callable[[], bool] = lambda: False,
    **sample: Any,
) -> "pd.DataFrame":
    """Measures the models of a pool by many measures of complexity and sharpness.

    Args:
        pool: The pool. What is measured is kept in its folder, so that a call that was stopped goes on.
        measures: "all", "cheap" (those of weights and margins), or names; see `complexity.MEASURES`. `["all", "-NAME"]`
            leaves one out; a `Measure` of your own stands beside them.
        targets: Further test examples by name, such as a shifted or a corrupted set.
        statuses: How the training of a model must have ended for it to be measured. Models that missed `stop_loss` are
            left out: what comes from a higher training loss would pass for what a measure says.
        progress: Whether a bar is shown on a terminal.
        stop: Asked before each model whether to stop; the table then holds those that were measured.
        **sample: Arguments of `Sample` for measures of batches, such as `m` and `num_batches`.

    Returns:
        A row per model: what `Pool.table` shows, `worst_class_error` of a classifier, loss and error rate on each
        target, each measure, its standard error where it has one, and `seconds`. A measure is NaN for models that do
        not have it. Those of "all" and "cheap" that no model has are left out; `table.attrs["left_out"]` says why.

    Raises:
        InputError: If there is no such measure, no model ended so, or no model has a measure that was named.
    """
    chosen = choose(measures)
    splits = {name: read_split(name, given) for name, given in (targets or {}).items()}
    rows = {row["index"]: row for row in pool.rows if row["status"] in statuses}
    require(bool(rows), f"the pool must hold models whose training {' or '.join(statuses)}", models=len(pool))
    if left := len(pool) - len(rows):
        log.warning("%d of %d models are left out: their training did not end as asked", left, len(pool))
    found: dict[int, Found] = {}
    with progress_bar(len(rows), "model", progress, title="measures", delay=0) as bar:
        for index, of_model in _measure(pool, rows, chosen, splits, sample, stop):
            found[index] = of_model
            bar.update()
    values = [rows[index] | found[index]["values"] for index in sorted(found)]
    reasons = {name: reason for of_model in found.values() for name, reason in of_model["reasons"].items()}
    named = {word for word in ([measures] if isinstance(measures, str) else measures) if isinstance(word, str)}
    return _table(pool, values, chosen, reasons, named)


def _measure(
    pool: Pool,
    rows: Mapping[int, dict[str, Any]],
    measures: Sequence[Measure],
    targets: dict[str, Split],
    options: dict[str, Any],
    stop: Callable[[], bool],
) -> Iterator[tuple[int, Found]]:
    """Yields the place of each model and what was measured of it, now or in an earlier call."""
    key = _key(measures, targets, options)
    kept = {index: pool.store.load_measures(index) for index in rows} if pool.store else {}
    fits = {index for index, found in kept.items() if key and found.get("key") == key}
    yield from ((index, kept[index]) for index in fits)
    for family in pool.families():
        missing = [index for index in family.indices if index in rows and index not in fits]
        if not missing or stop():
            continue
        with unchanged(family.model):
            of = _FamilyMeasures(pool, family, measures, targets, options)
            for index in missing:
                if stop():
                    return
                found = of.measure(pool.load(index), rows[index])
                if pool.store and key:
                    pool.store.save_measures(index, found | {"key": key})
                yield index, found


class _FamilyMeasures:
    """All that is measured of models of one architecture, compiled once."""

    def __init__(
        self,
        pool: Pool,
        family: Family,
        measures: Sequence[Measure],
        targets: dict[str, Split],
        options: dict[str, Any],
    ) -> None:
        # The bar counts models; one for each measure would cover it.
        self._model, self._measures, quiet = family.model, measures, options | {"progress": False}
        self._sample = Sample(family.model, **pool.train.arguments(), loss=family.loss, **quiet)
        self._test = Sample(family.model, **pool.test.arguments(), loss=family.loss, m=None, progress=False)
        objective = Objective(family.model, family.loss, on_graph=pool.train.data.graph is not None)
        for split in targets.values():
            objective.check(split.data, split.examples)
        self._scores = compile_split_scores(objective, targets)

    def measure(self, member: Member, row: dict[str, Any]) -> Found:
        begin = time.perf_counter()
        member.assign_to(self._model)
        values, reasons = self._on_targets(member), dict[str, str]()
        known = {"initial": member.initial, "first_epoch": member.first_epoch, "epoch_losses": member.epoch_losses}
        rates = {name: row[name] for name in ("learning_rate", "batch_size") if name in row}
        trained = TrainedModel(self._sample, **cast(dict[str, Any], known | rates))
        for each in self._measures:
            try:
                value = measure(trained, [each])[each.name]
                values |= {each.name: value.value, each.name + ERROR: value.standard_error}
            except InputError as error:
                reasons[each.name] = str(error)
        return {"values": values | {"seconds": time.perf_counter() - begin}, "reasons": reasons}

    def _on_targets(self, member: Member) -> dict[str, float]:
        values: dict[str, float] = {}
        if is_classifier(self._test):
            predictions = predict(self._test)
            wrong, labels = predictions.margins <= 0, predictions.labels
            values["worst_class_error"] = float(max(wrong[labels == label].mean() for label in np.unique(labels)))
        return values | self._scores(member)


def _key(measures: Sequence[Measure], targets: dict[str, Split], options: dict[str, Any]) -> str:
    """Returns a text of all that numbers depend on besides the pool; "" where some of it has none."""
    plain = all(isinstance(value, (str, int, float, bool, type(None))) for value in options.values())
    if not plain or any(MEASURES.get(measure.name) is not measure for measure in measures):
        return ""
    data = {name: split.checksum() for name, split in targets.items()}
    return repr(([measure.name for measure in measures], data, sorted(options.items()), keras.config.backend()))


def _table(
    pool: Pool, rows: list[dict[str, Any]], measures: Sequence[Measure], reasons: dict[str, str], named: set[str]
) -> "pd.DataFrame":
    """Returns the table, without measures that no model has and standard errors that are zero or unknown in all."""
    import pandas as pd

    table = pd.DataFrame(rows)
    had = [measure.name for measure in measures if measure.name in table]
    left_out = {measure.name: reasons.get(measure.name, "") for measure in measures if measure.name not in had}
    refused = [reason for name, reason in left_out.items() if name in named]
    require(not refused, next(iter(refused), ""))
    exact = [name + ERROR for name in had if not (table[name + ERROR] > 0).any()]
    seconds = table.pop("seconds") if len(table) else []
    table = table.drop(columns=exact).assign(seconds=seconds)
    table.attrs |= {"hyper_parameters": [*pool.hyper_parameters], "measures": had, "left_out": left_out}
    return table
