"""All measures of complexity by name, and how they are taken of a trained model."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, cast

from keras_sharpness.complexity import counts, margin_measures, norm_measures, optimization, pac_bayes
from keras_sharpness.complexity import sharpness_measures as ours
from keras_sharpness.complexity import worst_case_bounds as worst
from keras_sharpness.complexity.definition import Kind, Measure, Value
from keras_sharpness.complexity.folded_network import is_normalized
from keras_sharpness.complexity.quality import quality_of
from keras_sharpness.complexity.trained_model import TrainedModel
from keras_sharpness.errors import InputError, require

CHEAP: tuple[Kind, ...] = ("count", "norm", "margin")
# Of all weights, which batch normalization must be folded into.
FOLDING: tuple[Kind, ...] = ("count", "norm", "pac_bayes", "worst_case")
# A number is that of an equation of Jiang et al. (arXiv:1912.02178, appendix C).
APPENDIX = "Jiang et al. 2020, appendix C"
DZIUGAITE = "Dziugaite et al. 2020"
OURS = "this package"


def _row(kind: Kind, source: int | str, function: Callable[..., Any], *needs: str, name: str | None = None) -> Measure:
    """Returns the measure of a line of the table.

    Args:
        kind: What it is made of.
        source: Number of its equation, or where it stands.
        function: Its function.
        *needs: Fields of `TrainedModel`; "classes" for classifiers only; "layers" where their kinds must be known.
        name: Its name; None: that of the function.
    """
    equation = f"Jiang et al. 2020, ({source})" if isinstance(source, int) else source
    fields = tuple(need for need in needs if need not in ("classes", "layers"))
    flags = {"classifies": "classes" in needs, "layered": "layers" in needs}
    return Measure(name or function.__name__, kind, equation, function, fields, kind in CHEAP, **flags)


def _reshaped(kind: Kind, function: Callable[..., Any], *needs: str) -> Measure:
    """Returns the same measure with the norms of the kernels as matrices."""
    name = f"{function.__name__}_reshaped"
    return _row(kind, DZIUGAITE, partial(function, reshaped=True), "layers", *needs, name=name)


_n = norm_measures
_TABLE = (
    _row("count", 20, counts.num_params),
    _row("count", APPENDIX, counts.vc_bound, "layers"),
    _row("margin", 22, margin_measures.inverse_margin, "classes"),
    _row("margin", OURS, margin_measures.negative_margin, "classes"),
    _row("margin", APPENDIX, margin_measures.cross_entropy, "classes"),
    _row("margin", APPENDIX, margin_measures.negative_entropy, "classes"),
    _row("margin", APPENDIX, _n.spectral_init, "layers", "classes", "initial"),
    _row("margin", APPENDIX, _n.spectral_orig, "layers", "classes"),
    _row("margin", 29, _n.spectral_init_main, "layers", "classes", "initial"),
    _row("margin", 30, _n.spectral_orig_main, "layers", "classes"),
    _row("margin", 31, _n.prod_of_spec_over_margin, "layers", "classes"),
    _row("norm", 32, _n.prod_of_spec, "layers"),
    _row("norm", 33, _n.fro_over_spec, "layers"),
    _row("margin", 34, _n.sum_of_spec_over_margin, "layers", "classes"),
    _row("norm", 35, _n.sum_of_spec, "layers"),
    _row("margin", 36, _n.prod_of_fro_over_margin, "layers", "classes"),
    _row("norm", 37, _n.prod_of_fro, "layers"),
    _row("margin", 38, _n.sum_of_fro_over_margin, "layers", "classes"),
    _row("norm", 39, _n.sum_of_fro, "layers"),
    _row("norm", 40, _n.dist_from_init, "initial"),
    _row("norm", 41, _n.dist_spec_init, "layers", "initial"),
    _row("norm", 42, _n.param_norm),
    _row("margin", 43, _n.path_norm_over_margin, "layers", "classes"),
    _row("norm", 44, _n.path_norm, "layers"),
    _row("norm", DZIUGAITE, _n.l2_norm),
    _row("norm", DZIUGAITE, _n.l2_distance, "initial"),
    _reshaped("margin", _n.spectral_init_main, "classes", "initial"),
    _reshaped("margin", _n.spectral_orig_main, "classes"),
    _reshaped("margin", _n.prod_of_spec_over_margin, "classes"),
    _reshaped("norm", _n.prod_of_spec),
    _reshaped("norm", _n.fro_over_spec),
    _reshaped("margin", _n.sum_of_spec_over_margin, "classes"),
    _reshaped("norm", _n.sum_of_spec),
    _reshaped("norm", _n.dist_spec_init, "initial"),
    _row("pac_bayes", 48, pac_bayes.pacbayes_init, "initial"),
    _row("pac_bayes", 49, pac_bayes.pacbayes_orig),
    _row("pac_bayes", 53, pac_bayes.pacbayes_flatness),
    _row("pac_bayes", 56, pac_bayes.pacbayes_mag_init, "initial"),
    _row("pac_bayes", 57, pac_bayes.pacbayes_mag_orig),
    _row("pac_bayes", 61, pac_bayes.pacbayes_mag_flatness),
    _row("worst_case", APPENDIX, worst.sharpness_init, "initial"),
    _row("worst_case", APPENDIX, worst.sharpness_orig),
    _row("worst_case", APPENDIX, worst.sharpness_flatness),
    _row("worst_case", APPENDIX, worst.sharpness_mag_init, "initial"),
    _row("worst_case", APPENDIX, worst.sharpness_mag_orig),
    _row("worst_case", APPENDIX, worst.sharpness_mag_flatness),
    _row("optimization", APPENDIX, optimization.steps_to(0.1), "epoch_losses", name="steps_0.1"),
    _row("optimization", APPENDIX, optimization.steps_between(0.1, 0.01), "epoch_losses", name="steps_0.1_to_0.01"),
    _row("optimization", APPENDIX, optimization.gradient_noise_first_epoch, "first_epoch"),
    _row("optimization", APPENDIX, optimization.gradient_noise_final),
    _row("sharpness", APPENDIX, ours.fisher_rao),
    _row("sharpness", OURS, ours.worst_case),
    _row("sharpness", OURS, ours.worst_case_error, "classes"),
    _row("sharpness", OURS, ours.average_case),
    _row("sharpness", OURS, ours.average_case_error, "classes"),
    _row("sharpness", OURS, ours.hessian_trace),
    _row("sharpness", OURS, ours.hessian_top_eigenvalue),
    _row("sharpness", OURS, ours.relative_flatness),
    _row("sharpness", OURS, ours.critical_sharpness),
    _row("sharpness", OURS, ours.gradient_norm),
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _TABLE}


def choose(measures: str | Sequence[str | Measure] = "all") -> list[Measure]:
    """Returns measures by name.

    Args:
        measures: Names; "all"; or "cheap" for counts, norms and margins. A name after a minus is left out of them. A
            `Measure` stands for itself.

    Raises:
        InputError: If a name is unknown, or there is none.
    """
    words = [measures] if isinstance(measures, str) else list(measures)
    found: dict[str, Measure] = {}
    for word in words:
        found |= {each.name: each for each in _meant(word)}
    for word in words:
        if isinstance(word, str) and word.startswith("-"):
            found.pop(_known(word[1:]).name, None)
    require(bool(found), '`measures` must be "all", "cheap" or names', measures=words)
    return [*found.values()]


def _meant(word: str | Measure) -> list[Measure]:
    if isinstance(word, Measure):
        return [word]
    if word in ("all", "cheap"):
        return [measure for measure in MEASURES.values() if measure.cheap or word == "all"]
    return [] if str(word).startswith("-") else [_known(word)]


def _known(name: str) -> Measure:
    if name not in MEASURES:
        near = difflib.get_close_matches(str(name), MEASURES, 3, 0.5)
        hint = f", such as {', '.join(near)}" if near else ""
        raise InputError(f'`measures` must be "all", "cheap" or names of measures{hint}. Received: {name!r}')
    return MEASURES[name]


def refusals(trained: TrainedModel, measures: Iterable[Measure]) -> dict[str, str]:
    """Returns which measures a trained model has not, and why, without taking any of them.

    Args:
        trained: The trained model.
        measures: The measures.
    """
    found = ((measure.name, _refusal(trained, measure)) for measure in measures)
    return {name: why for name, why in found if why}


def measure(trained: TrainedModel, measures: "Sequence[Measure] | Sequence[str] | str" = "all") -> dict[str, Value]:
    """Takes measures of a trained model, which is left as it was.

    Args:
        trained: The trained model.
        measures: Measures, or what `choose` takes.

    Returns:
        Value and standard error by name.

    Raises:
        InputError: If the model does not have one of them; see `refusals`. Names the measure.
    """
    named = isinstance(measures, str) or not all(isinstance(each, Measure) for each in measures)
    chosen = choose(cast(Any, measures)) if named else cast(Sequence[Measure], measures)
    return {each.name: _take(trained, each) for each in chosen}


def _take(trained: TrainedModel, measure: Measure) -> Value:
    why = _refusal(trained, measure)
    if why:
        raise InputError(f"measure {measure.name}: {why}")
    try:
        return measure(trained)
    except InputError as error:
        raise InputError(f"measure {measure.name}: {error}") from error


def _refusal(trained: TrainedModel, measure: Measure) -> str:
    """Returns why a trained model has not a measure; nothing if it has."""
    for name in measure.needs:
        if getattr(trained, name) in (None, ()):
            return f"`{name}` must be known. Received: {name}=None"
    if measure.classifies and not trained.is_classifier:
        loss = trained.sample.objective.batch_loss.name
        return f"the model must be a classifier: one output, a cross-entropy for the loss. Received: loss={loss!r}"
    try:
        if measure.layered or (measure.kind in FOLDING and is_normalized(trained.model)):
            _ = trained.sites
        if measure.kind in ("pac_bayes", "worst_case"):
            quality_of(trained.sample)
    except InputError as error:
        return str(error)
    return ""
